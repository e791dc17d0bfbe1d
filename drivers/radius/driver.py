"""The driver: rows first, in one transaction; then live sessions; then radacct, read until it shows the effect."""

import math
import time
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import replace

from sqlalchemy import Connection

from drivers.base import Capabilities, Step, StepState
from drivers.radius.attributes import class_octets
from drivers.radius.check import disowned, problems
from drivers.radius.compose import compose
from drivers.radius.database import Database
from drivers.radius.news import RadiusNews
from drivers.radius.outcome import Telling, outcome_of
from drivers.radius.packets import Ask
from drivers.radius.prepare import Need, add_rows, after_installing, needs
from drivers.radius.probe import probes, unfit
from drivers.radius.refusals import Refusals, read_refusals
from drivers.radius.reply import Replies, group_replies, read_replies
from drivers.radius.rows import Customer, customers, live_sessions, names_of_interest
from drivers.radius.sender import Sender
from drivers.radius.settings import Rung, Settings
from drivers.radius.telling import Word, Worth, judged, move_of, word_for
from drivers.radius.truth import (
    Finding,
    Meaning,
    access_of,
    bereft_marks,
    findings,
    must_be_told,
    plan_of,
    rung_of,
    seen,
)
from drivers.radius.write import draw_line, drop_marks, settle, sweep_done, write
from enforcement.access import Access, Kind
from enforcement.changes import Change, Outcome, Restore, Restrict, key_of
from enforcement.keys import Key, KeyType
from enforcement.observed import Live, Observed

SLICE = 500
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 0.25
IN_VAIN_S = 0.3
"""How long radacct is watched for NASes none of which showed the last time that they did what they acknowledged."""
REDIAL_S = 10.0
"""How long after the end of a session a login may have been answered that radacct does not show yet."""


class RadiusDriver:
    """One FreeRADIUS database and the NASes behind it. Key: the user name, exactly as the tables write it."""

    def __init__(self, settings: Settings, installation: str, sender: Sender | None = None) -> None:
        self._settings = settings
        self._installation = installation
        self._database = Database(settings)
        self._tables = self._database.tables
        self._sender = sender or Sender()
        self._news = RadiusNews(settings)
        self._disowned: dict[int, str] = {}
        self._doubted: Sequence[str] = ()
        self._bereft: set[str] = set()
        self._ended: dict[str, float] = {}
        self._showing_nothing: set[str] = set()
        self._refusals: Refusals | None = None

    @property
    def database_name(self) -> str:
        """Which database it is, for a person."""
        return self._database.name

    @property
    def capabilities(self) -> Capabilities:
        access = frozenset(self._settings.groups.by_access)
        rates = frozenset(self._settings.groups.by_rate)
        return Capabilities(frozenset({KeyType.USERNAME}), {Kind.INTERNET: access}, SLICE, effects=True, rates=rates)

    @property
    def news(self) -> Sequence[RadiusNews]:
        return (self._news,)

    def observe(self, keys: Set[Key] | None = None) -> Observed:
        with self._database.reading() as connection:
            marked = self._database.has_marks(connection)
            meaning = self._meaning_now(connection)
            names = self._names(connection, keys, meaning, marked)
            found = customers(connection, self._tables, self._settings, names, marked)
        if keys is None:
            self._bereft = {name for name, customer in found.items() if bereft_marks(customer, meaning)}
            self._doubted = self._doubts(found.values(), meaning)
        by_name = {name: seen(customer, meaning) for name, customer in found.items()}
        self._news.saw(found, by_name, whole=keys is None)
        return Observed(
            {Key(KeyType.USERNAME, name): one for name, one in by_name.items() if one is not None},
            asked=None if keys is None else frozenset(keys),
        )

    def _doubts(self, found: Collection[Customer], meaning: Meaning) -> list[str]:
        """Who has a session that its NAS disowns and radacct holds open; sessions that are closed are forgotten."""
        open_now = {session.id for customer in found for session in customer.sessions}
        for id in self._disowned.keys() - open_now:
            del self._disowned[id]
        if not self._disowned:
            return []
        return sorted(one.username for one in found if any(each.disowned for each in findings(one, meaning)))

    def _names(self, connection: Connection, keys: Set[Key] | None, meaning: Meaning, marked: bool) -> set[str]:
        if keys is not None:
            return {key.value for key in keys if key.type is KeyType.USERNAME}
        shown = [text for one in meaning.classes for text in _forms(one)]
        refusing = meaning.refusals.every
        found = names_of_interest(connection, self._tables, self._settings, marked, shown, refusing)
        return found | meaning.redialling

    def apply(self, slice: Sequence[Change]) -> Sequence[Outcome]:
        return self.tell(slice, self.write(slice)) if slice else []

    def write(self, slice: Sequence[Change]) -> Mapping[int, str]:
        """The rows of a slice, committed; why changes were left out, by their place."""
        self._database.make_marks()
        names = {key_of(change).value for change in slice}
        with self._database.writing() as connection:
            meaning = self._meaning(connection)
            before = customers(connection, self._tables, self._settings, names, marked=True)
            changes = compose(slice, before, meaning)
            write(connection, self._tables, self._settings, changes)
        return changes.refused

    def tell(self, slice: Sequence[Change], refused: Mapping[int, str]) -> Sequence[Outcome]:
        """Tell the live sessions of a slice that has been written, and read them back."""
        names = {key_of(change).value for change in slice}
        with self._database.writing() as connection:
            meaning = self._meaning(connection)
            draw_line(connection, self._tables, names)
            after = customers(connection, self._tables, self._settings, names, marked=True)
            replies = read_replies(connection, self._tables, list(after.values()))
        changed = (one for one in slice if isinstance(one, Restrict | Restore))
        had: dict[str, Rung] = {key_of(one).value: (one.before, one.rate_before) for one in changed}
        told = self._tell(after, had, meaning, replies)
        self._read_back(after, told, meaning)
        self._settle(told, meaning)
        return [outcome_of(change, refused.get(at), told) for at, change in enumerate(slice)]

    def _tell(
        self, after: Mapping[str, Customer], had: Mapping[str, Rung], meaning: Meaning, replies: Replies
    ) -> dict[str, Telling]:
        told = {name: Telling() for name in after}
        asks: list[tuple[str, Finding, Ask]] = []
        for name, customer in after.items():
            for finding in findings(customer, meaning):
                if not finding.to_tell and not (name in had and must_be_told(finding, customer, meaning)):
                    continue
                before = frozenset(one for one in (finding.before, had.get(name)) if one is not None)
                plan = plan_of(customer, meaning)
                move = move_of(before, rung_of(customer, meaning), self._settings.groups, plan)
                word = word_for(finding, customer, move, self._settings.nases, replies)
                if isinstance(word, Word):
                    told[name].words.append(word)
                else:
                    asks.append((name, finding, word))
        answers = self._sender.send([ask for _, _, ask in asks])
        for (name, finding, ask), answer in zip(asks, answers, strict=True):
            session = finding.session
            word = judged(ask, answer, self._disowned.get(session.id, session.updated) != session.updated)
            told[name].words.append(word)
            if word.worth is Worth.GONE:
                self._disowned[session.id] = session.updated
            elif word.worth is Worth.TAKEN:
                told[name].acknowledged.add(session.nas_ip)
                self._disowned.pop(session.id, None)
                if access_of(after[name], meaning) is not Access.FULL:
                    self._ended[name] = time.monotonic()
        return told

    def _read_back(self, after: Mapping[str, Customer], told: Mapping[str, Telling], meaning: Meaning) -> None:
        """Mark who obeys, as radacct shows it: at once where nothing had to be told, else as accounting comes in."""
        began, pause = time.monotonic(), FIRST_PAUSE_S
        waiting = self._judge(dict(after), told, meaning)
        while waiting and time.monotonic() - began < self._patience(told[name] for name in waiting):
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE_S)
            with self._database.reading() as connection:
                live = live_sessions(connection, self._tables, self._settings, waiting)
            waiting = self._judge(
                {name: replace(after[name], sessions=tuple(live.get(name, ()))) for name in waiting}, told, meaning
            )
        shown = {nas for telling in told.values() if telling.obeys for nas in telling.acknowledged}
        self._showing_nothing |= {nas for name in waiting for nas in told[name].acknowledged}
        self._showing_nothing -= shown

    def _patience(self, waiting: Iterable[Telling]) -> float:
        """How long radacct is watched, in seconds. A NAS that acknowledged and showed nothing is waited for no more by
        everybody else's restores: a later turn looks, as with one that is silent."""
        in_vain = all(telling.acknowledged <= self._showing_nothing for telling in waiting)
        return min(self._settings.read_back_s, IN_VAIN_S if in_vain else math.inf)

    def _judge(self, now: Mapping[str, Customer], told: Mapping[str, Telling], meaning: Meaning) -> Collection[str]:
        """Who is still worth waiting for: all of whose sessions took it, and radacct is to show it."""
        waiting = []
        for name, customer in now.items():
            telling, found = told[name], findings(customer, meaning)
            telling.obeys = all(finding.live is Live.APPLIES for finding in found)
            telling.pending = any(finding.to_tell and not finding.disowned for finding in found)
            telling.disowned = any(finding.disowned for finding in found)
            if telling.pending and telling.all_taken and telling.all_proven:
                waiting.append(name)
        return waiting

    def _settle(self, told: Mapping[str, Telling], meaning: Meaning) -> None:
        obeyed = [name for name, telling in told.items() if telling.obeys]
        unprovable = [name for name, telling in told.items() if not telling.obeys and telling.all_taken]
        with self._database.writing() as connection:
            settle(connection, self._tables, obeyed, [name for name in unprovable if not told[name].all_proven])
            sweep_done(connection, self._tables, self._installation, self._settings)
            self._forget_the_bereft(connection, meaning)

    def _forget_the_bereft(self, connection: Connection, meaning: Meaning) -> None:
        """Marks that the last sweep found without their row, where it has not come back with this slice."""
        names, self._bereft = self._bereft, set()
        found = customers(connection, self._tables, self._settings, names, marked=True) if names else {}
        gone = [(name, row.mark) for name, one in found.items() for row in bereft_marks(one, meaning)]
        drop_marks(connection, self._tables, gone)

    def check(self) -> Sequence[str]:
        return [*self.check_database(), *self.check_nases()]

    def check_database(self) -> Sequence[str]:
        """What is wrong in the tables, and of the NASes as far as tables and settings tell."""
        with self._database.reading() as connection:
            marked = self._database.has_marks(connection)
            found = problems(connection, self._tables, self._settings, self._meaning_now(connection), marked)
        return [*found, *disowned(self._doubted)]

    def check_nases(self) -> Sequence[str]:
        """What is wrong with the NASes as they answer; nobody's session is touched."""
        asks = probes(self._settings)
        return list(unfit(asks, self._sender.send(asks)))

    def prepare(self, install: bool) -> Sequence[Step]:
        before = self._needs()
        if not install:
            return [need.step for need in before]
        for need in before:
            if need.step.state is not StepState.MISSING:
                continue
            if need.makes_marks:
                self._database.make_marks()
            with self._database.writing() as connection:
                add_rows(connection, self._tables, need)
        return after_installing(before, self._needs())

    def _needs(self) -> list[Need]:
        with self._database.reading() as connection:
            return needs(connection, self._tables, self._settings, self._database.has_marks(connection))

    def close(self) -> None:
        self._sender.close()
        self._database.close()

    def _meaning_now(self, connection: Connection) -> Meaning:
        """With the operator's groups read anew. A slice takes them as they were read before it: to it they only tell
        which group is the plan."""
        self._refusals = read_refusals(connection, self._tables)
        return self._meaning(connection)

    def _meaning(self, connection: Connection) -> Meaning:
        if self._refusals is None:
            self._refusals = read_refusals(connection, self._tables)
        classes: dict[bytes, frozenset[str]] = {}
        if self._settings.session_class:
            for group, items in group_replies(connection, self._tables, self._settings.groups.ours).items():
                for value in (value for attribute, _, value in items if attribute == "Class"):
                    octets = class_octets(value)
                    classes[octets] = classes.get(octets, frozenset()) | {group}
        now = time.monotonic()
        self._ended = {name: at for name, at in self._ended.items() if now - at < REDIAL_S}
        return Meaning(
            self._settings, self._installation, classes, self._disowned, frozenset(self._ended), self._refusals
        )


def _forms(octets: bytes) -> tuple[str, str]:
    """How radacct.class may write a Class: FreeRADIUS prints octets in hexadecimal; some schemas' queries cast them."""
    return "0x" + octets.hex(), octets.decode("utf-8", errors="replace")
