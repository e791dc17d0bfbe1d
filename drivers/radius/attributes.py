"""The driver's small RADIUS dictionary, loaded once, and values of SQL rows made into values that pyrad sends."""

from pathlib import Path

from pyrad.dictionary import Dictionary

DICTIONARY = Dictionary(str(Path(__file__).with_name("dictionary")))
KNOWN = frozenset(str(name) for name in DICTIONARY.attributes)

Value = str | int | bytes


def untagged(name: str) -> str:
    """`ERX-Service-Activate:1` is attribute ERX-Service-Activate with tag 1 (RFC 2868, 3.1)."""
    return name.partition(":")[0]


def is_known(name: str) -> bool:
    """Whether the driver can send it."""
    tag = name.partition(":")[2]
    return untagged(name) in KNOWN and (not tag or (tag.isdigit() and 0 < int(tag) < 32))


def value_of(name: str, text: str) -> Value:
    """A value as radreply writes it: 0x... is octets, digits of an integer attribute a number.

    Raises ValueError for a number or an address that is none.
    """
    match DICTIONARY[untagged(name)].type:
        case "octets":
            return class_octets(text)
        case "integer":
            return int(text)
    return text


def class_octets(text: str) -> bytes:
    """The octets of a Class, from radgroupreply (as written) or radacct (FreeRADIUS prints octets as 0x...)."""
    if text.startswith("0x"):
        try:
            return bytes.fromhex(text[2:])
        except ValueError:
            pass
    return text.encode()
