"""Several RADIUS servers with tables of their own: one customer, one access, and never "done" while one is not."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from drivers.base import Unreachable
from drivers.radius import build
from drivers.radius.several import SeveralServers
from enforcement.access import Access, Rate
from enforcement.changes import Result
from enforcement.observed import Live
from enforcement.plan import State
from lab.nas.server import RadiusServer, ServerSettings
from tests.drivers.radius.radius_lab import SECRET, Enforcer, RadiusLab, entry, given, subscribers, wait_for

ANA = "ana@isp"
WANTED = entry(ANA, Access.PORTAL)
OPEN = entry(ANA, Access.FULL, 2)


@dataclass
class Pair:
    """Two servers; `down` takes the second one's tables away, `up` brings them back."""

    one: RadiusLab
    other: RadiusLab
    path: Path

    def enforcer(self, *labs_nases: dict[str, object], **more: object) -> Enforcer:
        settings: dict[str, object] = {
            "database": self.one.url,
            "other_databases": [{"database": self.other.url}],
            "groups": {"throttled": "grifo-throttled", "portal": "grifo-portal"},
            "nases": list(labs_nases),
            "session_class": True,
            **more,
        }
        driver = build(settings, "op-1")
        assert isinstance(driver, SeveralServers)
        self.one.opened.append(driver)
        return Enforcer(driver)  # type: ignore[arg-type]

    def down(self, enforcer: Enforcer) -> None:
        enforcer.driver.close()
        self.path.rename(self.path.with_suffix(".away"))
        self.path.mkdir()

    def up(self) -> None:
        self.path.rmdir()
        self.path.with_suffix(".away").rename(self.path)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    labs = []
    for name in ("one", "other"):
        folder = tmp_path / name
        folder.mkdir()
        server = RadiusServer(ServerSettings(folder / "radius.db", SECRET))
        lab = RadiusLab(server.auth, server.acct, f"sqlite:///{folder / 'radius.db'}", folder, is_freeradius=False)
        lab.opened.append(server)
        lab.seed(ANA)
        labs.append(lab)
    yield Pair(labs[0], labs[1], tmp_path / "other" / "radius.db")
    for lab in labs:
        lab.close()


def test_a_restriction_reaches_every_server_and_leaves_each_as_it_was(pair: Pair) -> None:
    before = pair.one.dump(), pair.other.dump()
    enforcer = pair.enforcer()
    assert enforcer.enforce(WANTED).states[WANTED.binding] is State.ARMED
    for lab in (pair.one, pair.other):
        assert "Mikrotik-Address-List = portal" in lab.login(ANA)
    assert enforcer.enforce(OPEN).changes == ()
    assert (pair.one.dump(), pair.other.dump()) == before
    assert (pair.one.marks(), pair.other.marks()) == ([], [])


def test_a_server_that_lost_the_row_is_seen_and_written_to(pair: Pair) -> None:
    enforcer = pair.enforcer()
    enforcer.enforce(WANTED)
    for table in ("radusergroup WHERE priority = 0", "grifo_marks"):
        pair.other.sql(f"DELETE FROM {table}")
    assert enforcer.state(WANTED) is State.MISSING
    assert enforcer.enforce(WANTED).states[WANTED.binding] is State.ARMED
    assert "Mikrotik-Address-List = portal" in pair.other.login(ANA)
    assert len(pair.other.marks()) == 1


def test_a_restore_reaches_the_server_that_still_restricts(pair: Pair) -> None:
    enforcer = pair.enforcer()
    enforcer.enforce(WANTED)
    pair.one.sql("DELETE FROM radusergroup WHERE priority = 0")
    assert enforcer.state(OPEN) is State.WRONGFUL
    enforcer.enforce(OPEN)
    assert "Mikrotik-Address-List = portal" not in pair.other.login(ANA)


def test_one_server_down_is_unknown_and_never_done(pair: Pair) -> None:
    enforcer = pair.enforcer()
    enforcer.enforce(WANTED)
    pair.down(enforcer)
    assert enforcer.state(WANTED) is State.UNKNOWN
    assert enforcer.state(entry("bea@isp", Access.PORTAL)) is State.UNKNOWN
    enforcer.enforce(OPEN)
    assert (enforcer.outcomes[0].result, enforcer.outcomes[0].effect_done) == (Result.UNKNOWN, False)
    assert "other/radius.db" in enforcer.outcomes[0].detail
    assert "Mikrotik-Address-List = portal" not in pair.one.login(ANA)
    assert any("can't be read" in said for said in enforcer.driver.check())
    pair.up()
    assert enforcer.state(OPEN) is State.WRONGFUL
    assert enforcer.enforce(OPEN).states[OPEN.binding] is State.VERIFIED
    assert "Mikrotik-Address-List = portal" not in pair.other.login(ANA)


def test_all_servers_down_is_unreachable(pair: Pair) -> None:
    enforcer = pair.enforcer()
    pair.down(enforcer)
    first = pair.one.folder / "radius.db"
    first.rename(first.with_suffix(".away"))
    first.mkdir()
    with pytest.raises(Unreachable):
        enforcer.driver.observe(None)


def test_a_session_of_the_second_server_is_told_after_both_have_the_row(pair: Pair) -> None:
    nas = pair.other.nas()
    nas.dial(subscribers([ANA]))
    enforcer = pair.enforcer(pair.other.nas_settings(nas))
    assert enforcer.enforce(WANTED).changes == ()
    wait_for(lambda: given(nas, ANA, "Mikrotik-Address-List") == "portal")
    wait_for(lambda: enforcer.state(WANTED) is State.VERIFIED)


def test_servers_that_give_one_customer_different_rates_are_brought_to_one(pair: Pair) -> None:
    """As after a write that reached the first alone: the slower is what is seen, and the other is written to."""
    groups = {"throttled": "grifo-throttled", "512/128": "grifo-slow", "1024/512": "grifo-fast"}
    enforcer = pair.enforcer(groups=groups)
    slow, fast = (replace(entry(ANA, Access.THROTTLED), rate=rate) for rate in (Rate(512, 128), Rate(1024, 512)))
    enforcer.enforce(slow)
    for wanted, group in ((slow, "grifo-slow"), (fast, "grifo-fast")):
        for table in ("radusergroup", "grifo_marks"):
            pair.other.sql(f"UPDATE {table} SET groupname = 'grifo-fast' WHERE groupname LIKE 'grifo-%'")
        seen = enforcer.driver.observe().of(wanted.key)
        assert (seen.rate, seen.live) == (Rate(512, 128), Live.STALE)
        assert enforcer.enforce(wanted).changes == ()
        for lab in (pair.one, pair.other):
            assert lab.sql("SELECT groupname FROM radusergroup WHERE priority = 0") == [(group,)]


def test_a_login_at_any_server_is_told_by_its_own_accounting(pair: Pair) -> None:
    """Where another one is down, too."""
    enforcer = pair.enforcer()
    enforcer.enforce(WANTED)
    enforcer.plan(WANTED, full=True)
    with ExitStack() as stack:
        down, other = (stack.enter_context(closing(news)) for news in reversed(enforcer.driver.news))
        assert (down.keys(), other.keys()) == (frozenset(), frozenset())
        down.close()
        pair.down(enforcer)
        pair.one.nas().dial(subscribers([ANA]))
        wait_for(lambda: other.keys() == {WANTED.key})
        with pytest.raises(Unreachable):
            down.keys()
        pair.up()
