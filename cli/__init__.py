"""The `grifo` command: what NOC staff ask and order over REST, and how the processes are started."""
