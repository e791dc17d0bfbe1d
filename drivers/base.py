"""What every driver offers, and the four ways in which it may fail.

A driver is given one slice at a time by one thread (its device's). It never retries, never sleeps for a device to
recover, and never remembers what is wanted: the agent does. It touches only what carries this installation's mark.
What accounting tells between two sweeps comes from `news`, by other threads.

    DriverError
    ├── Unreachable   no connection, or it broke: try again later, with backoff
    ├── Refused       the device understood and said no: report it, do not repeat blindly
    ├── Unsupported   this device or driver cannot do that: ours or the operator's to fix
    └── Garbled       an answer that makes no sense: the connection is closed, observed is unknown
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, Self

from enforcement.access import Access, Kind, Rate
from enforcement.changes import Change, Outcome
from enforcement.keys import Key, KeyType
from enforcement.observed import Observed


class DriverError(Exception):
    """The root; `str()` is one sentence for a person, without secrets."""


class Unreachable(DriverError):
    """No connection, or it broke in mid-work."""


class Refused(DriverError):
    """The device understood and said no."""


class Unsupported(DriverError):
    """This device, or this driver, cannot do what was asked."""


class Garbled(DriverError):
    """The device's answer makes no sense; nothing read in this turn may be believed."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a driver can enforce on its device.

    `access` lists, for each kind of service, the accesses below full. `effects` is true where changes owe an effect
    on live sessions that cannot be read back (CoA, Disconnect): the agent records it before the first write.
    `rates` are those of `throttled` that the device's setup knows; an entry of any other is given the device's own.
    """

    keys: frozenset[KeyType]
    access: Mapping[Kind, frozenset[Access]]
    slice_size: int
    effects: bool
    rates: frozenset[Rate] = frozenset()


class StepState(StrEnum):
    """How one step of the preparation stands on the device."""

    PRESENT = "present"
    MISSING = "missing"
    MISPLACED = "misplaced"
    """It is there, where it has no effect: after a rule that decides first, or disabled."""
    INSTALLED = "installed"
    """It was missing, and has just been installed and read back."""
    BY_HAND = "by_hand"
    """A file or a service of the operator's: only a person can put it there."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a device needs before it can restrict as the driver does.

    `where` is the menu, file or table; `text` is exactly what to add there; `note` says why, or what is in its way.
    """

    where: str
    text: str
    state: StepState
    note: str = ""


class Unsafe(str):
    """A problem that endangers people: who has one of `accesses` here can't reach an emergency number.

    Only what was read to be so; a proof that could not be had is an ordinary problem. The agent opens those customers
    until `check` no longer says it, and somebody is paged.
    """

    __slots__ = ("accesses",)
    accesses: frozenset[Access]

    def __new__(cls, text: str, accesses: Iterable[Access]) -> Self:
        words = super().__new__(cls, text)
        words.accesses = frozenset(accesses)
        return words


class Concerns(str):
    """A problem for those of `keys` alone whom an entry stands for: one of this device's, or where `of_driver` names a
    driver of the catalogue, one of any of its devices.

    The agent, which knows entries, says it with their keys, and leaves it out where there are none: what does not
    concern a customer is the operator's own business.
    """

    __slots__ = ("keys", "of_driver")
    keys: frozenset[Key]
    of_driver: str

    def __new__(cls, text: str, keys: Iterable[Key], of_driver: str = "") -> Self:
        words = super().__new__(cls, text)
        words.keys, words.of_driver = frozenset(keys), of_driver
        return words


class News(Protocol):
    """One source that tells, between two sweeps, whose sessions have come, gone or changed: cheap, and asked often.

    It has a thread of its own, never the device's: one that hangs holds up no restore. It knows from the driver's reads
    who matters. Construction opens nothing.
    """

    @property
    def name(self) -> str:
        """Which source it is, for a person, without secrets."""
        ...

    def keys(self) -> Set[Key] | None:
        """Keys to look at again: those that the device has something of ours for, and those who are at an address where
        ours stands for another. None where it is more than can be told: a sweep is due. Nothing before the device was
        read in full for the first time. Raises as `observe` does; what could not be told then is told at the next call.
        """
        ...

    def check(self) -> Sequence[str]:
        """What would keep it from telling, in words; empty when all is well. Raises as `observe` does."""
        ...

    def close(self) -> None:
        """Drop its connection. Safe to call twice."""
        ...


class Driver(Protocol):
    """One device. Construction opens nothing; the first call connects."""

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def news(self) -> Sequence[News]:
        """The sources that tell of this device's sessions; none where nothing does. `close` leaves them open."""
        ...

    def observe(self, keys: Set[Key] | None = None) -> Observed:
        """What the device enforces now: read from the device, ours and whatever else restricts a key.

        `keys` limits the read (after a slice); None reads everything. Raises Unreachable, Refused or Garbled.
        """
        ...

    def apply(self, slice: Sequence[Change]) -> Sequence[Outcome]:
        """Carry out at most `capabilities.slice_size` changes, in the order given; idempotent; one outcome a change.

        No restriction is asked for that `capabilities` does not hold; the agent withholds it.

        Raises a DriverError where the whole slice's fate is unknown; the agent then reads the device again.
        """
        ...

    def check(self) -> Sequence[str]:
        """What in this device's setup would defeat us, in words for the operator; empty when all is well.

        What endangers people is `Unsafe`; what matters to customers alone is `Concerns`. It is asked after each sweep.
        """
        ...

    def prepare(self, install: bool) -> Sequence[Step]:
        """What the device needs, each step as it stands; where `install`, those missing are installed and read back.

        Nothing of the operator's is changed, moved or removed. Raises as `observe` does; what was installed stays.
        """
        ...

    def close(self) -> None:
        """Drop every connection. Safe to call twice."""
        ...
