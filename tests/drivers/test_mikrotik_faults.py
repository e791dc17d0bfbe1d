"""The MikroTik driver and a router that misbehaves: what it believes, what it says, what it leaves behind."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from drivers.base import Driver, Garbled, Refused, Unreachable
from enforcement.access import Access
from enforcement.changes import Restrict, Result
from enforcement.observed import UNREAD
from enforcement.plan import State, plan
from lab.routeros import RouterOS
from lab.routeros.words import Splitter, encode
from tests.drivers.mikrotik_routers import (
    INSTALLATION,
    USER,
    V4,
    at,
    converge,
    driver,
    entry,
    in_list,
    mark,
    router,
    todo,
)


@pytest.fixture
def device() -> Iterator[RouterOS]:
    with router() as running:
        yield running


@pytest.fixture
def ours(device: RouterOS) -> Iterator[Driver]:
    made = driver(device)
    yield made
    made.close()


@pytest.fixture
def impatient(device: RouterOS) -> Iterator[Driver]:
    """A driver that waits a second for a reply: for routers that never give one."""
    made = driver(device, reply_seconds=1)
    yield made
    made.close()


def test_refused_writes_are_refused_entry_by_entry_in_the_routers_words(device: RouterOS, ours: Driver) -> None:
    wanted = [entry(n) for n in (1, 2, 3)]
    device.misbehave(refuse="failure: no room", only="10.0.0.2")
    outcomes = converge(ours, *wanted)
    assert [(outcome.result, outcome.detail) for outcome in outcomes] == [
        (Result.DONE, ""),
        (Result.REFUSED, "failure: no room"),
        (Result.DONE, ""),
    ]
    device.misbehave(refuse="not enough permissions (9)")
    outcomes = converge(ours, *at(Access.FULL, *wanted))
    assert {(outcome.result, outcome.detail) for outcome in outcomes} == {
        (Result.REFUSED, "not enough permissions (9)")
    }
    assert len(in_list(device)) == 2


def test_a_lying_router_is_found_out_by_the_next_read(device: RouterOS, ours: Driver) -> None:
    device.misbehave(lie=True)
    wanted = [entry(1)]
    assert converge(ours, *wanted)[0].result is Result.DONE
    assert plan(INSTALLATION, wanted, ours.observe(), {}).states[wanted[0].binding] is State.MISSING


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"hang": "login"}, Unreachable),
        ({"hang": "reply"}, Unreachable),
        ({"hang": "reply", "after": 2}, Unreachable),
        ({"drop": True, "after": 1}, Unreachable),
        ({"garble": True, "after": 1}, Garbled),
    ],
    ids=str,
)
def test_a_broken_read_says_nothing_and_the_next_one_starts_afresh(
    device: RouterOS, impatient: Driver, fault: dict[str, object], error: type[Exception]
) -> None:
    converge(impatient, entry(1))
    impatient.close()
    device.misbehave(**fault)
    with pytest.raises(error, match=f"router 127.0.0.1:{device.port}"):
        impatient.observe()
    assert plan(INSTALLATION, [entry(1)], UNREAD, {}).states[entry(1).binding] is State.UNKNOWN
    device.behave()
    assert impatient.observe().of(entry(1).key).access is Access.PORTAL


def test_a_timed_out_reply_is_never_taken_for_that_of_the_next_command(device: RouterOS, impatient: Driver) -> None:
    """The router answers late: what it says then belongs to a connection that is gone."""
    impatient.observe()
    device.misbehave(delay_ms=2500)
    with pytest.raises(Unreachable, match="no answer in time"):
        converge(impatient, entry(1))
    device.behave()
    assert impatient.observe().of(entry(2).key).access is Access.FULL
    assert {outcome.result for outcome in converge(impatient, entry(1), entry(2))} == {Result.DONE}
    assert sorted(in_list(device)) == [("grifo-portal", "10.0.0.1"), ("grifo-portal", "10.0.0.2")]


def test_a_connection_that_breaks_among_the_writes_converges_in_the_next_turn(device: RouterOS, ours: Driver) -> None:
    wanted = [entry(n) for n in range(300)]
    changes = todo(wanted, ours.observe())
    device.misbehave(drop=True, after=100)
    with pytest.raises(Unreachable):
        ours.apply(changes)
    device.behave()
    assert in_list(device) != []
    converge(ours, *wanted)
    assert todo(wanted, ours.observe()) == ()
    assert len(in_list(device)) == 300


def test_a_connection_that_breaks_among_the_removals_converges_in_the_next_turn(device: RouterOS, ours: Driver) -> None:
    wanted = [entry(n) for n in range(300)]
    converge(ours, *wanted)
    changes = todo(at(Access.FULL, *wanted), ours.observe())
    device.misbehave(drop=True, after=1)
    with pytest.raises(Unreachable):
        ours.apply(changes)
    device.behave()
    converge(ours, *at(Access.FULL, *wanted))
    assert in_list(device) == []


@pytest.mark.parametrize("atomic", [True, False], ids=["all or nothing", "up to the missing one"])
def test_an_entry_that_somebody_removes_meanwhile_keeps_no_other_from_being_restored(
    device: RouterOS, atomic: bool
) -> None:
    """The operator takes one away between our read and our removal of several ids, then one more, and again."""
    device.atomic_removal(atomic)
    wanted = [entry(n) for n in range(50)]

    def meddle(said: list[str]) -> None:
        if said[0] == f"{V4}/remove" and meddled.setdefault("," in said[1], said) is said:
            ids = said[1].removeprefix("=.id=").split(",")
            device.remove(V4, ids[len(ids) // 2])

    meddled: dict[bool, list[str]] = {}

    with _listening(device, meddle) as port:
        ours = driver(device, port=port)
        converge(ours, *wanted)
        outcomes = converge(ours, *at(Access.FULL, *wanted))
        ours.close()
    assert {outcome.result for outcome in outcomes} == {Result.DONE}
    assert len(meddled) == 2
    assert in_list(device) == []


@contextmanager
def _listening(device: RouterOS, before: Callable[[list[str]], None]) -> Iterator[int]:
    """A relay to the router that lets `before` see each sentence before the router does; answers its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def relay() -> None:
        client, _ = listener.accept()
        with client, socket.create_connection(("127.0.0.1", device.port)) as server:
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=_copy, args=(server, client))
            back.start()
            splitter = Splitter()
            while data := client.recv(65536):
                for said in splitter.feed(data):
                    before(said)
                    server.sendall(encode(said))
            server.shutdown(socket.SHUT_WR)
            back.join()

    thread = threading.Thread(target=relay)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        thread.join()
        listener.close()


def _copy(source: socket.socket, target: socket.socket) -> None:
    while data := source.recv(65536):
        target.sendall(data)


def test_ids_from_before_a_reboot_are_never_used_after_it(device: RouterOS, ours: Driver) -> None:
    """The reboot numbers anew: the former id of our entry is now the operator's."""
    stale = device.add(V4, list="guests", address="192.0.2.50", timeout="1d")
    converge(ours, entry(1))
    changes = todo(at(Access.FULL, entry(1)), ours.observe())
    device.add(V4, list="ofimatica", address="192.0.2.51")
    device.reboot()
    with pytest.raises(Unreachable):
        ours.apply(changes)
    ours.apply(changes)
    left = [row["address"] for row in device.rows(V4)]
    assert left == ["198.51.100.0/24", "203.0.113.1", "203.0.113.2", "192.0.2.51"]
    assert stale == "*4"


def test_state_that_the_router_lost_is_seen_and_put_back(device: RouterOS, ours: Driver) -> None:
    backup = device.backup()
    converge(ours, entry(1))
    device.restore(backup)
    ours.close()
    assert plan(INSTALLATION, [entry(1)], ours.observe(), {}).states[entry(1).binding] is State.MISSING
    converge(ours, entry(1))
    assert in_list(device) == [("grifo-portal", "10.0.0.1")]


def test_a_paid_customer_whom_an_old_backup_cuts_again_is_opened(device: RouterOS, ours: Driver) -> None:
    converge(ours, entry(1))
    backup = device.backup()
    paid = at(Access.FULL, entry(1))
    converge(ours, *paid)
    device.restore(backup)
    ours.close()
    assert plan(INSTALLATION, paid, ours.observe(), {}).states[entry(1).binding] is State.WRONGFUL
    converge(ours, *paid)
    assert in_list(device) == []


def test_a_wrong_password_is_refused_without_showing_it(
    device: RouterOS, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("WRONG", "hush-hush")
    ours = driver(device, password_env="WRONG")
    with pytest.raises(Refused, match="invalid user name or password") as told:
        ours.observe()
    assert "hush" not in str(told.value) + caplog.text


def test_the_password_is_in_no_log_and_no_repr(device: RouterOS, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ours = driver(device)
    converge(ours, entry(1))
    assert USER.password not in caplog.text + repr(vars(ours))
    ours.close()


def test_a_router_without_a_free_session_is_unreachable() -> None:
    with router(max_sessions=1) as device:
        first, second = driver(device), driver(device)
        first.observe()
        with pytest.raises(Unreachable):
            second.observe()
        first.close()
        second.close()


def test_nobody_at_the_address_is_unreachable(device: RouterOS) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unreachable, match=f"router 127.0.0.1:{port}"):
        driver(device, port=port).observe()


@pytest.mark.parametrize(
    "answer",
    [
        [["!re", "=.id=*1", "=list=a", ".tag={tag}"], ["!done", ".tag={tag}"]],
        [["!done", ".tag=77"]],
        [["!done"]],
        [["!what", ".tag={tag}"]],
        [["!re", "nonsense", ".tag={tag}"]],
    ],
    ids=["entry without address", "tag of no command", "no tag", "unknown reply", "unknown word"],
)
def test_an_answer_that_makes_no_sense_is_garbled(device: RouterOS, answer: list[list[str]]) -> None:
    with _scripted(answer) as port:
        ours = driver(device, port=port, ipv6=False)
        with pytest.raises(Garbled):
            ours.observe()
        ours.close()


@pytest.mark.parametrize(
    ("login", "error"),
    [
        ([["!trap", "=message=no", "=strange=word"], ["!done"]], Garbled),
        ([["!trap"], ["!done"]], Garbled),
        ([["!fatal", "too many commands before login"]], Unreachable),
    ],
    ids=["trap with a strange word", "trap without a message", "fatal"],
)
def test_a_login_answered_strangely_lets_nobody_in(
    device: RouterOS, login: list[list[str]], error: type[Exception]
) -> None:
    with _scripted([], login) as port:
        ours = driver(device, port=port)
        with pytest.raises(error):
            ours.observe()
        ours.close()


def test_the_challenge_of_an_old_router_does_not_pass_for_a_login(device: RouterOS) -> None:
    with _scripted([], [["!done", "=ret=00112233445566778899aabbccddeeff"]]) as port:
        ours = driver(device, port=port)
        with pytest.raises(Exception, match=r"older than RouterOS 6\.43"):
            ours.observe()
        ours.close()


@contextmanager
def _scripted(answer: list[list[str]], login: list[list[str]] | None = None) -> Iterator[int]:
    """Something on a port that answers the login, then the first command with `answer`, `{tag}` filled in."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        client, _ = listener.accept()
        splitter, asked = Splitter(), 0
        with client, suppress(ConnectionError):  # a driver that was told nonsense hangs up at once
            while data := client.recv(65536):
                for said in splitter.feed(data):
                    script = (login or [["!done"]]) if asked == 0 else answer
                    tag = said[-1].removeprefix(".tag=")
                    client.sendall(b"".join(encode([word.format(tag=tag) for word in reply]) for reply in script))
                    asked += 1

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        thread.join()
        listener.close()


def test_an_account_that_may_only_read_gets_every_write_refused() -> None:
    with router() as device:
        device.set("/user", "grifo", group="read")
        ours = driver(device)
        of = entry(1)
        [outcome] = ours.apply([Restrict(of, mark(of), Access.FULL)])
        ours.close()
        assert (outcome.result, outcome.detail) == (Result.REFUSED, "not enough permissions (9)")
