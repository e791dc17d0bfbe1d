"""Why a change that plan() wants is withheld here and now, in the words of the report. Withheld is not drift.

Pure. The permit and the guard, which need the controller and the clock, come later and add their own words.
"""

from collections.abc import Mapping

from drivers.base import Capabilities
from enforcement.access import Kind
from enforcement.changes import Change, Restrict, needs_permit
from enforcement.modes import Mode, lets

STOPPED = "stopped"
FLAPPING = "flapping"
NO_CONTROLLER = "no controller"
PERMIT_RAN_OUT = "the permit ran out before it could be used"
GUARD = "guard: the limit of first restrictions an hour is reached, of this site or of this device"
CONTESTED = "contested: two live bindings claim this key"

MODES_UP = (Mode.OBSERVE, Mode.RESTORE_ONLY, Mode.ENFORCE)


def least_mode(modes: Mapping[Kind, Mode], kinds: frozenset[Kind]) -> Mode:
    """The most careful mode among `kinds`; `observe` for a kind that has none, and where there are no kinds."""
    return min((modes.get(kind, Mode.OBSERVE) for kind in kinds), key=MODES_UP.index, default=Mode.OBSERVE)


def beyond(change: Change, able: Capabilities) -> str:
    """Why a device can't be asked for a restriction at all; empty where it can. A restore is always tried."""
    if not isinstance(change, Restrict):
        return ""
    entry = change.entry
    if entry.key.type not in able.keys:
        return f"the device cannot: it knows no {entry.key.type} keys"
    if entry.access not in able.access.get(entry.kind, frozenset()):
        return f"the device cannot: it has no {entry.access} for {entry.kind}"
    return ""


def why(change: Change, mode: Mode, stopped: bool, flapping: bool) -> str:
    """Why `change` must not be made now; empty where it may go on to the permit."""
    if not lets(mode, change):
        return f"mode {mode}"
    if not needs_permit(change):
        return ""
    if stopped:
        return STOPPED
    return FLAPPING if flapping else ""
