"""What stands in a switch's barring table: composed and parsed here alone.

A row is `number -> incoming_only;grifo:v1:installation:service:binding`. The dial plan bars by the first word; the rest
tells ours from the operator's. A row without our mark is somebody else's and is never touched.
"""

from collections.abc import Set

from enforcement.access import Access, Kind, rank
from enforcement.entries import Mark
from enforcement.keys import Key, KeyType

KEY_TYPES = frozenset({KeyType.MSISDN, KeyType.SIP_AOR})
ENFORCED = frozenset({Access.NO_PREMIUM, Access.INCOMING_ONLY, Access.EMERGENCY_ONLY, Access.RELEASED})
"""The accesses below full that the shipped dial plan enforces."""


def compose(mark: Mark, access: Access) -> str:
    """The value of a row of ours."""
    return f"{access.value};{mark}"


def mark_of(installation: str, value: str) -> Mark | None:
    """Our mark in a row's value; None where the row is not of this installation."""
    _, _, text = value.partition(";")
    mark = Mark.parse(text)
    return mark if mark is not None and mark.installation == installation else None


def access_of(value: str) -> Access:
    """What a row of ours makes the dial plan do: a word that it does not know bars outgoing calls."""
    word = value.partition(";")[0]
    return Access(word) if word in ENFORCED else Access.INCOMING_ONLY


def depth(access: Access) -> int:
    """Steps below full on the ladder of voice."""
    return rank(Kind.FIXED_VOICE, access)


def name_of(key: Key) -> str:
    """The row's name for a key: an international number with its plus sign, or user@domain."""
    return key.value


def key_of(name: str, types: Set[KeyType] = KEY_TYPES) -> Key | None:
    """The key of one of `types` that a row's name stands for; None where it stands for none."""
    type = KeyType.SIP_AOR if "@" in name else KeyType.MSISDN if name.startswith("+") else KeyType.TRUNK
    try:
        key = Key.of(type, name)
    except ValueError:
        return None
    return key if key.value == name and type in types else None
