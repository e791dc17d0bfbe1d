"""What agents send, checked word by word before it is stored: an unknown state or access is refused, not guessed at."""

import re

from controller.api.problems import Problem
from enforcement.access import LADDERS, Access, Kind
from enforcement.entries import ID_PATTERN
from enforcement.keys import KeyType
from enforcement.plan import State
from enforcement.wire import Enrolment, EntryReport, FeedAsk, Report

STATES = frozenset({*State, "withheld", "refused"})

LONGEST_WAIT_S = 60.0

_LONGEST_ID = 64
_LONGEST_TEXT = 4000
_LONGEST_AGE_S = 10 * 366 * 86400
_HIGHEST_REVISION = 2**62
_WORD = "[a-z_]{0,32}"
"""A newer agent may withhold for a reason that this version has no word for: it is shown, and nothing depends on it."""


def check_feed_ask(ask: FeedAsk) -> None:
    """Raises Problem 422 for a wait that no connection would outlive."""
    if not 0 <= ask.wait <= LONGEST_WAIT_S:
        raise Problem(422, f"body.wait must be seconds from 0 to {LONGEST_WAIT_S:.0f}")


def check_report(report: Report) -> None:
    """Raises Problem 422 saying where the report is wrong, and what is allowed there."""
    _check_id("body.epoch", report.epoch)
    if not 0 <= report.revision <= _HIGHEST_REVISION:
        raise Problem(422, "body.revision must be a number from 0 on")
    if len(report.boot) > _LONGEST_ID or not 0 <= report.number <= _HIGHEST_REVISION:
        raise Problem(422, f"body.boot must be at most {_LONGEST_ID} characters, and body.number a number from 0 on")
    age = report.full_read_age_s
    if age is not None and not 0 <= age <= _LONGEST_AGE_S:
        raise Problem(422, "body.full_read_age_s must be seconds from 0 on, or null before the first full read")
    _check_texts("body.problems", [report.halted, *report.problems, *report.unsafe])
    for index, entry in enumerate(report.entries):
        _check_entry(f"body.entries.{index}", entry)
    for index, stray in enumerate(report.strays):
        if not 0 < len(stray.key) <= 320 or not 0 < len(stray.mark) <= 255:
            raise Problem(422, f"body.strays.{index} needs a key (at most 320 characters) and a mark (at most 255)")


def _check_entry(where: str, entry: EntryReport) -> None:
    _check_id(f"{where}.binding", entry.binding)
    if not 0 <= entry.changed_revision <= _HIGHEST_REVISION:
        raise Problem(422, f"{where}.changed_revision must be a number from 0 on")
    if entry.state not in STATES:
        raise Problem(422, f"{where}.state must be one of {', '.join(sorted(STATES))}, not {entry.state[:40]!r}")
    if entry.seen is not None and entry.seen not in set(Access):
        raise Problem(422, f"{where}.seen must be null or one of {', '.join(Access)}, not {entry.seen[:40]!r}")
    if not re.fullmatch(_WORD, entry.why):
        raise Problem(422, f"{where}.why must be a word of at most 32 letters and _, not {entry.why[:40]!r}")
    _check_texts(where, [entry.detail, *entry.obstructions])


def check_enrolment(enrolment: Enrolment) -> tuple[list[str], dict[str, list[str]]]:
    """Key types and accesses as they are stored. Raises Problem 422 for a word that this version does not know."""
    _check_id("body.driver", enrolment.driver)
    if enrolment.site:
        check_site("body.site", enrolment.site)
    for key in enrolment.keys:
        if key not in set(KeyType):
            raise Problem(422, f"body.keys: {key[:40]!r} is not one of {', '.join(KeyType)}")
    for kind, found in enrolment.access.items():
        if kind not in set(Kind):
            raise Problem(422, f"body.access: {kind[:40]!r} is not one of {', '.join(Kind)}")
        for access in found:
            if access not in LADDERS[Kind(kind)]:
                allowed = ", ".join(LADDERS[Kind(kind)])
                raise Problem(422, f"body.access.{kind}: {access[:40]!r} is not one of {allowed}")
    return sorted(set(enrolment.keys)), {kind: sorted(set(found)) for kind, found in enrolment.access.items()}


def check_site(where: str, site: str) -> None:
    """Raises Problem 422 for what cannot be a site's name."""
    if not re.fullmatch(ID_PATTERN, site):
        raise Problem(422, f"{where} must be 1 to 64 letters, digits or . _ @ + -, not {site[:80]!r}")


def _check_id(where: str, text: str) -> None:
    if not 0 < len(text) <= _LONGEST_ID:
        raise Problem(422, f"{where} must be 1 to {_LONGEST_ID} characters")


def _check_texts(where: str, texts: list[str]) -> None:
    if any(len(text) > _LONGEST_TEXT or "\x00" in text for text in texts):
        raise Problem(422, f"{where}: a text must be at most {_LONGEST_TEXT} characters, without NUL")
