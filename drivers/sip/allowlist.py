"""The numbers that no barring may reach, and whether a node's answers prove that they pass. Pure.

The lists are compiled in: settings add to them and never take away. A proof needs both halves: each of these passes
for a caller who is barred, *and* an ordinary number does not, for else the dial plan bars nobody and proves nothing.
"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

SERVICE_URNS = ("urn:service:sos", "urn:service:sos.ambulance", "urn:service:sos.fire", "urn:service:sos.police")
"""RFC 5031, section 4.2: a telephone that knows an emergency call when it sees one sends the URN in place of digits."""

EMERGENCY = ("112", "+34112", "0034112")
"""The European number (Directive (EU) 2018/1972, article 109), as dialled by telephones that add a country code."""

NATIONAL = ("016", "024", "061", "062", "080", "085", "088", "091", "092", "1006")
"""Spain's emergency and protected short numbers: police, fire, ambulance, civil protection, violence, suicide."""

HARMONISED = ("116000", "116006", "116111", "116117", "116123")
"""The European numbers of social value in use (Commission Decision 2007/116/EC), out of the range 116xxx."""

COMPILED_IN = (*SERVICE_URNS, *EMERGENCY, *NATIONAL, *HARMONISED)

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


def dialled(number: str) -> str:
    """A number from the settings, without separators. Raises ValueError where it can't be dialled."""
    bare = re.sub(r"[ ().\-]", "", number)
    if not _DIALLED.fullmatch(bare):
        raise ValueError(f"{number!r} is not a number that can be dialled")
    return bare


def faults(node: str, verdicts: Mapping[str, Verdict], allowed: Sequence[str], control: str) -> list[str]:
    """Why the verdicts of a node, by destination, prove nothing; empty where they prove the allow-list."""
    said = set(verdicts.values())
    if said == {Verdict.NO_ANSWER}:
        return [f"node {node} did not answer the test of its allow-list"]
    if Verdict.NO_FRAGMENT in said:
        return [f"node {node} does not use the dial-plan fragment: route(GRIFO_PROBE) did not answer"]
    if Verdict.FORBIDDEN in said:
        return [f"node {node} takes no questions from this agent: add its address to GRIFO_AGENTS"]
    found = []
    barred = [number for number in allowed if verdicts.get(number) is Verdict.BAR]
    silent = [number for number in allowed if verdicts.get(number, Verdict.NO_ANSWER) is Verdict.NO_ANSWER]
    if barred:
        found.append(f"node {node} would bar {', '.join(barred)}: add them to its allow-list")
    if silent:
        found.append(f"node {node} did not answer for {', '.join(silent)}")
    if verdicts.get(control, Verdict.NO_ANSWER) is not Verdict.BAR:
        found.append(f"node {node} does not bar the ordinary number {control}: its barring is not in force")
    return found
