"""What stands in a switch's barring table: composed and parsed here alone.

A row is `number -> incoming_only;grifo:v1:installation:service:binding`. The dial plan bars whoever has a row, whatever
its value; the value tells ours from the operator's. A row without our mark is somebody else's and is never touched.
"""

from enforcement.access import Access
from enforcement.entries import Mark
from enforcement.keys import Key, KeyType

KEY_TYPES = frozenset({KeyType.MSISDN, KeyType.SIP_AOR})
ENFORCED = Access.INCOMING_ONLY
"""The one access below full that the shipped dial plan enforces."""


def compose(mark: Mark) -> str:
    """The value of a row of ours."""
    return f"{ENFORCED.value};{mark}"


def mark_of(installation: str, value: str) -> Mark | None:
    """Our mark in a row's value; None where the row is not of this installation."""
    _, _, text = value.partition(";")
    mark = Mark.parse(text)
    return mark if mark is not None and mark.installation == installation else None


def name_of(key: Key) -> str:
    """The row's name for a key: an international number with its plus sign, or user@domain."""
    return key.value


def key_of(name: str) -> Key | None:
    """The key that a row's name stands for; None where it is neither a number nor user@domain."""
    type = KeyType.SIP_AOR if "@" in name else KeyType.MSISDN
    try:
        key = Key.of(type, name)
    except ValueError:
        return None
    return key if key.value == name else None
