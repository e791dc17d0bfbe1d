"""Preparation: how the rules that the lists need stand on the router, and the installation of those that are missing.

Only what is missing is added, each with its place; nothing is changed, moved or removed, not even ours: a rule that
stands where it has no effect is told, with what is in its way, and a person moves it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from drivers.base import Refused, Step, StepState, Unsupported
from drivers.mikrotik.framing import Words
from drivers.mikrotik.rules import RULE, Among, Wanted, wanted
from drivers.mikrotik.settings import Settings
from drivers.mikrotik.values import yes
from drivers.mikrotik.wire import Connection
from enforcement.access import Access

Row = dict[str, str]
Menus = Mapping[str, list[Row]]

_LET_THROUGH = frozenset({"accept", "fasttrack-connection", "dst-nat", "redirect", "netmap"})
_BY_HAND = Step(
    where="the agent's settings",
    text='garden = { portal = ["203.0.113.80"], hosts = ["pay.example"], dns = ["203.0.113.53"], voice = [] }',
    state=StepState.BY_HAND,
    note="says what restricted customers may still reach; without it your own rules must act on the lists",
)
_RATES = Step(
    where="the agent's settings",
    text='throttle = { up = "512k", down = "2M" }',
    state=StepState.BY_HAND,
    note="says how slow throttled is; without it your own queues must act on its list",
)


class Preparation:
    """The rules of one router."""

    def __init__(self, connection: Connection, settings: Settings, installation: str) -> None:
        self._connection = connection
        self._settings = settings
        self._installation = installation
        self._wanted = wanted(settings, installation)

    def steps(self, install: bool) -> list[Step]:
        """Each step as it stands, after the installation where `install`. Raises as `observe` does."""
        by_hand = [_BY_HAND] if self._settings.garden is None else []
        if self._settings.garden and self._settings.throttle is None and Access.THROTTLED in self._settings.lists:
            by_hand.append(_RATES)
        before = self.judged(self.read())
        if not install or all(step.state is not StepState.MISSING for step in before):
            return [*before, *by_hand]
        traps = self._install()
        after = self.judged(self.read())
        return [*(_told(was, now, traps.get(at, "")) for at, (was, now) in enumerate(zip(before, after, strict=True))),
                *by_hand]  # fmt: skip

    def read(self, besides: Iterable[str] = ()) -> dict[str, list[Row]]:
        """The menus in question and those `besides`, each as it is; of address lists, which may be long, ours alone.
        Raises as `observe` does."""
        paths = list(dict.fromkeys([*(item.path for item in self._wanted), *besides]))
        replies = self._connection.run([_print(path) for path in paths]) if paths else []
        for path, reply in zip(paths, replies, strict=True):
            if "no such command" in reply.trap:
                raise Unsupported(f"the router has no {path}; set ipv6 = false where it has no IPv6")
            if reply.trap:
                raise Refused(f"{path}: {reply.trap}")
        return {path: reply.rows for path, reply in zip(paths, replies, strict=True)}

    def _install(self) -> dict[int, str]:
        """Add what is missing, one by one; answers the router's words by the number of the step it refused."""
        traps: dict[int, str] = {}
        menus = self.read()
        for at, item in enumerate(self._wanted):
            rows = menus[item.path]
            if _found(item, rows) is not None:
                continue
            [reply] = self._connection.run([_add(item, self._before(at, rows))])
            if reply.trap:
                traps[at] = reply.trap
                continue
            [again] = self._connection.run([_print(item.path)])
            menus[item.path] = again.rows
        return traps

    def _before(self, at: int, rows: Sequence[Row]) -> str:
        """The id before which an item belongs: the next of ours in its chain, else the operator's first there where it
        goes first; empty for the chain's end."""
        item = self._wanted[at]
        if not item.chain:
            return ""
        for later in self._wanted[at + 1 :]:
            if (later.path, later.chain) == (item.path, item.chain):
                row = _found(later, rows)
                if row is not None:
                    return row[".id"]
        theirs = [row for row in rows if row.get("chain") == item.chain and not self._ours(row)]
        static = [row for row in theirs if not yes(row.get("dynamic", "false"))]
        return static[0][".id"] if item.among is Among.FIRST and static else ""

    def _ours(self, row: Row) -> bool:
        return row.get("comment", "").startswith(f"{RULE}{self._installation}:")

    def judged(self, menus: Menus) -> list[Step]:
        """Each step as it stands in `menus`."""
        return [self._step(at, item, menus[item.path]) for at, item in enumerate(self._wanted)]

    def _step(self, at: int, item: Wanted, rows: Sequence[Row]) -> Step:
        text = " ".join(("add", *(f"{name}={value}" for name, value in item.words)))
        row = _found(item, rows)
        if row is None:
            place = self._before(at, rows)
            return Step(item.path, f"{text} place-before={place}" if place else text, StepState.MISSING)
        wrong = _differs(item, row) or self._in_the_way(at, item, row, rows)
        return Step(item.path, text, StepState.MISPLACED if wrong else StepState.PRESENT, wrong)

    def _in_the_way(self, at: int, item: Wanted, row: Row, rows: Sequence[Row]) -> str:
        """What takes its effect from a rule of ours; empty where nothing does."""
        if not item.chain:
            return ""
        later = {
            id(found)
            for other in self._wanted[at + 1 :]
            if (other.path, other.chain) == (item.path, item.chain) and (found := _found(other, rows)) is not None
        }
        chain = [other for other in rows if other.get("chain") == item.chain]
        place = next(n for n, other in enumerate(chain) if other is row)
        for other in chain[:place]:
            if id(other) in later or (not self._ours(other) and _decides_first(item, other, rows)):
                return f"rule {other['.id']} ({_what(other)}) stands before it"
        for other in chain[place + 1 :] if item.among is Among.LAST else ():
            if not self._ours(other) and not _spares(other, item) and _may(_marks, other, rows):
                return f"rule {other['.id']} ({_what(other)}) stands after it and replaces its mark"
        return ""


def _print(path: str) -> Words:
    mine = (f"?>comment={RULE}", f"?<comment={RULE[:-1]};", "?#&") if path.endswith("address-list") else ()
    return (f"{path}/print", *mine)


def _add(item: Wanted, before: str) -> Words:
    place = (f"=place-before={before}",) if before else ()
    return (f"{item.path}/add", *(f"={name}={value}" for name, value in item.words), *place)


def _found(item: Wanted, rows: Iterable[Row]) -> Row | None:
    words = dict(item.words)
    return next((row for row in rows if all(row.get(name) == words[name] for name in item.key)), None)


def _differs(item: Wanted, row: Row) -> str:
    if yes(row.get("disabled", "false")):
        return f"{row['.id']} is disabled"
    for name, value in item.words:
        if _normal(row.get(name, "")) != _normal(value):
            return f"{row['.id']} has {name}={row.get(name, '')}, not {value}"
    return ""


def _normal(value: str) -> frozenset[str]:
    """A value however the router writes it: states in any order, flags as true and false."""
    flags = {"true": "yes", "false": "no"}
    return frozenset(flags.get(part, part) for part in value.split(","))


def _decides_first(item: Wanted, other: Row, rows: Sequence[Row]) -> bool:
    """Whether a rule of somebody else's that stands before an item leaves it without its packets. One that drops leaves
    nothing to decide."""
    if item.among is Among.OURS:
        return True
    return not _spares(other, item) and _may(_ends, other, rows)


def _spares(row: Row, item: Wanted) -> bool:
    """Whether a rule passes over the customers of an item, by its own matcher."""
    sides = ("src-address-list", "dst-address-list")
    its = [(side, value) for side, value in item.words if side in sides and not value.startswith("!")]
    return any(row.get(side) == f"!{name}" for side, name in its)


def _may(does: Callable[[Row], bool], row: Row, rows: Sequence[Row], deep: int = 8) -> bool:
    """Whether an enabled rule, or one that it jumps to, does something to the packets that it matches."""
    if yes(row.get("disabled", "false")):
        return False
    if row.get("action", "accept") == "jump" and deep:
        inside = [other for other in rows if other.get("chain") == row.get("jump-target")]
        return any(_may(does, other, rows, deep - 1) for other in inside)
    return does(row)


def _ends(row: Row) -> bool:
    """Whether a packet passes with it, or no later rule changes the packet (mangle, `passthrough`)."""
    return row.get("action", "accept") in _LET_THROUGH or not yes(row.get("passthrough", "yes"))


def _marks(row: Row) -> bool:
    return row.get("action") == "mark-packet"


def _what(row: Row) -> str:
    return f"{row.get('action', 'accept')}, {row['comment']!r}" if row.get("comment") else row.get("action", "accept")


def _told(was: Step, now: Step, trap: str) -> Step:
    if was.state is StepState.MISSING and now.state is StepState.PRESENT:
        return replace(now, state=StepState.INSTALLED)
    return replace(now, note=trap) if trap else now
