"""Ways: how a key of each type is enforced on this router. Data only; one table.

An address needs nothing but its list entry. An identity (a user, a MAC address) has a *record* that outlives its
address: for `address_list` a disabled entry that holds nobody, else a value that is swapped on the customer's own
secret, hotspot user or lease, or a binding that is added. Entries then follow the addresses that the identity has.
"""

from dataclasses import dataclass
from enum import StrEnum

from enforcement.keys import KeyType


class Way(StrEnum):
    """How an identity is restricted."""

    ADDRESS_LIST = "address_list"
    DHCP_LEASE = "dhcp_lease"
    HOTSPOT = "hotspot"
    PPP_SECRET = "ppp_secret"  # noqa: S105  # a menu's name


CHOICES = {
    KeyType.USERNAME: (Way.ADDRESS_LIST, Way.HOTSPOT, Way.PPP_SECRET),
    KeyType.MAC: (Way.ADDRESS_LIST, Way.DHCP_LEASE, Way.HOTSPOT),
}


@dataclass(frozen=True, slots=True)
class Holder:
    """Where a way keeps its record: the items of `path`, found by property `name`.

    `value` is the property that is swapped; empty where an item of ours is added. `added` says that the value is a list
    to which ours is added. `sessions` are the menus (with their property of the same name) whose items are removed
    so that the change takes effect; the first tells who is connected.
    """

    path: str
    name: str
    value: str = ""
    added: bool = False
    sessions: tuple[tuple[str, str], ...] = ()


HOLDERS = {
    (KeyType.USERNAME, Way.PPP_SECRET): Holder("/ppp/secret", "name", "profile", sessions=(("/ppp/active", "name"),)),
    (KeyType.USERNAME, Way.HOTSPOT): Holder(
        "/ip/hotspot/user", "name", "profile", sessions=(("/ip/hotspot/cookie", "user"), ("/ip/hotspot/active", "user"))
    ),
    (KeyType.MAC, Way.DHCP_LEASE): Holder("/ip/dhcp-server/lease", "mac-address", "address-lists", added=True),
    (KeyType.MAC, Way.HOTSPOT): Holder(
        "/ip/hotspot/ip-binding",
        "mac-address",
        sessions=(("/ip/hotspot/cookie", "mac-address"), ("/ip/hotspot/active", "mac-address")),
    ),
}
"""Cookies go before sessions: a session that ends first would come back by its cookie."""
