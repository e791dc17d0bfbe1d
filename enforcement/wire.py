"""The wire format between controller and agents: JSON, versioned, one dataclass a message.

Version N understands N-1. A reader ignores fields that it does not know, but an access, kind, key or reason that it
does not know is never guessed: `entry_from_wire` refuses the entry, and the agent reports it as refused.
The agent's path is the caller of everything here; the controller answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from enforcement.access import Access, Kind, Rate, Reason
from enforcement.entries import BindingId, Entry, ServiceId
from enforcement.keys import Key

VERSION = 1


class Unreadable(ValueError):
    """A message or an entry that this version can't read; says which part, and is reported, never guessed at."""


@dataclass(frozen=True, slots=True)
class WireEntry:
    """One `enforcement.entries.Entry`; `key` is written `type:value`, `rate` as [down, up] in kbit/s."""

    binding: str
    service: str
    kind: str
    key: str
    access: str
    reasons: list[str]
    changed_revision: int
    ended: bool = False
    first: bool = False
    rate: list[int] | None = None


@dataclass(frozen=True, slots=True)
class FeedDevice:
    """Where one device stands: answer of the long poll. `modes` maps kind of service to mode.

    `adopts` is the former (epoch, revision) that a person agreed to leave by `grifo device adopt-epoch`.
    """

    epoch: str
    revision: int
    modes: dict[str, str]
    adopts: list[str | int] | None = None


@dataclass(frozen=True, slots=True)
class FeedAsk:
    """POST /v1/agent/feed: what the agent has, and how many seconds it waits for anything else at most.

    `known` maps its devices to [epoch, revision], `modes` to the mode of each kind of service. It is a body, since a
    site may have hundreds of devices, and all of it is told each time, since an answer may have been lost.
    """

    wait: float = 0.0
    known: dict[str, tuple[str, int]] = field(default_factory=dict)
    modes: dict[str, dict[str, str]] = field(default_factory=dict)
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Feed:
    """The answer to FeedAsk: all devices of the asking agent. `stopped` repeats `grifo stop`."""

    version: int
    installation: str
    stopped: bool
    devices: dict[str, FeedDevice]


@dataclass(frozen=True, slots=True)
class Entries:
    """GET /v1/agent/devices/{device}/entries?epoch=&after=&past=&limit=: entries changed after a revision, by
    revision and binding, from one snapshot.

    Complete, unless there is `more` than the asker's limit: applying it on top of what the agent had at `after` gives
    the device at `revision`. Where there is more, it is asked for from the last entry on: its revision as `after`, its
    binding as `past`. All pages together are complete as the last one is, since what changes goes to the end.
    """

    version: int
    device: str
    epoch: str
    revision: int
    entries: list[WireEntry]
    more: bool = False


@dataclass(frozen=True, slots=True)
class PermitAsk:
    """One restriction that an agent wants to make, at the revision that it knows."""

    binding: str
    changed_revision: int


@dataclass(frozen=True, slots=True)
class PermitRequest:
    """POST /v1/agent/devices/{device}/permits."""

    epoch: str
    asks: list[PermitAsk]


@dataclass(frozen=True, slots=True)
class Permit:
    """The answer: which bindings may be restricted now, for how long, and why the others may not."""

    granted: list[str]
    refused: dict[str, str]
    valid_s: float


@dataclass(frozen=True, slots=True)
class EntryReport:
    """What an agent knows of one entry. `state` is a plan.State, or `withheld` / `refused` with `detail` saying why.

    `why` says in a word, `enforcement.withheld.Why`, what withholds it or holds it open; empty where nothing does, and
    from an agent that knows no such words.
    """

    binding: str
    changed_revision: int
    state: str
    seen: str | None = None
    obstructions: list[str] = field(default_factory=list)
    detail: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class StrayReport:
    """A mark of ours on the device that no entry knows."""

    key: str
    mark: str


@dataclass(frozen=True, slots=True)
class Report:
    """PUT /v1/agent/devices/{device}/report: state, resendable.

    `entries` are those whose state changed since the last acknowledged report, or all where `whole` is true.
    `full_read_age_s` is measured on the agent's monotonic clock when sending; None before the first full read.
    `halted` says why the agent changes nothing (another epoch, a revision behind its own); empty when it works.
    `problems` are `Driver.check()`'s words and connection errors; they replace the former ones. `unsafe` are those of
    them that endanger people: from an access that the device gives, an emergency number can't be reached.
    `boot` is drawn anew at each start of the agent, and `number` grows with each report of it on this device: one that
    arrives late, after a newer one, is ignored. Without a `boot` every report is taken as it arrives.
    """

    version: int
    epoch: str
    revision: int
    whole: bool
    entries: list[EntryReport]
    strays: list[StrayReport]
    full_read_age_s: float | None
    halted: str = ""
    problems: list[str] = field(default_factory=list)
    boot: str = ""
    number: int = 0
    unsafe: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """PUT /v1/agent/devices/{device}: an agent tells the controller of a device that it owns. No address, no secret.

    `site` is the operator's name for the place, which `grifo freeze` takes; empty where the agent's settings have none.
    """

    version: int
    driver: str
    keys: list[str]
    access: dict[str, list[str]]
    site: str = ""


def entry_to_wire(entry: Entry) -> WireEntry:
    """The wire form of an entry."""
    return WireEntry(
        binding=entry.binding,
        service=entry.service,
        kind=entry.kind.value,
        key=str(entry.key),
        access=entry.access.value,
        reasons=[reason.value for reason in entry.reasons],
        changed_revision=entry.changed_revision,
        ended=entry.ended,
        first=entry.first,
        rate=[entry.rate.down_kbps, entry.rate.up_kbps] if entry.rate is not None else None,
    )


def entry_from_wire(data: Mapping[str, Any]) -> Entry:
    """An entry from its JSON object. Raises Unreadable naming the binding and what was not understood."""
    try:
        return Entry(
            binding=BindingId(data["binding"]),
            service=ServiceId(data["service"]),
            kind=Kind(data["kind"]),
            key=Key.parse(data["key"]),
            access=Access(data["access"]),
            reasons=tuple(Reason(reason) for reason in data["reasons"]),
            changed_revision=int(data["changed_revision"]),
            ended=bool(data.get("ended", False)),
            first=bool(data.get("first", False)),
            rate=_rate(data.get("rate")),
        )
    except (KeyError, TypeError, ValueError) as wrong:
        raise Unreadable(f"entry {data.get('binding', '?')}: {wrong}") from wrong


def _rate(given: Any) -> Rate | None:
    """A controller that knows no rates says none. Raises ValueError or TypeError."""
    if given is None:
        return None
    down, up = given
    return Rate.parse(f"{down}/{up}")
