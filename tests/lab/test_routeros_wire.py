"""The simulated router on the wire: words, logins, tags, cancelling, the limit of sessions."""

from collections.abc import Iterator

import pytest

from lab.routeros import RouterOS
from lab.routeros.words import ReservedByte, Splitter, encode, encode_length
from tests.lab.raw_api import Raw, values

LISTS = "/ip/firewall/address-list"


@pytest.fixture
def router() -> Iterator[RouterOS]:
    with RouterOS() as running:
        yield running


@pytest.mark.parametrize(
    ("size", "encoded"),
    [
        (0x7F, "7f"),
        (0x80, "8080"),
        (0x3FFF, "bfff"),
        (0x4000, "c04000"),
        (0x1FFFFF, "dfffff"),
        (0x200000, "e0200000"),
        (0xFFFFFFF, "efffffff"),
        (0x10000000, "f010000000"),
    ],
)
def test_a_length_takes_as_many_bytes_as_the_manual_says(size: int, encoded: str) -> None:
    assert encode_length(size).hex() == encoded


@pytest.mark.parametrize("size", [1, 0x7F, 0x80, 0x3FFF, 0x4000, 0x200001])
def test_a_word_of_any_size_arrives_whole_however_it_is_chopped(size: int) -> None:
    data = encode(["/first", "x" * size])
    splitter = Splitter()
    step = max(1, len(data) // 7)
    heard = [said for at in range(0, len(data), step) for said in splitter.feed(data[at : at + step])]
    assert heard == [["/first", "x" * size]]


def test_empty_sentences_are_ignored() -> None:
    assert Splitter().feed(b"\0\0" + encode(["/a"]) + b"\0") == [["/a"]]


def test_a_reserved_control_byte_ends_the_stream() -> None:
    with pytest.raises(ReservedByte):
        Splitter().feed(b"\xf8")


def test_any_bytes_come_back_as_they_were_given(router: RouterOS) -> None:
    with Raw(router.port) as raw:
        comment = b"ni\xc3\xb1o \xff".decode("utf-8", "surrogateescape")
        raw.ask(f"{LISTS}/add", "=list=a", "=address=192.0.2.1", f"=comment={comment}")
        [row, _] = raw.ask(f"{LISTS}/print")
        assert values(row)["comment"] == comment


def test_a_wrong_password_is_a_trap_and_the_next_attempt_may_succeed(router: RouterOS) -> None:
    with Raw(router.port, login=False) as raw:
        trap, done = raw.ask("/login", "=name=admin", "=password=wrong")
        assert trap == ["!trap", "=message=invalid user name or password (6)"]
        assert done == ["!done"]
        assert raw.ask("/login", "=name=admin", "=password=") == [["!done"]]


def test_a_challenge_serves_once(router: RouterOS) -> None:
    with Raw(router.port, login=False) as raw:
        [done] = raw.ask("/login")
        assert len(values(done)["ret"]) == 32
        wrong = raw.ask("/login", "=name=admin", "=response=00" + "0" * 32)
        assert wrong[0] == ["!trap", "=message=cannot log in"]


def test_a_command_before_the_login_ends_the_connection(router: RouterOS) -> None:
    with Raw(router.port, login=False) as raw:
        assert raw.ask("/system/resource/print") == [["!fatal", "not logged in"]]
        with pytest.raises(EOFError):
            raw.hear()


def test_quit_says_why_the_connection_ends(router: RouterOS) -> None:
    with Raw(router.port) as raw:
        assert raw.ask("/quit") == [["!fatal", "session terminated on request"]]
        with pytest.raises(EOFError):
            raw.hear()


def test_every_reply_carries_the_tag_of_its_command(router: RouterOS) -> None:
    with Raw(router.port) as raw:
        raw.say(f"{LISTS}/add", "=list=a", "=address=192.0.2.1", ".tag=one")
        raw.say(f"{LISTS}/add", "=list=a", "=address=192.0.2.1", ".tag=two")
        raw.say(f"{LISTS}/print", "=.proplist=address", ".tag=three")
        raw.say(f"{LISTS}/print", "?list=none", ".tag=4")
        heard = [raw.replies() for _ in range(4)]
        assert heard == [
            [["!done", "=ret=*1", ".tag=one"]],
            [["!trap", "=message=failure: already have such entry", ".tag=two"], ["!done", ".tag=two"]],
            [["!re", "=address=192.0.2.1", ".tag=three"], ["!done", ".tag=three"]],
            [["!empty", ".tag=4"], ["!done", ".tag=4"]],
        ]


def test_a_long_print_lets_other_commands_in_between(router: RouterOS) -> None:
    router.load(LISTS, [{"list": "a", "address": f"10.0.{n // 250}.{n % 250}"} for n in range(3000)])
    with Raw(router.port) as raw:
        raw.say_at_once([f"{LISTS}/print", "=.proplist=.id", ".tag=long"], ["/system/identity/print", ".tag=short"])
        heard = []
        while ["!done", ".tag=long"] not in heard:
            heard.append(raw.hear())
        assert heard.index(["!done", ".tag=short"]) < heard.index(["!done", ".tag=long"])
        assert sum(1 for said in heard if said[0] == "!re" and said[-1] == ".tag=long") == 3000


def test_listen_tells_changes_until_it_is_cancelled(router: RouterOS) -> None:
    with Raw(router.port) as raw:
        raw.say(f"{LISTS}/listen", "=.proplist=.id,list", ".tag=2")
        raw.ask(f"{LISTS}/print", ".tag=sync")
        id = router.add(LISTS, list="a", address="192.0.2.1")
        assert raw.hear() == ["!re", "=list=a", f"=.id={id}", ".tag=2"]
        router.remove(LISTS, id)
        assert raw.hear() == ["!re", f"=.id={id}", "=.dead=yes", ".tag=2"]
        raw.say("/cancel", "=tag=2", ".tag=7")
        heard = [raw.hear() for _ in range(3)]
        assert ["!trap", "=category=2", "=message=interrupted", ".tag=2"] in heard
        assert ["!done", ".tag=2"] in heard
        assert ["!done", ".tag=7"] in heard


@pytest.mark.parametrize(("version", "first"), [("7.17.2", "!done"), ("7.18", "!empty"), ("7.20.1", "!empty")])
def test_nothing_found_is_said_so_since_7_18(version: str, first: str) -> None:
    with RouterOS(version=version) as router, Raw(router.port) as raw:
        assert raw.ask(f"{LISTS}/print")[0] == [first]


def test_one_session_more_than_allowed_is_closed_and_a_freed_place_is_given_again() -> None:
    with RouterOS(max_sessions=1) as router:
        with Raw(router.port), Raw(router.port, login=False) as second, pytest.raises((EOFError, ConnectionError)):
            second.ask("/login", "=name=admin", "=password=")
        while router.sessions():
            pass
        with Raw(router.port) as third:
            assert third.ask("/system/identity/print")[0] == ["!re", "=name=MikroTik"]


@pytest.mark.parametrize(
    ("command", "category", "message"),
    [
        (("/ip/nonsense/print",), "0", "no such command prefix"),
        ((f"{LISTS}/nonsense",), "0", "no such command"),
        (("/ip/firewall/print",), "0", "no such command"),
        ((f"{LISTS}/print", "=nonsense=1"), None, "unknown parameter nonsense"),
        ((f"{LISTS}/add", "=list=a"), None, "missing value(s) of argument(s) address"),
        ((f"{LISTS}/add", "=list=a", "=address=x y"), "1", "invalid value for argument address"),
        ((f"{LISTS}/set", "=.id=*1", "=disabled=maybe"), "1", "input does not match any value of disabled"),
        ((f"{LISTS}/remove", "=.id=*99"), "0", "no such item"),
        ((f"{LISTS}/set", "=comment=x"), None, "missing value(s) of argument(s) .id"),
    ],
)
def test_what_cannot_be_done_is_a_trap_and_then_done(
    router: RouterOS, command: tuple[str, ...], category: str | None, message: str
) -> None:
    with Raw(router.port) as raw:
        trap, done = raw.ask(*command)
        assert (trap[0], done) == ("!trap", ["!done"])
        assert (values(trap).get("category"), values(trap)["message"]) == (category, message)


def test_several_sessions_see_one_device(router: RouterOS) -> None:
    with Raw(router.port) as one, Raw(router.port) as two:
        one.ask(f"{LISTS}/add", "=list=a", "=address=192.0.2.1")
        assert values(two.ask(f"{LISTS}/print")[0])["address"] == "192.0.2.1"
        two.ask(f"{LISTS}/remove", "=.id=*1")
        assert one.ask(f"{LISTS}/print") == [["!empty"], ["!done"]]
