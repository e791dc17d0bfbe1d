"""Misbehaviour on command: what may go wrong between a switch and whoever manages it."""

from dataclasses import dataclass
from typing import Literal

BLOCKS = ("barring", "incoming", "forwarding")
DialPlan = Literal["", "bars_all", "bars_none", "missing"]


@dataclass(frozen=True, slots=True)
class Faults:
    """How the switch misbehaves from now on; the default is a switch that works.

    `refuse`     text of the error that answers every write
    `lie`        every write is answered Ok and changes nothing
    `hang`       requests are read and never answered, RPC and SIP alike
    `drop`       the connection is closed in place of an answer
    `garble`     nonsense in place of an answer
    `after`      RPC calls that are carried out before refuse, lie, hang, drop or garble strike
    `delay_ms`   each answer leaves that much later
    `dial_plan`  `bars_all`: barred callers reach no number at all, not even 112; `bars_none`: nobody is barred;
                 `missing`: the dial plan knows nothing of barring, and answers every OPTIONS with a plain 200
    `uncalled`   blocks that the dial plan has and never calls, of `BLOCKS`; all others have been passed by some call
    """

    refuse: str = ""
    lie: bool = False
    hang: bool = False
    drop: bool = False
    garble: bool = False
    after: int = 0
    delay_ms: float = 0.0
    dial_plan: DialPlan = ""
    uncalled: tuple[str, ...] = ()
