"""May this caller call there? The rules of the dial plan that an operator installs (configs/sip/kamailio). Pure.

The allow-list precedes everything; then the first word of a caller's row decides; the rest passes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lab.switch.faults import DialPlan

COUNTRY_CODE = "34"
ACCESSES = ("full", "no_premium", "incoming_only", "emergency_only", "released")
"""The words that a row may begin with, each taking away more than the one before; any other is incoming_only."""

_PROBE = re.compile("probe(?:-([a-z_]+))?")
"""The caller who has no row and is barred: for tests of the allow-list."""
_PREMIUM = re.compile(r"(803|806|807|905)[0-9]{6}|118[0-9]{2,3}|\+(979|88[123])[0-9]+")
_SUBSCRIBER = re.compile(r"[5-9][0-9]{8}")
_NATIONAL = frozenset({"112", "016", "024", "061", "062", "080", "085", "088", "091", "092", "1006"})
_URN = re.compile(r"urn:service:sos(\..*)?", re.IGNORECASE)
_USER = re.compile(r"(?:sips?|tel):([^@]*)(?:@.*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rules:
    """The two tables of the dial plan at one moment, and how it is broken, if it is."""

    barred: Mapping[str, str | int]
    allowed: Mapping[str, str | int]
    fault: DialPlan = ""
    uncalled: tuple[str, ...] = ()

    def access(self, caller: str, realm: str = "") -> str:
        """The access of a line (a number, user@domain, or a user of `realm`): the least of its rows' first words."""
        words = [str(self.barred[name]) for name in names_of(caller, realm) if name in self.barred]
        probe = _PROBE.fullmatch(caller)
        words += [probe[1] or ""] if probe else []
        return max(("full", *map(_access, words)), key=ACCESSES.index)

    def bars(self, caller: str, destination: str, realm: str = "") -> bool:
        """Whether `caller` is kept from calling `destination` (a URI)."""
        if self.fault in {"bars_none", "missing"}:
            return False
        access = self.access(caller, realm)
        if access == "full":
            return False
        if self.fault == "bars_all":
            return True
        passes = self._passes(destination)
        if passes == "emergency" or (passes and access != "released"):
            return False
        return access != "no_premium" or _is_premium(destination)

    def bars_incoming(self, callee: str, realm: str = "") -> bool:
        """Whether `callee` is kept from being called."""
        if self.fault in {"bars_none", "missing"}:
            return False
        return self.access(callee, realm) in {"emergency_only", "released"}

    def _passes(self, destination: str) -> str:
        """`emergency`, `care` or nothing: why the allow-list lets a destination pass."""
        if _URN.fullmatch(destination):
            return "emergency"
        user = _dialled(destination)
        digits = _digits(user)
        if digits is None:
            return self._listed(user)
        if digits in _NATIONAL or re.fullmatch("116[0-9]{3}", digits):
            return "emergency"
        return self._listed(user, digits, f"+{COUNTRY_CODE}{digits}")

    def _listed(self, *forms: str) -> str:
        values = [self.allowed[form] for form in forms if form in self.allowed]
        if "emergency" in values:
            return "emergency"
        return "care" if values else ""


def _access(value: str) -> str:
    word = value.partition(";")[0]
    return word if word in ACCESSES[1:] else "incoming_only"


def _is_premium(destination: str) -> bool:
    user = _dialled(destination)
    digits = _digits(user)
    if digits is None:
        return False
    abroad = re.fullmatch(r"\+?(?:00)?([0-9]+)", user) if user.startswith(("+", "00")) else None
    tariff = f"+{abroad[1]}" if abroad and abroad[1] == digits else digits
    forms = (tariff, tariff.removeprefix(COUNTRY_CODE))
    return any(_PREMIUM.fullmatch(form) for form in forms)


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
