"""Which services does a person mean? By id, by account, or by a key however it is written, or what a key contains."""

import ipaddress
import re

from sqlalchemy import ColumnElement, Connection, or_, select

from controller.store.queries.shown import Shown, services_in_short
from controller.store.tables import bindings, services
from enforcement.keys import Key, KeyType

FOUND_AT_MOST = 50
"""A key that names more services than this is no key; whoever asks should be more exact."""

_NATIONAL = re.compile(r"[0-9]{7,14}")
"""A phone number without its country: fewer digits would name too many."""


def services_named(tx: Connection, text: str) -> list[Shown]:
    """The services that `text` names exactly; where there are none, those whose phone number ends with it."""
    found = _of_ids_and_keys(tx, text)
    number = re.sub(r"[ ().\-]", "", text)
    if not found and _NATIONAL.fullmatch(number):
        found = _bound(tx, bindings.c.key.like(f"{KeyType.MSISDN}:+%{number}"))
    return services_in_short(tx, found)


def _of_ids_and_keys(tx: Connection, text: str) -> set[str]:
    by_id = select(services.c.id).where(or_(services.c.id == text, services.c.account_id == text))
    keys = [*keys_written(text), *_prefixes_around(text)]
    return {*tx.execute(by_id.limit(FOUND_AT_MOST)).scalars(), *_bound(tx, bindings.c.key.in_(keys))}


def _bound(tx: Connection, named: ColumnElement[bool]) -> set[str]:
    query = select(bindings.c.service_id).where(named, bindings.c.ended_at.is_(None)).distinct()
    return set(tx.execute(query.limit(FOUND_AT_MOST)).scalars())


def keys_written(text: str) -> list[str]:
    """Every key that a person may mean by `text`: with its type, or bare, such as a phone number with spaces."""
    text = text.strip()
    attempts = [(kind.value, text) for kind in KeyType]
    type, colon, value = text.partition(":")
    if colon and type in set(KeyType):
        attempts.append((type, value))
    return sorted({key for attempt in attempts if (key := _key(*attempt))})


def _key(type: str, value: str) -> str:
    try:
        return str(Key.of(type, value))
    except ValueError:
        return ""


def _prefixes_around(text: str) -> list[str]:
    """The keys of all prefixes that contain an address: few enough to ask for each."""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return []
    type = KeyType.IPV4 if address.version == 4 else KeyType.IPV6_PREFIX
    lengths = range(1, address.max_prefixlen)
    around = (ipaddress.ip_network((address, length), strict=False) for length in lengths)
    return [str(Key.of(type, str(network))) for network in around]
