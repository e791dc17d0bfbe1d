"""Modes: how far grifo may go on a device, for each kind of service. A new device starts in `observe`."""

from enum import StrEnum

from enforcement.changes import Change, needs_permit


class Mode(StrEnum):
    """`OBSERVE` writes nothing, `RESTORE_ONLY` only raises access, `ENFORCE` does both."""

    OBSERVE = "observe"
    RESTORE_ONLY = "restore_only"
    ENFORCE = "enforce"


def lets(mode: Mode, change: Change) -> bool:
    """Whether `mode` lets `change` be carried out."""
    match mode:
        case Mode.OBSERVE:
            return False
        case Mode.RESTORE_ONLY:
            return not needs_permit(change)
        case Mode.ENFORCE:
            return True
