"""What a device's thread has been told from outside: by the controller's feed, and by hands at the site."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agents.memory import Pin
from enforcement.keys import Key
from enforcement.wire import Feed


@dataclass(frozen=True, slots=True)
class Told:
    """The latest of everything; state, not news, so that a wake-up that is lost or doubled changes nothing.

    `connection` counts how often the controller was found again: a new number means that it may have been another
    process, or another database, that answered before.
    """

    feed: Feed | None = None
    reachable: bool = False
    connection: int = 0
    pins: Mapping[Key, Pin] = field(default_factory=dict)
