"""The MikroTik driver on a simulated router: what stands in its lists afterwards."""

from collections.abc import Iterator

import pytest
import routeros_api

from drivers.base import Driver
from enforcement.access import Access, Kind
from enforcement.changes import Remove, Restore, Restrict, Result
from enforcement.keys import Key
from enforcement.observed import Live
from enforcement.plan import State, plan
from lab.routeros import RouterOS
from tests.drivers.mikrotik_routers import (
    INSTALLATION,
    OBSTRUCTING,
    USER,
    V4,
    V6,
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


def test_a_restricted_address_stands_marked_in_its_list_as_an_independent_client_sees_it(
    device: RouterOS, ours: Driver
) -> None:
    converge(ours, entry(1), entry(2, Access.BLOCKED), entry(3, Access.THROTTLED, "ipv6_prefix:2001:db8:1::/56"))
    pool = routeros_api.RouterOsApiPool("127.0.0.1", USER.name, USER.password, port=device.port, plaintext_login=True)
    api = pool.get_api()
    portal, blocked = (api.get_resource(V4).get(list=name) for name in ("grifo-portal", "grifo-blocked"))
    throttled = api.get_resource(V6).get(list="grifo-throttled")
    pool.disconnect()
    assert [(row["address"], row["comment"], row["dynamic"]) for row in portal + blocked + throttled] == [
        ("10.0.0.1", "grifo:v1:isp:svc1:b1", "false"),
        ("10.0.0.2", "grifo:v1:isp:svc2:b2", "false"),
        ("2001:db8:1::/56", "grifo:v1:isp:svc3:b3", "false"),
    ]


def test_nothing_is_left_to_do_after_applying(ours: Driver) -> None:
    wanted = [entry(1), entry(2, Access.BLOCKED), entry(3, Access.THROTTLED, "ipv6_prefix:2001:db8:1::/56")]
    outcomes = converge(ours, *wanted)
    assert [outcome.result for outcome in outcomes] == [Result.DONE] * 3
    after = plan(INSTALLATION, wanted, ours.observe(), {})
    assert after.changes == ()
    assert set(after.states.values()) == {State.VERIFIED}


def test_applying_the_same_slice_twice_is_applying_it_once(device: RouterOS, ours: Driver) -> None:
    changes = todo([entry(n) for n in range(20)], ours.observe())
    ours.apply(changes)
    before = device.rows(V4)
    assert {outcome.result for outcome in ours.apply(changes)} == {Result.DONE}
    assert device.rows(V4) == before


@pytest.mark.parametrize("access", [Access.THROTTLED, Access.PORTAL, Access.BLOCKED])
def test_restricting_and_restoring_leaves_the_router_as_it_was(device: RouterOS, ours: Driver, access: Access) -> None:
    wanted = [entry(n, access) for n in range(250)] + [entry(999, access, "ipv6_prefix:2001:db8:1::/56")]
    before = device.rows(V4), device.rows(V6)
    converge(ours, *wanted)
    assert len(in_list(device)) == 250
    converge(ours, *at(Access.FULL, *wanted))
    assert (device.rows(V4), device.rows(V6)) == before


def test_a_slice_of_many_is_carried_out_and_one_too_many_is_not_taken(device: RouterOS, ours: Driver) -> None:
    wanted = [entry(n) for n in range(501)]
    changes = todo(wanted, ours.observe())
    with pytest.raises(Exception, match="takes 500 at most"):
        ours.apply(changes)
    assert in_list(device) == []
    ours.apply(changes[:500])
    assert len(in_list(device)) == 500


@pytest.mark.parametrize("count", [3, 40], ids=["asked singly", "read whole"])
def test_a_read_of_some_keys_tells_of_those_keys_only(ours: Driver, count: int) -> None:
    wanted = [entry(n) for n in range(100)]
    converge(ours, *wanted)
    asked = {of.key for of in wanted[:count]} | {Key.parse("ipv4:192.0.2.77"), Key.parse("username:ana")}
    observed = ours.observe(asked)
    assert observed.seen.keys() == {of.key for of in wanted[:count]} | {Key.parse("username:ana")}
    assert observed.of(wanted[0].key).marks == (mark(wanted[0]),)
    assert observed.of(Key.parse("ipv4:192.0.2.77")).access is Access.FULL
    assert observed.of(Key.parse("username:ana")).access is None
    assert observed.of(wanted[-1].key).live is Live.UNKNOWN


@pytest.mark.parametrize(("before", "after"), [(Access.THROTTLED, Access.PORTAL), (Access.BLOCKED, Access.THROTTLED)])
def test_moving_between_lists_leaves_one_entry_in_the_new_one(
    device: RouterOS, ours: Driver, before: Access, after: Access
) -> None:
    converge(ours, entry(1, before))
    converge(ours, entry(1, after))
    assert in_list(device) == [(f"grifo-{after}", "10.0.0.1")]


def test_a_move_whose_new_entry_is_refused_keeps_the_old_one(device: RouterOS, ours: Driver) -> None:
    converge(ours, entry(1, Access.THROTTLED))
    device.misbehave(refuse="failure: list is full", only="grifo-portal")
    [outcome] = converge(ours, entry(1, Access.PORTAL))
    assert (outcome.result, outcome.detail) == (Result.REFUSED, "failure: list is full")
    assert in_list(device) == [("grifo-throttled", "10.0.0.1")]


def test_duplicates_of_an_old_configuration_are_all_taken_away(device: RouterOS, ours: Driver) -> None:
    of = entry(1)
    before = device.rows(V4)
    device.load(V4, [{"list": "grifo-portal", "address": "10.0.0.1", "comment": str(mark(of))}] * 3)
    device.load(V4, [{"list": "grifo-blocked", "address": "10.0.0.1", "comment": str(mark(of))}])
    assert ours.observe().of(of.key).access is Access.BLOCKED
    converge(ours, *at(Access.FULL, of))
    assert device.rows(V4) == before


def test_a_disabled_entry_of_ours_restricts_nobody_and_is_enabled_again(device: RouterOS, ours: Driver) -> None:
    of = entry(1)
    converge(ours, of)
    [row] = [row for row in device.rows(V4) if row["list"] == "grifo-portal"]
    device.set(V4, row[".id"], disabled="yes")
    assert ours.observe().of(of.key).access is Access.FULL
    assert [outcome.result for outcome in converge(ours, of)] == [Result.DONE]
    assert [row[".id"] for row in device.rows(V4) if row["disabled"] == "false"][-1] == row[".id"]


def test_an_entry_of_ours_that_expires_counts_as_ours_and_is_taken_away(device: RouterOS, ours: Driver) -> None:
    of = entry(1)
    before = device.rows(V4)
    device.add(V4, list="grifo-portal", address="10.0.0.1", comment=str(mark(of)), timeout="1d")
    assert ours.observe().of(of.key).access is Access.PORTAL
    converge(ours, *at(Access.FULL, of))
    assert device.rows(V4) == before


@pytest.mark.parametrize(
    ("name", "comment"),
    [(OBSTRUCTING, "impago 2024"), (OBSTRUCTING, ""), ("grifo-portal", "a mano"), ("grifo-blocked", "")],
)
def test_what_is_not_ours_and_restricts_is_an_obstruction_and_stays(
    device: RouterOS, ours: Driver, name: str, comment: str
) -> None:
    device.add(V4, list=name, address="10.0.0.1", comment=comment)
    before = device.rows(V4)
    wanted = at(Access.FULL, entry(1))
    observed = ours.observe()
    assert plan(INSTALLATION, wanted, observed, {}).states[wanted[0].binding] is State.OBSTRUCTED
    [words] = observed.of(wanted[0].key).obstructions
    assert name in words
    converge(ours, entry(1))
    converge(ours, *wanted)
    assert device.rows(V4) == before


def test_the_mark_of_another_installation_is_an_obstruction_and_never_touched(device: RouterOS, ours: Driver) -> None:
    of = entry(1)
    device.add(V4, list="grifo-portal", address="10.0.0.1", comment=str(mark(of, "other-isp")))
    [outcome] = converge(ours, of)
    assert outcome.result is Result.REFUSED
    assert "not ours: marked grifo:v1:other-isp:svc1:b1" in outcome.detail
    assert ours.observe().of(of.key).obstructions != ()
    assert len(in_list(device)) == 1


def test_a_disabled_foreign_entry_obstructs_nobody(device: RouterOS, ours: Driver) -> None:
    device.add(V4, list=OBSTRUCTING, address="10.0.0.1", disabled="yes")
    assert ours.observe().of(entry(1).key).obstructions == ()


def test_our_mark_in_a_list_that_is_no_longer_named_obstructs_and_is_taken_away_with_its_binding(
    device: RouterOS, ours: Driver
) -> None:
    of = entry(1)
    before = device.rows(V4)
    device.add(V4, list="grifo-old", address="10.0.0.1", comment=str(mark(of)))
    assert "grifo-old" in ours.observe().of(of.key).obstructions[0]
    [stray] = todo([], ours.observe())
    ours.apply([stray])
    assert device.rows(V4) == before


def test_a_key_changes_hands_in_one_slice(device: RouterOS, ours: Driver) -> None:
    """A binding ended and another took its address: the former's entry goes, the new one's stands in the same list."""
    former, new = entry(1), entry(2, key="ipv4:10.0.0.1")
    converge(ours, former)
    changes = todo([new], ours.observe())
    assert [type(change) for change in changes] == [Remove, Restrict]
    assert [outcome.result for outcome in ours.apply(changes)] == [Result.DONE] * 2
    assert [row["comment"] for row in device.rows(V4) if row["list"] == "grifo-portal"] == [str(mark(new))]


def test_an_entry_that_another_binding_holds_is_not_taken_for_done(device: RouterOS, ours: Driver) -> None:
    """The router's `already have such entry` says nothing of whose it is."""
    former, new = entry(1), entry(2, key="ipv4:10.0.0.1")
    converge(ours, former)
    [outcome] = ours.apply([Restrict(new, mark(new), Access.FULL)])
    assert outcome.result is Result.REFUSED
    assert str(mark(former)) in outcome.detail


def test_an_access_without_a_list_is_refused_and_not_offered(device: RouterOS) -> None:
    ours = driver(device, lists={"throttled": False, "portal": "mi-portal"})
    assert ours.capabilities.access[Kind.INTERNET] == {Access.PORTAL, Access.BLOCKED}
    of, other = entry(1, Access.THROTTLED), entry(2)
    outcomes = ours.apply([Restrict(of, mark(of), Access.FULL), Restrict(other, mark(other), Access.FULL)])
    ours.close()
    assert [outcome.result for outcome in outcomes] == [Result.REFUSED, Result.DONE]
    assert in_list(device) == [("mi-portal", "10.0.0.2")]


def test_a_restore_of_what_is_gone_already_is_done(device: RouterOS, ours: Driver) -> None:
    of = entry(1)
    [wanted] = at(Access.FULL, of)
    assert ours.apply([Restore(wanted, mark(of), Access.PORTAL)])[0].result is Result.DONE


def test_restores_are_carried_out_beside_refused_restrictions(device: RouterOS, ours: Driver) -> None:
    paid, other = entry(1), entry(2)
    converge(ours, paid)
    device.add(V4, list="grifo-portal", address="10.0.0.2", comment="a mano")
    [open_again] = at(Access.FULL, paid)
    restore, restrict = ours.apply(
        [Restore(open_again, mark(paid), Access.PORTAL), Restrict(other, mark(other), Access.FULL)]
    )
    assert (restore.result, restrict.result) == (Result.DONE, Result.REFUSED)
    assert in_list(device) == []


def test_a_comment_in_any_alphabet_survives_beside_our_entries(device: RouterOS, ours: Driver) -> None:
    device.add(V4, list=OBSTRUCTING, address="10.0.0.7", comment="año 2024 · Ñandú")
    assert "año 2024 · Ñandú" in ours.observe().of(Key.parse("ipv4:10.0.0.7")).obstructions[0]
