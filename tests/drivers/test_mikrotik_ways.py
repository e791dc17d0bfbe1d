"""Users and MAC addresses on a MikroTik router: their record, the entries that follow them, what was there before."""

from collections.abc import Iterator

import pytest

from drivers.base import Driver
from enforcement.access import Access
from enforcement.changes import Remove, Result
from enforcement.entries import Entry
from enforcement.keys import Key
from enforcement.observed import Live
from enforcement.plan import State, plan
from lab.routeros import RouterOS
from tests.drivers.mikrotik_routers import (
    INSTALLATION,
    OBSTRUCTING,
    V4,
    V6,
    at,
    converge,
    driver,
    entry,
    mark,
    router,
    todo,
)

PPP, SECRET, LEASE, BINDING = "/ppp/active", "/ppp/secret", "/ip/dhcp-server/lease", "/ip/hotspot/ip-binding"
MAC = "02:00:00:00:00:0A"
ANA, BEA = entry(1, key="username:ana"), entry(2, key="username:bea")
PHONE = entry(3, key=f"mac:{MAC}")


@pytest.fixture
def device() -> Iterator[RouterOS]:
    with router() as running:
        for name in ("grifo-throttled", "grifo-portal", "grifo-blocked", "plan-100"):
            lists = {"address_list": name} if name.startswith("grifo") else {}
            running.add("/ppp/profile", name=name, **lists)
            running.add("/ip/hotspot/user/profile", name=name, **lists)
        yield running


@pytest.fixture
def by_list(device: RouterOS) -> Iterator[Driver]:
    made = driver(device, ways={"username": "address_list", "mac": "address_list"})
    yield made
    made.close()


@pytest.fixture
def by_secret(device: RouterOS) -> Iterator[Driver]:
    made = driver(device, ways={"username": "ppp_secret"})
    yield made
    made.close()


def held(device: RouterOS, name: str = "grifo-portal") -> list[str]:
    """The addresses that a list restricts, in both families."""
    rows = device.rows(V4) + device.rows(V6)
    return sorted(row["address"] for row in rows if row["list"] == name and row["disabled"] == "false")


def state(ours: Driver, *wanted: Entry) -> list[State]:
    """What plan() says of each entry, by a whole look and by a look at its keys: they must agree."""
    whole = plan(INSTALLATION, wanted, ours.observe(), {})
    some = plan(INSTALLATION, wanted, ours.observe({of.key for of in wanted}), {})
    assert whole.states == some.states
    return [whole.states[of.binding] for of in wanted]


# --- lists that follow a user ----------------------------------------------------------------------------------------


def test_a_users_entry_is_at_the_address_of_his_session_in_both_families(device: RouterOS, by_list: Driver) -> None:
    device.log_in(PPP, "ana", "10.9.0.1", service="pppoe")
    device.add("/ipv6/dhcp-server/binding", address="2001:db8:a::/56", server="<pppoe-ana>")
    device.add("/ipv6/nd/prefix", prefix="2001:db8:b:1::/64", interface="<pppoe-ana>")
    device.add("/ipv6/nd/prefix", prefix="2001:db8:c:1::/64", interface="<pppoe-bea>")
    converge(by_list, ANA)
    assert held(device) == ["10.9.0.1", "2001:db8:a::/56", "2001:db8:b:1::/64"]
    assert state(by_list, ANA) == [State.VERIFIED]


def test_an_address_that_passed_to_another_customer_is_given_back_to_him_and_followed(
    device: RouterOS, by_list: Driver
) -> None:
    session = device.log_in(PPP, "ana", "10.9.0.1", service="pppoe")
    converge(by_list, ANA)
    device.remove(PPP, session)
    device.log_in(PPP, "bea", "10.9.0.1", service="pppoe")
    device.log_in(PPP, "ana", "10.9.0.2", service="pppoe")
    [open_bea] = at(Access.FULL, BEA)
    changes = todo([ANA, open_bea], by_list.observe())
    assert isinstance(changes[0], Remove)
    assert changes[0].key == BEA.key
    assert {outcome.result for outcome in by_list.apply(changes)} == {Result.DONE}
    assert held(device) == ["10.9.0.2"]
    assert state(by_list, ANA, open_bea) == [State.VERIFIED, State.VERIFIED]


def test_an_innocent_customer_is_freed_even_while_nobody_permits_a_cut(device: RouterOS, by_list: Driver) -> None:
    session = device.log_in(PPP, "ana", "10.9.0.1")
    converge(by_list, ANA)
    device.remove(PPP, session)
    device.log_in(PPP, "bea", "10.9.0.1")
    removals = [change for change in todo([ANA], by_list.observe()) if isinstance(change, Remove)]
    by_list.apply(removals)
    assert held(device) == []
    assert by_list.observe().of(ANA.key).access is Access.PORTAL, "her record stays: she is armed"


def test_a_user_who_is_away_is_armed_and_restricted_when_he_comes(device: RouterOS, by_list: Driver) -> None:
    converge(by_list, ANA)
    assert held(device) == []
    assert state(by_list, ANA) == [State.ARMED]
    device.log_in(PPP, "ana", "10.9.0.7")
    assert by_list.observe().of(ANA.key).live is Live.STALE
    converge(by_list, ANA)
    assert held(device) == ["10.9.0.7"]
    assert state(by_list, ANA) == [State.VERIFIED]


def test_a_user_who_leaves_leaves_no_entry_for_the_next_one(device: RouterOS, by_list: Driver) -> None:
    session = device.log_in(PPP, "ana", "10.9.0.1")
    converge(by_list, ANA)
    device.remove(PPP, session)
    converge(by_list, ANA)
    assert held(device) == []
    assert state(by_list, ANA) == [State.ARMED]


def test_restricting_moving_and_restoring_users_leaves_the_router_as_it_was(device: RouterOS, by_list: Driver) -> None:
    device.log_in(PPP, "ana", "10.9.0.1")
    device.log_in(PPP, "ana", "10.9.0.2")
    device.add(LEASE, mac_address=MAC, address="10.9.1.1", active_address="10.9.1.1", status="bound")
    before = device.backup()
    for access in (Access.THROTTLED, Access.PORTAL, Access.BLOCKED):
        wanted = at(access, ANA, BEA, PHONE)
        converge(by_list, *wanted)
        assert held(device, f"grifo-{access}") == ["10.9.0.1", "10.9.0.2", "10.9.1.1"]
        assert state(by_list, *wanted) == [State.VERIFIED, State.ARMED, State.VERIFIED]
        assert todo(wanted, by_list.observe()) == ()
    converge(by_list, *at(Access.FULL, ANA, BEA, PHONE))
    assert device.backup() == before


def test_many_users_are_followed_in_one_slice(device: RouterOS, by_list: Driver) -> None:
    users = [entry(n, key=f"username:user{n}") for n in range(60)]
    for n in range(50):
        device.log_in(PPP, f"user{n}", f"10.9.2.{n}")
    converge(by_list, *users)
    assert len(held(device)) == 50
    assert state(by_list, *users) == [State.VERIFIED] * 50 + [State.ARMED] * 10


def test_what_restricts_a_users_address_and_is_not_ours_obstructs_him(device: RouterOS, by_list: Driver) -> None:
    device.log_in(PPP, "ana", "10.9.0.1")
    device.add(V4, list=OBSTRUCTING, address="10.9.0.0/24", comment="antiguos")
    [wanted] = at(Access.FULL, ANA)
    by_list.observe()
    assert state(by_list, wanted) == [State.OBSTRUCTED]


def test_a_mac_address_is_found_by_its_lease_else_by_arp_and_in_ipv6_by_its_duid(
    device: RouterOS, by_list: Driver
) -> None:
    device.add("/ip/arp", address="10.9.1.9", mac_address=MAC)
    converge(by_list, PHONE)
    assert held(device) == ["10.9.1.9"]
    device.add(LEASE, mac_address=MAC, address="10.9.1.1", active_address="10.9.1.1", status="bound")
    device.add("/ipv6/dhcp-server/binding", address="2001:db8:d::/56", duid="0x0003000102000000000a", server="lan")
    converge(by_list, PHONE)
    assert held(device) == ["10.9.1.1", "2001:db8:d::/56"]


# --- secrets, hotspot users, leases, bindings ------------------------------------------------------------------------


def test_a_secret_gets_our_profile_and_its_former_one_back_with_its_comment(
    device: RouterOS, by_secret: Driver
) -> None:
    device.add(SECRET, name="ana", password="x", profile="plan-100", comment="Ana Peña, 3ºB")
    before = device.backup()
    converge(by_secret, ANA)
    [row] = device.rows(SECRET)
    assert row["profile"] == "grifo-portal"
    assert row["comment"].startswith(str(mark(ANA)) + " {")
    assert row["comment"].isascii()
    converge(by_secret, *at(Access.BLOCKED, ANA))
    assert device.rows(SECRET)[0]["profile"] == "grifo-blocked"
    assert state(by_secret, *at(Access.BLOCKED, ANA)) == [State.ARMED]
    converge(by_secret, *at(Access.FULL, ANA))
    assert device.backup() == before


def test_a_session_is_ended_so_that_the_secrets_profile_takes_effect(device: RouterOS, by_secret: Driver) -> None:
    device.add(SECRET, name="ana", profile="plan-100")
    device.log_in(PPP, "ana", "10.9.0.1")
    device.log_in(PPP, "bea", "10.9.0.2")
    converge(by_secret, ANA)
    assert [row["name"] for row in device.rows(PPP)] == ["bea"]
    device.log_in(PPP, "ana", "10.9.0.1")
    assert held(device) == ["10.9.0.1"]
    assert state(by_secret, ANA) == [State.VERIFIED]
    [paid] = at(Access.FULL, ANA)
    converge(by_secret, paid)
    device.log_in(PPP, "ana", "10.9.0.1")
    assert held(device) == []
    assert state(by_secret, paid) == [State.VERIFIED]


def test_a_session_that_kept_what_it_had_is_stale_and_ended(device: RouterOS, by_secret: Driver) -> None:
    device.add(SECRET, name="ana", profile="plan-100")
    converge(by_secret, ANA)
    device.set(SECRET, device.rows(SECRET)[0][".id"], profile="plan-100")
    device.log_in(PPP, "ana", "10.9.0.1")
    device.set(SECRET, device.rows(SECRET)[0][".id"], profile="grifo-portal")
    assert by_secret.observe().of(ANA.key).live is Live.STALE
    converge(by_secret, ANA)
    assert device.rows(PPP) == []


def test_a_profile_that_somebody_changed_meanwhile_is_left_at_a_restore_and_told(
    device: RouterOS, by_secret: Driver
) -> None:
    id = device.add(SECRET, name="ana", profile="plan-100", comment="Ana")
    converge(by_secret, ANA)
    device.set(SECRET, id, profile="default")
    assert by_secret.observe().of(ANA.key).access is Access.FULL
    [removal] = todo([], by_secret.observe())
    [outcome] = by_secret.apply([removal])
    assert outcome.detail == f"profile of {SECRET} {id} is 'default', not ours: left as it is"
    [row] = device.rows(SECRET)
    assert (row["profile"], row["comment"]) == ("default", "Ana")


def test_a_new_plan_given_while_restricted_is_what_a_later_restore_gives_back(
    device: RouterOS, by_secret: Driver
) -> None:
    id = device.add(SECRET, name="ana", profile="plan-100", comment="Ana")
    converge(by_secret, ANA)
    device.set(SECRET, id, profile="default")
    converge(by_secret, ANA)
    converge(by_secret, *at(Access.FULL, ANA))
    [row] = device.rows(SECRET)
    assert (row["profile"], row["comment"]) == ("default", "Ana")


def test_a_disabled_secret_and_a_foreign_use_of_our_profile_obstruct(device: RouterOS, by_secret: Driver) -> None:
    device.add(SECRET, name="ana", profile="plan-100", disabled="yes")
    device.add(SECRET, name="bea", profile="grifo-portal")
    wanted = at(Access.FULL, ANA, BEA)
    assert state(by_secret, *wanted) == [State.OBSTRUCTED, State.OBSTRUCTED]
    before = device.backup()
    converge(by_secret, *wanted)
    assert device.backup() == before


def test_a_user_whom_radius_knows_and_no_secret_cannot_be_told_of(device: RouterOS, by_secret: Driver) -> None:
    device.log_in(PPP, "ana", "10.9.0.1")
    assert state(by_secret, ANA) == [State.UNKNOWN]


def test_a_users_ipv6_is_followed_beside_his_profile(device: RouterOS, by_secret: Driver) -> None:
    device.add(SECRET, name="ana", profile="plan-100")
    before = device.backup()
    converge(by_secret, ANA)
    device.log_in(PPP, "ana", "10.9.0.1", service="pppoe")
    binding = device.add("/ipv6/dhcp-server/binding", address="2001:db8:a::/56", server="<pppoe-ana>", dynamic="true")
    assert state(by_secret, ANA) == [State.MISSING]
    by_secret.apply(todo([ANA], by_secret.observe()))
    assert [row["address"] for row in device.rows(V6) if row["list"] == "grifo-portal"] == ["2001:db8:a::/56"]
    device.remove("/ipv6/dhcp-server/binding", binding)
    converge(by_secret, *at(Access.FULL, ANA))
    assert device.backup() == before


def test_a_hotspot_user_is_swapped_and_his_cookie_goes_with_his_session(device: RouterOS) -> None:
    ours = driver(device, ways={"username": "hotspot"})
    device.add("/ip/hotspot/user", name="ana", profile="plan-100")
    before = device.backup()
    device.log_in("/ip/hotspot/active", "ana", "10.9.3.1")
    for user in ("ana", "bea"):
        device.add("/ip/hotspot/cookie", user=user, mac_address=MAC)
    converge(ours, ANA)
    assert device.rows("/ip/hotspot/active") == []
    assert [row["user"] for row in device.rows("/ip/hotspot/cookie")] == ["bea"]
    device.log_in("/ip/hotspot/active", "ana", "10.9.3.1")
    assert state(ours, ANA) == [State.VERIFIED]
    converge(ours, *at(Access.FULL, ANA))
    assert device.backup() == before
    ours.close()


def test_a_lease_gets_our_list_beside_its_own_and_gives_it_back(device: RouterOS) -> None:
    ours = driver(device, ways={"mac": "dhcp_lease"})
    lease = {"mac_address": MAC, "address": "10.9.1.1", "active_address": "10.9.1.1", "status": "bound"}
    device.add(LEASE, **lease, address_lists="iptv", comment="Ana")
    before = device.backup()
    converge(ours, PHONE)
    assert device.rows(LEASE)[0]["address-lists"] == "iptv,grifo-portal"
    assert (held(device), held(device, "iptv")) == (["10.9.1.1"], ["10.9.1.1"])
    assert state(ours, PHONE) == [State.VERIFIED]
    converge(ours, *at(Access.BLOCKED, PHONE))
    assert device.rows(LEASE)[0]["address-lists"] == "iptv,grifo-blocked"
    converge(ours, *at(Access.FULL, PHONE))
    assert device.backup() == before
    ours.close()


def test_a_dynamic_lease_is_refused_in_words_and_left(device: RouterOS) -> None:
    ours = driver(device, ways={"mac": "dhcp_lease"})
    device.add(LEASE, mac_address=MAC, address="10.9.1.1", status="bound", dynamic="true")
    [outcome] = converge(ours, PHONE)
    assert outcome.result is Result.REFUSED
    assert outcome.detail.endswith("is dynamic: make it static, or use way address_list")
    device.set(LEASE, device.rows(LEASE)[0][".id"], dynamic="false", block_access="yes")
    assert state(ours, *at(Access.FULL, PHONE)) == [State.OBSTRUCTED]
    ours.close()


def test_a_binding_blocks_a_mac_address_and_cannot_do_less(device: RouterOS) -> None:
    ours = driver(device, ways={"mac": "hotspot"})
    before = device.backup()
    [refused] = converge(ours, PHONE)
    assert refused.detail == f"{BINDING} blocks or does not: it cannot give mac:{MAC} portal"
    blocked = at(Access.BLOCKED, PHONE)
    converge(ours, *blocked)
    assert [(row["mac-address"], row["type"], row["comment"]) for row in device.rows(BINDING)] == [
        (MAC, "blocked", str(mark(PHONE)))
    ]
    assert state(ours, *blocked) == [State.ARMED]
    converge(ours, *at(Access.FULL, PHONE))
    assert device.backup() == before
    device.add(BINDING, mac_address=MAC, type="blocked", comment="a mano")
    assert state(ours, *at(Access.FULL, PHONE)) == [State.OBSTRUCTED]
    ours.close()


def test_a_former_binding_makes_room_for_the_next_on_one_secret_in_one_slice(
    device: RouterOS, by_secret: Driver
) -> None:
    device.add(SECRET, name="ana", profile="plan-100", comment="Ana")
    before = device.backup()
    converge(by_secret, ANA)
    new = entry(9, Access.BLOCKED, "username:ana")
    changes = todo([new], by_secret.observe())
    assert [outcome.result for outcome in by_secret.apply(changes)] == [Result.DONE] * 2
    assert by_secret.observe().of(Key.parse("username:ana")).marks == (mark(new),)
    converge(by_secret, *at(Access.FULL, new))
    assert device.backup() == before


def test_the_profiles_that_secrets_are_swapped_to_are_prepared(device: RouterOS) -> None:
    ours = driver(device, ways={"username": "ppp_secret"}, throttle={"up": "512k", "down": "2M"})
    profile = next(row for row in device.rows("/ppp/profile") if row["name"] == "grifo-portal")
    device.remove("/ppp/profile", profile[".id"])
    throttled = next(row for row in device.rows("/ppp/profile") if row["name"] == "grifo-throttled")
    notes = {
        step.text: (str(step.state), step.note) for step in ours.prepare(install=True) if step.where == "/ppp/profile"
    }
    assert notes == {
        "add name=grifo-throttled address-list=grifo-throttled rate-limit=512k/2M": (
            "misplaced",
            f"{throttled['.id']} has rate-limit=, not 512k/2M",
        ),
        "add name=grifo-portal address-list=grifo-portal": ("installed", ""),
        "add name=grifo-blocked address-list=grifo-blocked": ("present", ""),
    }
    ours.close()
