"""A RouterOS device as far as its API reaches: for our tests, for `grifo lab`, and for anyone's tools.

It behaves as MikroTik's manual says (developer guide "API"; "Firewall / Address lists"; "Services"), not as any one
client wishes. Where the manual is silent, the choice is named in the docstring of the module that makes it.
No real device was at hand: the texts of traps are those that public clients and reports match on.
"""

from lab.routeros.faults import Faults
from lab.routeros.server import RouterOS

__all__ = ["Faults", "RouterOS"]
