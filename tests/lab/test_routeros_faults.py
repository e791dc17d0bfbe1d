"""The simulated router told to misbehave, by its Python API and by lines as in a terminal."""

import io
import time
from collections.abc import Iterator

import pytest

from lab.routeros import RouterOS
from lab.routeros.main import HELP, obey
from lab.routeros.words import ReservedByte
from tests.lab.raw_api import Raw, values

V4 = "/ip/firewall/address-list"


@pytest.fixture
def router() -> Iterator[RouterOS]:
    with RouterOS() as running:
        yield running


def test_refused_writes_change_nothing_and_reads_still_work(router: RouterOS) -> None:
    router.misbehave(refuse="failure: no room", only="192.0.2.1")
    with Raw(router.port) as raw:
        assert raw.ask(f"{V4}/add", "=list=a", "=address=192.0.2.1")[0] == ["!trap", "=message=failure: no room"]
        raw.ask(f"{V4}/add", "=list=a", "=address=192.0.2.2")
        assert [values(row)["address"] for row in raw.ask(f"{V4}/print")[:-1]] == ["192.0.2.2"]


def test_a_lie_is_answered_done_and_changes_nothing(router: RouterOS) -> None:
    router.add(V4, list="a", address="192.0.2.9")
    router.misbehave(lie=True)
    with Raw(router.port) as raw:
        assert raw.ask(f"{V4}/add", "=list=a", "=address=192.0.2.1") == [["!done", "=ret=*2"]]
        assert raw.ask(f"{V4}/remove", "=.id=*1") == [["!done"]]
    assert [row["address"] for row in router.rows(V4)] == ["192.0.2.9"]


def test_a_router_that_hangs_after_login_says_nothing_more(router: RouterOS) -> None:
    router.misbehave(hang="login")
    with Raw(router.port) as raw:
        raw.socket.settimeout(0.2)
        with pytest.raises(TimeoutError):
            raw.ask("/system/identity/print")


def test_a_router_that_hangs_in_mid_reply_has_sent_the_replies_before(router: RouterOS) -> None:
    router.load(V4, [{"list": "a", "address": f"192.0.2.{n}"} for n in (1, 2, 3)])
    router.misbehave(hang="reply", after=2)
    with Raw(router.port) as raw:
        raw.socket.settimeout(0.2)
        raw.say(f"{V4}/print")
        assert [values(raw.hear())["address"] for _ in range(2)] == ["192.0.2.1", "192.0.2.2"]
        with pytest.raises(TimeoutError):
            raw.hear()


def test_a_dropped_connection_breaks_in_mid_sentence(router: RouterOS) -> None:
    router.misbehave(drop=True)
    with Raw(router.port) as raw, pytest.raises((EOFError, ConnectionResetError)):
        raw.ask("/system/identity/print")


def test_garbled_replies_cannot_be_read(router: RouterOS) -> None:
    router.misbehave(garble=True)
    with Raw(router.port) as raw, pytest.raises(ReservedByte):
        raw.ask("/system/identity/print")


def test_a_delay_is_latency_and_many_commands_wait_at_once(router: RouterOS) -> None:
    """Fifty commands with 50 ms each: one after another they would take 2.5 s."""
    router.misbehave(delay_ms=50)
    with Raw(router.port) as raw:
        began = time.monotonic()
        for n in range(50):
            raw.say(f"{V4}/add", "=list=a", f"=address=192.0.2.{n}", f".tag={n}")
        heard = [raw.replies()[-1][-1] for _ in range(50)]
        took = time.monotonic() - began
    assert heard == [f".tag={n}" for n in range(50)]
    assert 0.05 <= took < 2.5


def test_a_fault_ends_when_it_is_told_to_behave(router: RouterOS) -> None:
    router.misbehave(refuse="no")
    router.behave()
    with Raw(router.port) as raw:
        assert raw.ask(f"{V4}/add", "=list=a", "=address=192.0.2.1") == [["!done", "=ret=*1"]]


def test_lines_in_a_terminal_set_faults_one_by_one_and_end_them(router: RouterOS) -> None:
    said: list[str] = []
    obey(router, io.StringIO("refuse failure: busy\ndelay 5\nonly 192.0.2.\n"), said.append)
    assert (router.faults.refuse, router.faults.delay_ms, router.faults.only) == ("failure: busy", 5.0, "192.0.2.")
    obey(router, io.StringIO("ok\nhang nowhere\nafter x\nnonsense\nhelp\nshow\n"), said.append)
    assert router.faults.refuse == ""
    assert said[0].startswith("hang login or hang reply")
    assert "invalid literal" in said[1]
    assert said[2] == "no such line: nonsense; type help\n"
    assert said[3] == HELP
    assert "0 IPv4 and 0 IPv6 list entries" in said[4]


def test_lines_in_a_terminal_lose_state_and_bring_back_an_old_backup(router: RouterOS) -> None:
    router.add(V4, list="a", address="192.0.2.1", timeout="1d")
    router.add(V4, list="a", address="192.0.2.2")

    def lines() -> Iterator[str]:
        yield "backup"
        router.add(V4, list="a", address="192.0.2.3")
        yield "reboot"
        assert [row["address"] for row in router.rows(V4)] == ["192.0.2.2", "192.0.2.3"]
        yield "restore"

    obey(router, lines(), print)
    assert [row["address"] for row in router.rows(V4)] == ["192.0.2.2"]
