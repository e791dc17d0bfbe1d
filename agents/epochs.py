"""Whether what the controller says may be followed at all: epochs and revisions, compared before anything is fetched.

A controller restored from a backup, or a wrong database, is behind what the agent has seen or of another epoch. To
follow it would undo or redo at random; so the device is halted until a person has adopted the new epoch. One that was
behind within our own epoch counts on from there: that its number has caught up with ours proves nothing, since the
revisions between are others than those that we took.
"""

from enum import StrEnum

from enforcement.wire import FeedDevice


class Standing(StrEnum):
    """What to do with the controller's present word for a device."""

    FOLLOW = "follow"
    DOUBT = "doubt"
    ADOPT = "adopt"
    HALT = "halt"


def standing(epoch: str, revision: int, ahead: bool, told: FeedDevice) -> Standing:
    """`epoch` and `revision` are the agent's own; an empty epoch is an agent that has never been told anything.

    `ahead` is an agent that has found its controller behind within this epoch. A lower revision in the feed is in DOUBT
    until the controller confirms it when asked: an agent that has just fetched is ahead of the feed's last answer.
    """
    if not epoch:
        return Standing.FOLLOW
    if told.epoch != epoch and told.adopts is not None and list(told.adopts) == [epoch, revision]:
        return Standing.ADOPT
    if told.epoch != epoch or ahead:
        return Standing.HALT
    return Standing.FOLLOW if told.revision >= revision else Standing.DOUBT


def why_halted(epoch: str, revision: int, told: FeedDevice) -> str:
    """The sentence that goes into the report."""
    if told.epoch != epoch:
        return f"the controller is in epoch {told.epoch}, this agent in {epoch} at revision {revision}"
    return f"the controller was found behind revision {revision} that this agent has seen of this same epoch"
