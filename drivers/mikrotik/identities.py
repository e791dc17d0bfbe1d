"""Identities: which addresses a user or a MAC address has now, by the router's sessions, leases and ARP (pure).

IPv6 beside IPv4: prefixes delegated by DHCPv6 and advertised prefixes, known by the interface of a PPP session
(`<pppoe-ana>`) or, for a MAC address, by the DUID of the binding.
"""

from collections.abc import Iterable, Mapping

from drivers.mikrotik.entries import either_of
from drivers.mikrotik.framing import Words
from drivers.mikrotik.values import duid_mac, yes
from drivers.mikrotik.ways import Way
from enforcement.keys import Key, KeyType

Answers = Mapping[str, list[dict[str, str]]]

PPP, HOTSPOT, LEASE, ARP = "/ppp/active", "/ip/hotspot/active", "/ip/dhcp-server/lease", "/ip/arp"
BINDING, PREFIX = "/ipv6/dhcp-server/binding", "/ipv6/nd/prefix"

_PROPLISTS = {
    PPP: "name,service,address",
    HOTSPOT: "user,mac-address,address",
    LEASE: "mac-address,address,active-address,status,disabled",
    ARP: "mac-address,address,disabled",
    BINDING: "address,duid,server,disabled",
    PREFIX: "prefix,interface,disabled",
}
_NAMES = {
    KeyType.USERNAME: {PPP: "name", HOTSPOT: "user"},
    KeyType.MAC: {LEASE: "mac-address", ARP: "mac-address", HOTSPOT: "mac-address"},
}


def questions(ways: Mapping[KeyType, Way], ipv6: bool, keys: Iterable[Key] | None) -> list[Words]:
    """The commands that tell the addresses of `keys`, of everybody where None."""
    paths: dict[str, list[str]] = {}
    for type in ways:
        for path, name in _NAMES[type].items():
            its = [f"?{name}={key.value}" for key in keys or () if key.type is type]
            if keys is None or its:
                paths.setdefault(path, []).extend(its)
    if ipv6 and paths:
        paths[BINDING] = []
        if KeyType.USERNAME in ways:
            paths[PREFIX] = []
    return [(f"{path}/print", f"=.proplist={_PROPLISTS[path]}", *either_of(its)) for path, its in paths.items()]


def addresses(ways: Mapping[KeyType, Way], answers: Answers) -> dict[Key, frozenset[Key]]:
    """The addresses, as keys, of each identity that has any."""
    found: dict[Key, set[Key]] = {}

    def have(type: KeyType, name: str, address_type: KeyType, address: str) -> None:
        try:
            found.setdefault(Key.of(type, name), set()).add(Key.of(address_type, address))
        except ValueError:
            return

    for type, name, address in _told(answers):
        if type in ways:
            have(type, name, KeyType.IPV4, address)
    for type, name, prefix in _told_ipv6(answers):
        if type in ways:
            have(type, name, KeyType.IPV6_PREFIX, prefix)
    return {key: frozenset(its) for key, its in found.items()}


def _told(answers: Answers) -> Iterable[tuple[KeyType, str, str]]:
    """(type of key, name, address) by every source; ARP only for whom no lease is bound."""
    for row in answers.get(PPP, ()):
        yield KeyType.USERNAME, row.get("name", ""), row.get("address", "")
    for row in answers.get(HOTSPOT, ()):
        yield KeyType.USERNAME, row.get("user", ""), row.get("address", "")
        yield KeyType.MAC, row.get("mac-address", ""), row.get("address", "")
    leased = set()
    for row in answers.get(LEASE, ()):
        if row.get("status") == "bound" and not yes(row.get("disabled", "")):
            leased.add(row.get("mac-address", ""))
            yield KeyType.MAC, row.get("mac-address", ""), row.get("active-address") or row.get("address", "")
    for row in answers.get(ARP, ()):
        if row.get("mac-address", "") not in leased and not yes(row.get("disabled", "")):
            yield KeyType.MAC, row.get("mac-address", ""), row.get("address", "")


def _told_ipv6(answers: Answers) -> Iterable[tuple[KeyType, str, str]]:
    """(type of key, name, prefix); a binding of a PPP interface is its user's, whatever its DUID says."""
    users = {
        f"<{row.get('service', 'ppp')}-{row.get('name', '')}>": row.get("name", "") for row in answers.get(PPP, ())
    }
    for row in answers.get(BINDING, ()):
        if yes(row.get("disabled", "")):
            continue
        if row.get("server", "") in users:
            yield KeyType.USERNAME, users[row["server"]], row.get("address", "")
        else:
            yield KeyType.MAC, duid_mac(row.get("duid", "")), row.get("address", "")
    for row in answers.get(PREFIX, ()):
        if row.get("interface", "") in users and not yes(row.get("disabled", "")):
            yield KeyType.USERNAME, users[row["interface"]], row.get("prefix", "")
