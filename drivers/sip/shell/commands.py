"""From a change to the lines to type. Pure. Nothing reaches a line that is not letters, digits and a few signs.

A name comes from billing and a value from our own marks; neither is believed: what does not match is not typed at all.
"""

import re
from collections.abc import Sequence

from drivers.sip.shell.profile import Profile

_NUMBER = r"\+[0-9]{7,15}"
_ADDRESS = r"[A-Za-z0-9][A-Za-z0-9._+\-]{0,63}@[A-Za-z0-9][A-Za-z0-9.\-]{0,189}"
_ADDRESS_BY_NUMBER = r"\+?[0-9]{2,15}@[A-Za-z0-9][A-Za-z0-9.\-]{0,189}"
_TRUNK = r"[A-Za-z0-9][A-Za-z0-9._\-]{0,63}"
_NAME = re.compile("|".join((_NUMBER, _ADDRESS, _ADDRESS_BY_NUMBER, _TRUNK)))
_VALUE = re.compile(r"[a-z_]+;grifo:v1:[A-Za-z0-9._@+:\-]{1,200}")
_DIALLED = re.compile(r"\+?[0-9]{2,15}")


def typeable(name: str) -> bool:
    """Whether a name can stand in a command line: an international number, user@domain or a trunk, of plain signs."""
    return _NAME.fullmatch(name) is not None


def setting(profile: Profile, program: str, name: str, value: str) -> tuple[str, ...]:
    """The lines that give a name its value. Raises ValueError for what can't be typed."""
    if not _VALUE.fullmatch(value):
        raise ValueError(f"the value {value!r} has signs that can't be typed in a shell")
    return _filled(profile.commands["set"], program=program, name=_checked(name), value=value)


def clearing(profile: Profile, program: str, name: str) -> tuple[str, ...]:
    """The lines that take a name away. Raises ValueError for what can't be typed."""
    return _filled(profile.commands["clear"], program=program, name=_checked(name))


def verifying(profile: Profile, program: str, name: str) -> tuple[str, ...]:
    """The lines that show the value of a name. Raises ValueError for what can't be typed."""
    return _filled(profile.commands["verify"], program=program, name=_checked(name))


def listing(profile: Profile, program: str) -> tuple[str, ...]:
    """The lines that show every row."""
    return _filled(profile.commands["list"], program=program)


def proving(command: str, program: str, number: str) -> tuple[str, ...]:
    """The line that shows whether the allow-list has a number. Raises ValueError for what can't be typed."""
    if not _DIALLED.fullmatch(number):
        raise ValueError(f"{number!r} is not a number that can be typed")
    return _filled((command,), program=program, number=number)


def _checked(name: str) -> str:
    if not typeable(name):
        raise ValueError(f"the name {name!r} has signs that can't be typed in a shell")
    return name


def _filled(lines: Sequence[str], **fields: str) -> tuple[str, ...]:
    return tuple(line.format(**fields) for line in lines)
