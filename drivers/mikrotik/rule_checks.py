"""Rule checks: whether the operator's own rules act on our lists, and by which others they cut customers (pure)."""

from collections.abc import Iterable, Mapping, Sequence

from drivers.base import Concerns
from drivers.mikrotik.reading import View
from drivers.mikrotik.settings import Settings
from drivers.mikrotik.values import yes
from enforcement.access import Access, Rate
from enforcement.keys import Key

RuleRow = dict[str, str]
Menus = Mapping[str, list[RuleRow]]

_KINDS = ("filter", "nat", "mangle", "raw")
_FAMILIES = {"/ip": "IPv4", "/ipv6": "IPv6"}
_SIDES = ("src-address-list", "dst-address-list")
_STOPS = frozenset({"drop", "reject", "tarpit"})
_CUSTOMERS_PASS = {"filter": "forward", "raw": "prerouting"}
"""The chains that a customer's packets come through on their way."""

_NO_MATCHERS = frozenset({".id", "chain", "action", "comment", "disabled", "dynamic", "invalid", "log", "log-prefix"})
_NO_MATCHERS |= {"bytes", "packets", "reject-with", "jump-target", "passthrough", "hw-offload"}


def paths(settings: Settings) -> list[str]:
    """The menus of rules."""
    return [f"{family}/firewall/{kind}" for family in _families(settings) for kind in _KINDS]


def rule_problems(menus: Menus, settings: Settings) -> list[str]:
    """Where the operator's own rules are to act on our lists: what would let a customer through."""
    found: list[str] = []
    acting: dict[str, set[str]] = {}
    for prefix in _families(settings):
        rules = {kind: _enabled(menus[f"{prefix}/firewall/{kind}"]) for kind in _KINDS}
        acting[_FAMILIES[prefix]] = {name for its in rules.values() for rule in its for name in _named(rule)}
        found += _let_through(rules["filter"], settings, _FAMILIES[prefix])
    return found + _unused(acting, settings)


def dropped_lists(menus: Menus, view: View, settings: Settings) -> list[str]:
    """Lists that a rule cuts and the settings do not name: whoever is in one is cut, and taken to be open."""
    found: dict[str, str] = {}
    for prefix in _families(settings):
        for kind, chain in _CUSTOMERS_PASS.items():
            for rule in _reached(_enabled(menus[f"{prefix}/firewall/{kind}"]), chain):
                for name in _cut_by(rule) - settings.gives.keys() - settings.obstructing_lists:
                    found.setdefault(name, f"{_FAMILIES[prefix]} {kind} rule {rule.get('.id', '?')}")
    return [
        Concerns(f"{rule} cuts list {name}, which obstructing_lists does not name: who is in it counts as open", keys)
        for name, rule in sorted(found.items())
        if (keys := _in_list(view, name))
    ]


def _families(settings: Settings) -> tuple[str, ...]:
    return ("/ip", "/ipv6") if settings.ipv6 else ("/ip",)


def _enabled(rules: Iterable[RuleRow]) -> list[RuleRow]:
    return [rule for rule in rules if not yes(rule.get("disabled", "false"))]


def _named(rule: RuleRow) -> set[str]:
    """The lists that a rule matches or spares."""
    return {rule.get(side, "").removeprefix("!") for side in _SIDES} - {""}


def _unused(acting: dict[str, set[str]], settings: Settings) -> list[str]:
    found = []
    for name, rung in settings.gives.items():
        without = [family for family, used in acting.items() if name not in used]
        if len(without) == len(acting):
            found.append(f"no enabled firewall rule uses list {name}: {_told(*rung)} would restrict nobody")
        elif without:
            found.append(
                f"no enabled {without[0]} firewall rule uses list {name}: {_told(*rung)} leaves {without[0]} open"
            )
    return found


def _told(access: Access, rate: Rate | None) -> str:
    return f"{access} at {rate} kbit/s" if rate is not None else access


def _let_through(rules: Iterable[RuleRow], settings: Settings, family: str) -> list[str]:
    """Rules that decide before the lists are asked. FastTrack bypasses the firewall while a connection lives, unless it
    spares the list or a rule comes before."""
    judged: dict[str, set[str]] = {}
    found = []
    for rule in rules:
        chain = judged.setdefault(rule.get("chain", ""), set())
        passed = [name for name in settings.gives if name not in chain | _named(rule)]
        which = f"{family} filter rule {rule.get('.id', '?')}"
        if rule.get("action") == "fasttrack-connection" and passed:
            found.append(
                f"{which} fasttracks connections of {', '.join(passed)}: "
                "those that are open when a customer is restricted pass until they end"
            )
        if rule.get("action", "accept") == "accept" and rule.get("chain") == "forward" and passed:
            which += f" accepts before any rule of {', '.join(passed)} is asked"
            found.append(f"{which}: what it matches ({_matchers(rule)}) passes whoever is restricted")
        chain |= _named(rule)
    return found


def _matchers(rule: RuleRow) -> str:
    names = sorted(rule.keys() - _NO_MATCHERS)
    return " ".join(f"{name}={rule[name]}" for name in names) or "everything"


# --- lists that nobody named -----------------------------------------------------------------------------------------


def _reached(rules: Sequence[RuleRow], first: str) -> list[RuleRow]:
    """The rules of a chain and of all chains that jumps lead to from there."""
    chains, new = {first}, {first}
    while new:
        jumps = [rule for rule in rules if rule.get("chain") in new and rule.get("action") == "jump"]
        new = {rule.get("jump-target", "") for rule in jumps} - chains
        chains |= new
    return [rule for rule in rules if rule.get("chain") in chains]


def _cut_by(rule: RuleRow) -> set[str]:
    """The list whose members a rule cuts off from everything. One that asks for more (a port, an interface, a network
    or a second list, a limit) keeps them from something only, as rules do that guard a network from its customers."""
    if rule.get("action") not in _STOPS or rule.keys() - _NO_MATCHERS - {*_SIDES, "connection-state"}:
        return set()
    if "new" not in rule.get("connection-state", "new").split(","):
        return set()
    lists = {name for side in _SIDES if (name := rule.get(side, "")) and not name.startswith("!")}
    return lists if len(lists) == 1 else set()


def _in_list(view: View, name: str) -> set[Key]:
    """Who stands in a list as himself: a network that covers him may be there for other reasons (bogons)."""
    at = {row.key for row in view.rows if row.list == name and row.enabled and row.key is not None}
    return at | {key for key, homes in view.homes.items() if homes & at}
