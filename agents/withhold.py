"""Why a change that plan() wants is withheld here and now, in the words of the report. Withheld is not drift.

Pure. The permit and the guard, which need the controller and the clock, come later and add their own words.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from drivers.base import Capabilities
from enforcement.access import Kind
from enforcement.changes import Change, Restrict, needs_permit
from enforcement.modes import Mode, lets
from enforcement.withheld import Why


@dataclass(frozen=True, slots=True)
class Withheld:
    """Why, in a word and in the words of the report."""

    why: Why
    words: str


STOPPED = Withheld(Why.STOPPED, "stopped")
FLAPPING = Withheld(Why.FLAPPING, "flapping: another hand has undone it three times within a day")
NO_CONTROLLER = Withheld(Why.NO_CONTROLLER, "no controller")
PERMIT_RAN_OUT = Withheld(Why.PERMIT, "the permit ran out before it could be used")
GUARD = Withheld(Why.GUARD, "guard: the limit of first restrictions an hour is reached, of this site or of this device")
CONTESTED = Withheld(Why.CONTESTED, "contested: two live bindings claim this key")
UNSAFE = Withheld(
    Why.UNSAFE, "unsafe: on this device who is restricted so can't reach every emergency number; open until they can"
)

MODES_UP = (Mode.OBSERVE, Mode.RESTORE_ONLY, Mode.ENFORCE)


def least_mode(modes: Mapping[Kind, Mode], kinds: frozenset[Kind]) -> Mode:
    """The most careful mode among `kinds`; `observe` for a kind that has none, and where there are no kinds."""
    return min((modes.get(kind, Mode.OBSERVE) for kind in kinds), key=MODES_UP.index, default=Mode.OBSERVE)


def pinned(words: str) -> Withheld:
    """A hand at the site holds it open: until when and why."""
    return Withheld(Why.PINNED, f"pinned at the site {words}")


def beyond(change: Change, able: Capabilities) -> Withheld | None:
    """Why a device can't be asked for a restriction at all; None where it can. A restore is always tried."""
    if not isinstance(change, Restrict):
        return None
    entry = change.entry
    if entry.key.type not in able.keys:
        return Withheld(Why.DEVICE_CANNOT, f"the device cannot: it knows no {entry.key.type} keys")
    if entry.access not in able.access.get(entry.kind, frozenset()):
        return Withheld(Why.DEVICE_CANNOT, f"the device cannot: it has no {entry.access} for {entry.kind}")
    return None


def why(change: Change, mode: Mode, stopped: bool, flapping: bool) -> Withheld | None:
    """Why `change` must not be made now; None where it may go on to the permit."""
    if not lets(mode, change):
        return Withheld(Why.MODE, f"mode {mode}")
    if not needs_permit(change):
        return None
    if stopped:
        return STOPPED
    return FLAPPING if flapping else None
