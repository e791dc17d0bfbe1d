"""The simulated router's tables: addresses, ids, order, queries, users, reboots."""

import pytest

from lab.routeros import RouterOS
from lab.routeros.device import User
from lab.routeros.queries import compile_query
from lab.routeros.traps import Trap
from tests.lab.raw_api import Raw, values

V4, V6 = "/ip/firewall/address-list", "/ipv6/firewall/address-list"


@pytest.mark.parametrize(
    ("path", "typed", "printed"),
    [
        (V4, "192.0.2.1/32", "192.0.2.1"),
        (V4, "192.0.2.9/24", "192.0.2.0/24"),
        (V4, "192.0.2.0-192.0.2.255", "192.0.2.0/24"),
        (V4, "192.0.2.1-192.0.2.5", "192.0.2.1-192.0.2.5"),
        (V4, "192.0.2.7-192.0.2.7", "192.0.2.7"),
        (V4, "portal.example", "portal.example"),
        (V6, "2001:DB8::1", "2001:db8::1/128"),
        (V6, "2001:db8:1:2::/48", "2001:db8:1::/48"),
    ],
)
def test_an_address_is_printed_as_the_device_writes_it(path: str, typed: str, printed: str) -> None:
    router = RouterOS()
    router.add(path, list="a", address=typed)
    assert [row["address"] for row in router.rows(path)] == [printed]


@pytest.mark.parametrize(("path", "address"), [(V4, "192.0.2.1"), (V6, "2001:db8::1/128")])
def test_the_same_entry_twice_is_refused_in_whatever_form(path: str, address: str) -> None:
    router = RouterOS()
    router.add(path, list="a", address=address.split("/")[0])
    with pytest.raises(Trap, match="failure: already have such entry"):
        router.add(path, list="a", address=address)
    router.add(path, list="b", address=address)
    assert [row["list"] for row in router.rows(path)] == ["a", "b"]


def test_an_old_configuration_may_hold_duplicates_and_loses_them_one_by_one() -> None:
    router = RouterOS()
    first, second = router.load(V4, [{"list": "a", "address": "192.0.2.1"}] * 2)
    router.remove(V4, first)
    with pytest.raises(Trap, match="already have such entry"):
        router.add(V4, list="a", address="192.0.2.1")
    router.remove(V4, second)
    assert router.add(V4, list="a", address="192.0.2.1") == "*3"


def test_ids_are_hexadecimal_and_never_given_again_while_the_device_is_up() -> None:
    router = RouterOS()
    ids = [router.add(V4, list="a", address=f"192.0.2.{n}") for n in range(11)]
    assert ids[-2:] == ["*A", "*B"]
    router.remove(V4, *ids)
    assert router.add(V4, list="a", address="192.0.2.1") == "*C"


def test_a_reboot_loses_what_is_dynamic_and_numbers_anew() -> None:
    router = RouterOS()
    router.add(V4, list="a", address="192.0.2.1", timeout="1d")
    router.add(V4, list="a", address="192.0.2.2", comment="stays")
    router.load("/ip/firewall/connection", [{"protocol": "tcp", "src-address": "192.0.2.1:5000"}])
    assert [row["dynamic"] for row in router.rows(V4)] == ["true", "false"]
    router.reboot()
    assert [(row[".id"], row["comment"]) for row in router.rows(V4)] == [("*1", "stays")]
    assert router.rows("/ip/firewall/connection") == []


def test_a_timeout_is_counted_down_and_the_entry_vanishes_with_it() -> None:
    with RouterOS() as router, Raw(router.port) as raw:
        raw.ask(f"{V4}/add", "=list=a", "=address=192.0.2.1", "=timeout=1w2d")
        left = values(raw.ask(f"{V4}/print")[0])["timeout"]
        assert left.startswith("1w1d23h59m")
        raw.ask(f"{V4}/set", "=.id=*1", "=timeout=0s")
        assert raw.ask(f"{V4}/print") == [["!empty"], ["!done"]]


def test_a_backup_brings_back_what_was_and_forgets_what_came_after() -> None:
    router = RouterOS()
    router.add(V4, list="a", address="192.0.2.1")
    backup = router.backup()
    router.set(V4, "*1", address="192.0.2.9")
    router.add(V4, list="a", address="192.0.2.2")
    router.restore(backup)
    assert [row["address"] for row in router.rows(V4)] == ["192.0.2.1"]
    with pytest.raises(Trap, match="already have"):
        router.add(V4, list="a", address="192.0.2.1")


@pytest.mark.parametrize(("atomic", "left"), [(False, ["*3"]), (True, ["*1", "*3"])])
def test_a_removal_of_several_ids_stops_at_the_missing_one_or_removes_none(atomic: bool, left: list[str]) -> None:
    router = RouterOS()
    router.load(V4, [{"list": "a", "address": f"192.0.2.{n}"} for n in (1, 2, 3)])
    router.remove(V4, "*2")
    router.atomic_removal(atomic)
    with pytest.raises(Trap, match="no such item"):
        router.remove(V4, "*1", "*2", "*3")
    assert [row[".id"] for row in router.rows(V4)] == left


def test_rules_keep_their_order_and_a_new_one_goes_before_another() -> None:
    router = RouterOS()
    path = "/ip/firewall/filter"
    first = router.add(path, chain="forward", action="accept")
    router.add(path, chain="forward", action="drop", src_address_list="a")
    router.add(path, chain="forward", action="reject", place_before=first)
    assert [row["action"] for row in router.rows(path)] == ["reject", "accept", "drop"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["?list=a"], [1, 2]),
        (["?=list=a"], [1, 2]),
        (["?comment"], [1, 3]),
        (["?-comment"], [2]),
        (["?>comment="], [1, 3]),
        (["?list=a", "?comment"], [1]),
        (["?list=b", "?comment=x", "?#|"], [1, 3]),
        (["?list=a", "?#!"], [3]),
        (["?list=a", "?comment", "?#&!"], [2, 3]),
        (["?list=a", "?comment", "?#|!"], []),
        (["?>n=9"], [2, 3]),
        (["?<n=10"], [1]),
        (["?disabled=yes"], [3]),
        (["?disabled=true"], [3]),
        (["?list=b", "?list=a", "?#1"], [3]),
        (["?list=a", "?#.&"], [1, 2]),
        (["?list=a", "?#!0!|"], [1, 2, 3]),
    ],
    ids=lambda value: " ".join(value) if value and isinstance(value[0], str) else "",
)
def test_a_query_finds_what_the_manual_says(words: list[str], found: list[int]) -> None:
    rows = {
        1: {"list": "a", "comment": "x", "n": "9"},
        2: {"list": "a", "n": "10"},
        3: {"list": "b", "comment": "y", "n": "100", "disabled": "true"},
    }
    query = compile_query(words)
    assert query is not None
    assert [number for number, row in rows.items() if query(row)] == found


def test_regular_expressions_and_unknown_operations_are_no_queries() -> None:
    with pytest.raises(Trap, match="invalid query operation"):
        compile_query(["?#~"])


def test_who_may_only_read_is_refused_every_write() -> None:
    with RouterOS([User("admin", "", "read")]) as router, Raw(router.port) as raw:
        router.add(V4, list="a", address="192.0.2.1")
        refused = [["!trap", "=message=not enough permissions (9)"], ["!done"]]
        assert raw.ask(f"{V4}/add", "=list=a", "=address=192.0.2.2") == refused
        assert raw.ask(f"{V4}/remove", "=.id=*1") == refused
        assert values(raw.ask(f"{V4}/print")[0])["address"] == "192.0.2.1"


def test_a_password_is_never_printed() -> None:
    with RouterOS([User("admin", "", "full"), User("ana", "hush", "read")]) as router, Raw(router.port) as raw:
        said = raw.ask("/user/print", "=.proplist=name,password,group")
        assert [values(row) for row in said[:-1]] == [
            {"name": "admin", "group": "full"},
            {"name": "ana", "group": "read"},
        ]


def test_a_rebooted_router_drops_its_sessions_and_starts_its_clock_anew() -> None:
    with RouterOS() as router:
        with Raw(router.port) as raw:
            raw.say("/system/reboot")
            with pytest.raises((EOFError, ConnectionError)):
                raw.hear()
        with Raw(router.port) as raw:
            [resource, _] = raw.ask("/system/resource/print", "=.proplist=uptime,version")
            assert values(resource) == {"uptime": values(resource)["uptime"], "version": "7.20.1 (stable)"}
            assert values(resource)["uptime"] in ("0s", "1s", "2s")
