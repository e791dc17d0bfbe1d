"""The CloudEvents 1.0 envelope: from whatever billing sent to a typed event, or one sentence saying why not."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from controller.intake.facts import FreshnessTold, Told, told
from controller.intake.reader import EventRefused, Reader

AHEAD_AT_MOST = timedelta(minutes=5)
"""An event further in the future comes from a wrong clock, and would win over every true one until then (rule 10)."""

_OLDEST = datetime(1970, 1, 1, tzinfo=UTC)
_HIGHEST_SEQUENCE = 2**62
_CONTENT = ("type", "time", "sequence", "subject", "data")


@dataclass(frozen=True, slots=True)
class Event:
    """One event, read whole. `order` says which of two is newer; `digest` whether two with one id say the same."""

    source: str
    id: str
    type: str
    time: datetime
    sequence: int
    told: Told
    body: Mapping[str, Any]
    digest: str

    @property
    def order(self) -> dict[str, Any]:
        """The columns that remember which event wrote a row."""
        return {
            "event_time": self.time,
            "event_sequence": self.sequence,
            "event_source": self.source,
            "event_id": self.id,
        }


def read_event(body: object, now: datetime) -> Event:
    """Read one CloudEvents object (CloudEvents 1.0.2, JSON format 1.0.2, section 3). Raises EventRefused."""
    if not isinstance(body, Mapping):
        raise EventRefused("an event must be a JSON object in CloudEvents 1.0's JSON format")
    _check_envelope(body)
    envelope = Reader(body, "event")
    time = _time(envelope, now)
    type = envelope.text("type")
    found = told(type, body.get("data"))
    _check_claims(found, now)
    return Event(
        source=envelope.text("source", 255),
        id=envelope.text("id", 255),
        type=type,
        time=time,
        sequence=_sequence(body),
        told=found,
        body=dict(body),
        digest=_digest(body),
    )


def _check_envelope(body: Mapping[Any, Any]) -> None:
    if body.get("specversion") != "1.0":
        raise EventRefused(f"event.specversion is {body.get('specversion')!r}; expected '1.0'")
    if "data_base64" in body:
        raise EventRefused("event.data_base64 is not read; send the data as a JSON object in event.data")
    content = body.get("datacontenttype", "application/json")
    if not isinstance(content, str) or content.partition(";")[0].strip().lower() != "application/json":
        raise EventRefused(f"event.datacontenttype is {content!r}; expected application/json")
    if not _is_finite(body):
        raise EventRefused("the event holds NaN or Infinity, which JSON does not know")


def _is_finite(value: object) -> bool:
    match value:
        case float():
            return math.isfinite(value)
        case Mapping():
            return all(_is_finite(part) for part in value.values())
        case list():
            return all(_is_finite(part) for part in value)
        case _:
            return True


def _time(envelope: Reader, now: datetime) -> datetime:
    time = envelope.instant("time")
    if time > now + AHEAD_AT_MOST:
        raise EventRefused(f"event.time is {time.isoformat()}, more than five minutes ahead of now; check the clock")
    if time <= _OLDEST:
        raise EventRefused(f"event.time is {time.isoformat()}; expected an instant after 1970")
    return time


def _check_claims(found: Told, now: datetime) -> None:
    """Payments can't be known of a time that has not come: such a claim would make stale data look fresh for ever."""
    if isinstance(found.fact, FreshnessTold) and found.fact.payments_known_until > now + AHEAD_AT_MOST:
        raise EventRefused("data.payments_known_until is more than five minutes ahead of now; check the clock")


def _sequence(body: Mapping[str, Any]) -> int:
    """The `sequence` extension: a decimal string, 0 where it is absent."""
    value = body.get("sequence", "0")
    if not isinstance(value, str) or not value.isascii() or not value.isdecimal() or len(value) > 19:
        raise EventRefused(f"event.sequence is {str(value)[:80]!r}; expected a decimal number written as a string")
    if int(value) > _HIGHEST_SEQUENCE:
        raise EventRefused(f"event.sequence is {value}; expected at most {_HIGHEST_SEQUENCE}")
    return int(value)


def _digest(body: Mapping[str, Any]) -> str:
    """Of what the event says; attributes of its transport, such as a trace id, may differ when it is sent again."""
    content = {name: body[name] for name in _CONTENT if name in body}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
