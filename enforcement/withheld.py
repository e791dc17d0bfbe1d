"""Why a change that is wanted is withheld, in a word: agents report it beside their sentence, and people, figures and
alerts tell by it what a person has to look at from what was switched on on purpose."""

from enum import StrEnum


class Why(StrEnum):
    """What keeps a change from being made."""

    UNSAFE = "unsafe"
    """Emergency numbers can't be reached by who is restricted so on the device: open until they can."""
    FLAPPING = "flapping"
    """Another hand keeps undoing it."""
    PINNED = "pinned"
    """A hand at the site holds it open."""
    GUARD = "guard"
    """The site's or the device's own limit of first restrictions an hour is reached."""
    CONTESTED = "contested"
    """Two live bindings claim the key."""
    DEVICE_CANNOT = "device_cannot"
    PERMIT = "permit"
    """The controller gave none, or it ran out."""
    NO_CONTROLLER = "no_controller"
    STOPPED = "stopped"
    MODE = "mode"


SWITCHED = (Why.STOPPED, Why.MODE)
"""Withheld on purpose, of everybody at once: nothing to look at one by one."""
