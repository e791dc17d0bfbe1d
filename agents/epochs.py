"""Whether what the controller says may be followed at all: epochs and revisions, compared before anything is fetched.

A controller restored from a backup, or a wrong database, is behind what the agent has seen or of another epoch. To
follow it would undo or redo at random; so the device is halted until a person has adopted the new epoch.
"""

from enum import StrEnum

from enforcement.wire import FeedDevice


class Standing(StrEnum):
    """What to do with the controller's present word for a device."""

    FOLLOW = "follow"
    ADOPT = "adopt"
    HALT = "halt"


def standing(epoch: str, revision: int, told: FeedDevice) -> Standing:
    """`epoch` and `revision` are the agent's own; an empty epoch is an agent that has never been told anything."""
    if not epoch or (told.epoch == epoch and told.revision >= revision):
        return Standing.FOLLOW
    if told.adopts is not None and list(told.adopts) == [epoch, revision]:
        return Standing.ADOPT
    return Standing.HALT


def why_halted(epoch: str, revision: int, told: FeedDevice) -> str:
    """The sentence that goes into the report."""
    if told.epoch != epoch:
        return f"the controller is in epoch {told.epoch}, this agent in {epoch} at revision {revision}"
    return f"the controller is at revision {told.revision}, behind revision {revision} that this agent has seen"
