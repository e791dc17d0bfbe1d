"""The numbers that no barring may reach, and whether a node's answers prove that they pass. Pure.

The lists are compiled in: settings add to them and never take away. A proof needs both halves: each of these passes
for a caller who is barred, *and* what the access takes away does not, for else the dial plan bars nobody and proves
nothing. Each access has its own proof; what it must leave alone (incoming calls, ordinary numbers) is part of it.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from enforcement.access import Access

SERVICE_URNS = ("urn:service:sos", "urn:service:sos.ambulance", "urn:service:sos.fire", "urn:service:sos.police")
"""RFC 5031, section 4.2: a telephone that knows an emergency call when it sees one sends the URN in place of digits."""

EMERGENCY = ("112", "+34112", "0034112")
"""The European number (Directive (EU) 2018/1972, article 109), as dialled by telephones that add a country code."""

NATIONAL = ("016", "024", "061", "062", "080", "085", "088", "091", "092", "1006")
"""Spain's emergency and protected short numbers: police, fire, ambulance, civil protection, violence, suicide."""

HARMONISED = ("116000", "116006", "116111", "116117", "116123")
"""The European numbers of social value in use (Commission Decision 2007/116/EC), out of the range 116xxx."""

COMPILED_IN = (*SERVICE_URNS, *EMERGENCY, *NATIONAL, *HARMONISED)

PREMIUM = ("803123456", "806123456", "807123456", "905123456", "11822")
"""One number of each range of special tariff in Spain (Orden PRE/361/2002; 118AB: Orden CTE/711/2002)."""

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


@dataclass(frozen=True, slots=True)
class Numbers:
    """What is tried: `emergency` and `care` must pass, `control` is an ordinary number, `premium` of special tariff."""

    emergency: tuple[str, ...]
    care: tuple[str, ...]
    control: str
    premium: tuple[str, ...]

    @property
    def allowed(self) -> tuple[str, ...]:
        return (*self.emergency, *self.care)


@dataclass(frozen=True, slots=True)
class Question:
    """May a line of this access call there, and what the answer must be. `incoming`: may it be called?"""

    access: Access
    destination: str
    wanted: Verdict
    incoming: bool = False


def dialled(number: str) -> str:
    """A number from the settings, without separators. Raises ValueError where it can't be dialled."""
    bare = re.sub(r"[ ().\-]", "", number)
    if not _DIALLED.fullmatch(bare):
        raise ValueError(f"{number!r} is not a number that can be dialled")
    return bare


def questions(access: Access, numbers: Numbers) -> tuple[Question, ...]:
    """All that proves one access."""
    passing = numbers.emergency if access is Access.RELEASED else numbers.allowed
    premium_only = access is Access.NO_PREMIUM
    called = access in {Access.NO_PREMIUM, Access.INCOMING_ONLY}
    return (
        *(Question(access, number, Verdict.PASS) for number in passing),
        Question(access, numbers.control, Verdict.PASS if premium_only else Verdict.BAR),
        *(Question(access, number, Verdict.BAR) for number in numbers.premium if premium_only),
        Question(access, numbers.control, Verdict.PASS if called else Verdict.BAR, incoming=True),
    )


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
    barred = _listed(q for q in wrong if not q.incoming and q.wanted is Verdict.PASS)
    free = _listed(q for q in wrong if not q.incoming and q.wanted is Verdict.BAR)
    found = [f"node {node} would bar {barred}: its allow-list must let them pass"] if barred else []
    found += [f"node {node} did not answer for {silent}"] if silent else []
    found += [f"node {node} does not bar {free}: its barring is not in force"] if free else []
    return found + [_of_incoming(node, q) for q in wrong if q.incoming]


def _of_incoming(node: str, wrong: Question) -> str:
    if wrong.wanted is Verdict.PASS:
        return f"node {node} would keep calls from a line that is {wrong.access}: its fragment is not of this version"
    return f"node {node} lets a line be called that is {wrong.access}: its barring of incoming calls is not in force"


def _listed(asked: Iterable[Question]) -> str:
    return ", ".join(dict.fromkeys(question.destination for question in asked))


def all_questions(accesses: Collection[Access], numbers: Numbers) -> tuple[Question, ...]:
    """The proofs of several accesses, in a steady order."""
    return tuple(question for access in sorted(accesses) for question in questions(access, numbers))
