"""A SIP switch as far as its control side reaches: for our tests, for `grifo lab`, and for anyone's tools.

It behaves as Kamailio 5.6.3 was seen to: JSON-RPC over HTTP (modules jsonrpcs, xhttp, htable), tables in memory that
are loaded from a database at start, and a dial plan with the rules of configs/sip/kamailio that answers SIP over UDP.
It relays no call: where a call would go through, the switch itself answers 200.
"""

from lab.switch.faults import Faults
from lab.switch.switch import Switch

__all__ = ["Faults", "Switch"]
