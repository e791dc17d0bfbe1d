"""The numbers that no barring may reach, and whether a node's answers prove that they pass. Pure.

The lists are compiled in, by country: settings add to them and never take away. A proof needs both halves: each of
these passes for a caller who is barred, *and* what the access takes away does not, for else the dial plan bars nobody
and proves nothing. Each access has its own proof; what it must leave alone (incoming calls, ordinary numbers) is part
of it.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from drivers.base import Unsafe
from drivers.sip.countries import Country
from enforcement.access import Access

SERVICE_URNS = ("urn:service:sos", "urn:service:sos.ambulance", "urn:service:sos.fire", "urn:service:sos.police")
"""RFC 5031, section 4.2: a telephone that knows an emergency call when it sees one sends the URN in place of digits."""

EUROPEAN = "112"
"""Directive (EU) 2018/1972, article 109; telephones dial it wherever they are (3GPP TS 22.101, clause 10)."""

HARMONISED = ("116000", "116006", "116111", "116117", "116123")
"""The European numbers of social value in use (Commission Decision 2007/116/EC), out of the range 116xxx."""

_DIALLED = re.compile(r"\+?[0-9]{2,15}")


class Verdict(StrEnum):
    """What a node said that it would do with a call."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    BAR = "bar"
    NO_ANSWER = "no_answer"
    NO_FRAGMENT = "no_fragment"
    """It answered as a switch does that has no such rule: the dial-plan fragment is not in use there."""
    FORBIDDEN = "forbidden"
    """The fragment is there and takes no questions from this address."""


class Block(StrEnum):
    """The dial plan's routing blocks that decide calls, by the words in which a node tells who has passed them."""

    BARRING = "barring"
    INCOMING = "incoming"
    FORWARDING = "forwarding"


@dataclass(frozen=True, slots=True)
class Numbers:
    """What is tried: `emergency` and `care` must pass, `control` is an ordinary number, `premium` of special tariff.

    `defines` are what the dial plan is to be told of that country, by name.
    """

    emergency: tuple[str, ...]
    care: tuple[str, ...]
    control: str
    premium: tuple[str, ...]
    defines: Mapping[str, str] = field(default_factory=dict)

    @property
    def allowed(self) -> tuple[str, ...]:
        return (*self.emergency, *self.care)


@dataclass(frozen=True, slots=True)
class Question:
    """May a line of this access call there, and what the answer must be. `incoming`: may it be called?

    `emergency`: people are in danger where it may not.
    """

    access: Access
    destination: str
    wanted: Verdict
    incoming: bool = False
    emergency: bool = False


def emergency_of(country: Country) -> tuple[str, ...]:
    """What no barring may reach in a country, in each form that is tried."""
    forms = (form for number in country.prefixed for form in (f"+{country.code}{number}", f"00{country.code}{number}"))
    return tuple(dict.fromkeys((*SERVICE_URNS, EUROPEAN, *forms, *country.emergency, *HARMONISED)))


def dialled(number: str) -> str:
    """A number from the settings, without separators. Raises ValueError where it can't be dialled."""
    bare = re.sub(r"[ ().\-]", "", number)
    if not _DIALLED.fullmatch(bare):
        raise ValueError(f"{number!r} is not a number that can be dialled")
    return bare


def questions(access: Access, numbers: Numbers) -> tuple[Question, ...]:
    """All that proves one access."""
    care = () if access is Access.RELEASED else numbers.care
    premium_only = access is Access.NO_PREMIUM
    called = access in {Access.NO_PREMIUM, Access.INCOMING_ONLY}
    return (
        *(Question(access, number, Verdict.PASS, emergency=True) for number in numbers.emergency),
        *(Question(access, number, Verdict.PASS) for number in care),
        Question(access, numbers.control, Verdict.PASS if premium_only else Verdict.BAR),
        *(Question(access, number, Verdict.BAR) for number in numbers.premium if premium_only),
        Question(access, numbers.control, Verdict.PASS if called else Verdict.BAR, incoming=True),
    )


def any_question(numbers: Numbers) -> Question:
    """One that the fragment answers by barring."""
    return Question(Access.INCOMING_ONLY, numbers.control, Verdict.BAR)


def faults(node: str, answers: Mapping[Question, Verdict]) -> list[str]:
    """Why the answers of a node prove nothing; empty where they prove the allow-list."""
    said = set(answers.values())
    if said == {Verdict.NO_ANSWER}:
        return [f"node {node} did not answer the test of its allow-list"]
    if Verdict.NO_FRAGMENT in said:
        return [f"node {node} does not use the dial-plan fragment: route(GRIFO_PROBE) did not answer"]
    if Verdict.FORBIDDEN in said:
        return [f"node {node} takes no questions from this agent: add its address to GRIFO_AGENTS"]
    silent = _listed(question for question, verdict in answers.items() if verdict is Verdict.NO_ANSWER)
    wrong = [q for q, verdict in answers.items() if verdict not in {q.wanted, Verdict.NO_ANSWER}]
    barred = [q for q in wrong if not q.incoming and q.wanted is Verdict.PASS]
    free = _listed(q for q in wrong if not q.incoming and q.wanted is Verdict.BAR)
    found = [_of_barred(node, barred)] if barred else []
    found += [f"node {node} did not answer for {silent}"] if silent else []
    found += [f"node {node} does not bar {free}: its barring is not in force"] if free else []
    return found + [_of_incoming(node, q) for q in wrong if q.incoming]


def unproven(node: str, needed: Sequence[Block], passed: Collection[Block]) -> list[str]:
    """Which of the blocks that a switch needs no call has passed on a node: the rules hold, and may never be asked."""
    missing = ", ".join(f"route(GRIFO_{block.name})" for block in needed if block not in passed)
    if not missing:
        return []
    words = (
        f"node {node}: no call has passed {missing} since it started: that its dial plan leads any there is not proven;"
        " make such a call, or look at its kamailio.cfg (a fragment older than version 3 tells of no call)"
    )
    return [words]


def _of_barred(node: str, wrong: Sequence[Question]) -> str:
    words = f"node {node} would bar {_listed(wrong)}: its allow-list must let them pass (`prepare` prints its defines)"
    endangered = {question.access for question in wrong if question.emergency}
    return Unsafe(words, endangered) if endangered else words


def _of_incoming(node: str, wrong: Question) -> str:
    if wrong.wanted is Verdict.PASS:
        return f"node {node} would keep calls from a line that is {wrong.access}: its fragment is not of this version"
    return f"node {node} lets a line be called that is {wrong.access}: its barring of incoming calls is not in force"


def _listed(asked: Iterable[Question]) -> str:
    return ", ".join(dict.fromkeys(question.destination for question in asked))


def all_questions(accesses: Collection[Access], numbers: Numbers) -> tuple[Question, ...]:
    """The proofs of several accesses, in a steady order."""
    return tuple(question for access in sorted(accesses) for question in questions(access, numbers))
