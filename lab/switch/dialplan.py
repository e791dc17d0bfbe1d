"""May this caller call there? The rules of the dial plan that an operator installs (configs/sip/kamailio). Pure.

The allow-list precedes everything; then whoever has a row is barred; the rest passes.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from lab.switch.faults import DialPlan

COUNTRY_CODE = "34"
PROBE = "probe"
"""The caller who is always barred: for tests of the allow-list."""

_SUBSCRIBER = re.compile(r"[5-9][0-9]{8}")
_NATIONAL = frozenset({"112", "016", "024", "061", "062", "080", "085", "088", "091", "092", "1006"})
_URN = re.compile(r"urn:service:sos(\..*)?", re.IGNORECASE)
_USER = re.compile(r"(?:sips?|tel):([^@]*)(?:@.*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rules:
    """The two tables of the dial plan at one moment, and how it is broken, if it is."""

    barred: Collection[str]
    allowed: Collection[str]
    fault: DialPlan = ""

    def bars(self, caller: str, destination: str, realm: str = "") -> bool:
        """Whether `caller` (a number, user@domain, or a user of `realm`) is kept from calling `destination` (a URI)."""
        if self.fault in {"bars_none", "missing"}:
            return False
        if self.fault != "bars_all" and self._passes_always(destination):
            return False
        return caller == PROBE or any(name in self.barred for name in names_of(caller, realm))

    def _passes_always(self, destination: str) -> bool:
        if _URN.fullmatch(destination):
            return True
        user = _dialled(destination)
        digits = _digits(user)
        if digits is None:
            return user in self.allowed
        if digits in _NATIONAL or re.fullmatch("116[0-9]{3}", digits):
            return True
        return any(form in self.allowed for form in (user, digits, f"+{COUNTRY_CODE}{digits}"))


def names_of(caller: str, realm: str) -> tuple[str, ...]:
    """The names under which a caller may have a row: the international number, and user@domain."""
    user, at, domain = caller.partition("@")
    domain = domain if at else realm
    names = [f"{user}@{domain.lower()}"] if domain else []
    if re.fullmatch(r"\+[0-9]+", user):
        names.append(user)
    elif re.fullmatch("00[0-9]+", user):
        names.append(f"+{user[2:]}")
    elif _SUBSCRIBER.fullmatch(user):
        names.append(f"+{COUNTRY_CODE}{user}")
    elif re.fullmatch("[0-9]{10,15}", user):
        names.append(f"+{user}")
    return tuple(names)


def _dialled(destination: str) -> str:
    """The user part of a SIP URI or the number of a tel URI, without parameters; empty where there is none."""
    found = _USER.fullmatch(destination)
    if found is None or (destination.lower().startswith("sip") and "@" not in destination):
        return ""
    return re.sub("%([0-9A-Fa-f]{2})", lambda code: chr(int(code[1], 16)), found[1]).partition(";")[0]


def _digits(user: str) -> str | None:
    """The number in national form; None where it is not a number."""
    if not re.fullmatch(r"\+?[-().0-9]+", user):
        return None
    digits = re.sub("[^0-9]", "", user)
    international = user.startswith("+") or digits.startswith("00")
    digits = digits.removeprefix("00")
    return digits[len(COUNTRY_CODE) :] if international and digits.startswith(COUNTRY_CODE) else digits
