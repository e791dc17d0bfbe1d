"""plan(), against a device that does what it is told: whatever it held before, it ends as wanted, and stays so."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from enforcement.access import LADDERS, Access, Kind, Rate, may_slow
from enforcement.changes import Refresh, Remove, Restore, Restrict, key_of, needs_permit
from enforcement.entries import BindingId, Entry, Mark, ServiceId
from enforcement.keys import Key
from enforcement.observed import UNREAD, Live, Observed, Seen
from enforcement.plan import State, plan
from tests.enforcement.model import HERE, KEYS, Device, entry, mark_of, planned, settle

ANA, BEA, CARLOS = KEYS
ACCESS = st.sampled_from(LADDERS[Kind.INTERNET])
LESS = st.sampled_from(LADDERS[Kind.INTERNET][1:])
KEY = st.sampled_from(KEYS)
RATE = st.sampled_from([None, Rate(512, 128), Rate(1024, 64), Rate(1024, 512)])


@st.composite
def wishes(draw: st.DrawFn) -> list[Entry]:
    """What a controller may want: open and restricted keys, keys that changed hands, contested ones."""
    count = draw(st.integers(0, 5))
    found = []
    for number in range(1, count + 1):
        ended = draw(st.booleans())
        access = Access.FULL if ended else draw(ACCESS)
        rate = draw(RATE) if access is Access.THROTTLED else None
        found.append(entry(f"b{number}", draw(KEY), access, ended=ended, rate=rate))
    return found


@st.composite
def devices(draw: st.DrawFn, *, marked: bool = True) -> Device:
    """Any state in which a device may be found; without `marked`, one that was never ours."""
    device = Device()
    if marked:
        bindings = st.sampled_from(["b1", "b2", "b3", "b4", "b5", "b8", "b9"])
        for key, binding, access in draw(st.lists(st.tuples(KEY, bindings, LESS), max_size=4)):
            mark = Mark(HERE, ServiceId(f"s-{binding}"), BindingId(binding))
            device.records.setdefault(key, {})[mark] = access
            device.rates[mark] = draw(RATE)
    for key in draw(st.sets(KEY)):
        device.obstructions[key] = ("address list old-morosos, not ours",)
    for key in draw(st.sets(KEY)):
        device.sessions[key] = draw(ACCESS) if marked else device.on_record(key)
    return device


@given(devices(), wishes())
def test_after_applying_what_was_planned_nothing_is_left_to_do(device: Device, desired: list[Entry]) -> None:
    assert settle(device, desired).changes == ()


@given(devices(), wishes())
def test_one_round_is_enough_where_no_key_has_two_of_our_marks(device: Device, desired: list[Entry]) -> None:
    assume(all(len(marks) < 2 for marks in device.records.values()))
    device.apply(planned(device, desired).changes)
    assert planned(device, desired).changes == ()


@given(devices(), wishes())
def test_applying_twice_is_applying_once(device: Device, desired: list[Entry]) -> None:
    changes = planned(device, desired).changes
    device.apply(changes)
    once = device.copy()
    device.apply(changes)
    assert device == once


@given(devices(marked=False), wishes())
def test_restricting_and_restoring_leaves_a_device_as_it_was(device: Device, desired: list[Entry]) -> None:
    before = device.copy()
    settle(device, desired)
    settle(device, [replace(one, access=Access.FULL) for one in desired])
    assert device == before


@given(devices(), wishes())
def test_restores_come_before_restrictions(device: Device, desired: list[Entry]) -> None:
    order = [needs_permit(change) for change in planned(device, desired).changes]
    assert order == sorted(order)


@given(devices(), wishes())
def test_afterwards_a_device_enforces_what_is_wanted_and_nothing_else_of_ours(
    device: Device, desired: list[Entry]
) -> None:
    settle(device, desired)
    for key in KEYS:
        claims = [one for one in desired if one.key == key and not one.ended]
        assert device.on_record(key) is (claims[0].access if len(claims) == 1 else Access.FULL)
        assert device.rate_of(key) == (claims[0].rate if len(claims) == 1 else None)
        if any(one.key == key for one in desired):
            assert device.sessions.get(key, device.on_record(key)) is device.on_record(key)


@given(devices(), wishes())
def test_a_key_that_two_live_bindings_claim_is_restricted_for_neither(device: Device, desired: list[Entry]) -> None:
    plan = settle(device, desired)
    for key in KEYS:
        contested = sum(one.key == key and not one.ended for one in desired) > 1
        assert (key in plan.contested) is contested
        assert not (contested and device.records.get(key))


@given(devices(), wishes(), st.frozensets(KEY))
def test_what_could_not_be_read_gets_no_writes(
    device: Device, desired: list[Entry], unreadable: frozenset[Key]
) -> None:
    device.unreadable = unreadable
    plan = planned(device, desired)
    assert not unreadable & {key_of(change) for change in plan.changes}
    assert all(plan.states[one.binding] is State.UNKNOWN for one in desired if one.key in unreadable)


@given(wishes())
def test_a_device_that_could_not_be_read_at_all_gets_no_writes(desired: list[Entry]) -> None:
    plan_of_nothing = plan(HERE, desired, UNREAD, {one.binding: False for one in desired})
    assert plan_of_nothing.changes == ()
    assert set(plan_of_nothing.states.values()) <= {State.UNKNOWN}


@given(devices(), wishes())
def test_marks_that_no_entry_of_the_key_knows_are_strays_and_go(device: Device, desired: list[Entry]) -> None:
    known = {(one.key, one.binding) for one in desired}
    strays = {
        (key, mark) for key, marks in device.records.items() for mark in marks if (key, mark.binding) not in known
    }
    assert {(stray.key, stray.mark) for stray in planned(device, desired).strays} == strays
    assert settle(device, desired).strays == ()


@given(devices(), wishes())
def test_only_what_is_wanted_open_can_be_obstructed(device: Device, desired: list[Entry]) -> None:
    plan = settle(device, desired)
    for one in desired:
        if plan.states[one.binding] is State.OBSTRUCTED:
            assert device.obstructions[one.key]
            assert not one.ended
            assert one.access is Access.FULL or one.key in plan.contested


@given(devices(), wishes())
def test_once_settled_every_entry_is_verified_armed_or_obstructed_by_others(
    device: Device, desired: list[Entry]
) -> None:
    states = settle(device, desired).states
    assert set(states.values()) <= {State.VERIFIED, State.ARMED, State.OBSTRUCTED}


@given(devices(), wishes(), st.frozensets(st.sampled_from(["b1", "b2", "b3", "b4", "b5"])))
def test_an_owed_effect_is_planned_until_it_is_done(
    device: Device, desired: list[Entry], owing: frozenset[str]
) -> None:
    settle(device, desired)
    owed = {one.binding: False for one in desired if one.binding in owing}
    effects = [change for change in planned(device, desired, owed).changes if isinstance(change, Refresh)]
    assert {change.mark.binding for change in effects} == set(owed)
    assert all(change.entry.access is device.on_record(change.entry.key) for change in effects)


def test_a_wrongly_restricted_key_is_restored_whoever_else_restricts_it() -> None:
    wanted = entry("b1", ANA)
    device = Device({ANA: {mark_of(wanted): Access.PORTAL}}, obstructions={ANA: ("secret disabled",)})
    plan = planned(device, [wanted])
    assert plan.changes == (Restore(wanted, mark_of(wanted), Access.PORTAL),)
    assert plan.states == {"b1": State.WRONGFUL}


def test_a_restriction_that_the_device_lost_is_missing() -> None:
    wanted = entry("b1", ANA, Access.PORTAL)
    plan = planned(Device(), [wanted])
    assert plan.changes == (Restrict(wanted, mark_of(wanted), Access.FULL),)
    assert plan.states == {"b1": State.MISSING}


def test_a_paid_service_that_an_old_list_still_restricts_is_obstructed() -> None:
    device = Device(obstructions={ANA: ("address list old-morosos, not ours",)}, sessions={ANA: Access.FULL})
    plan = planned(device, [entry("b1", ANA)])
    assert (plan.changes, plan.states) == ((), {"b1": State.OBSTRUCTED})


def test_what_others_do_with_a_key_that_is_no_longer_ours_is_their_matter() -> None:
    device = Device(obstructions={ANA: ("user disabled",)}, sessions={ANA: Access.FULL})
    assert planned(device, [entry("b1", ANA, ended=True)]).states == {"b1": State.VERIFIED}


def test_a_binding_that_gave_its_key_away_is_done_with_although_the_new_one_waits_for_its_permit() -> None:
    plan = planned(Device(sessions={ANA: Access.FULL}), [entry("b1", ANA, ended=True), entry("b2", ANA, Access.PORTAL)])
    assert plan.states == {"b1": State.VERIFIED, "b2": State.MISSING}


def test_a_key_changes_hands_the_old_mark_goes_before_the_new_one_comes() -> None:
    old, new = entry("b1", ANA, ended=True), entry("b2", ANA, Access.THROTTLED)
    device = Device({ANA: {mark_of(old): Access.PORTAL}})
    plan = planned(device, [old, new])
    assert plan.changes == (Remove(ANA, mark_of(old)), Restrict(new, mark_of(new), Access.FULL))
    assert plan.strays == ()


def test_another_installations_mark_is_left_alone() -> None:
    foreign = Mark("other-isp", ServiceId("s-1"), BindingId("b1"))
    observed = Observed({ANA: Seen(Access.FULL, marks=(foreign,)), BEA: Seen(Access.FULL, marks=(foreign,))})
    assert plan(HERE, [entry("b1", ANA)], observed, {}).changes == ()


def test_a_session_that_nobody_can_read_is_never_counted_as_in_sync() -> None:
    observed = Observed({ANA: Seen(Access.FULL, Live.UNKNOWN)})
    assert plan(HERE, [entry("b1", ANA)], observed, {}).states == {"b1": State.UNKNOWN}


def test_a_stale_session_of_a_restriction_needs_a_permit_that_of_a_restore_none() -> None:
    cut, paid = entry("b1", ANA, Access.PORTAL), entry("b2", BEA)
    device = Device({ANA: {mark_of(cut): Access.PORTAL}}, sessions={ANA: Access.FULL, BEA: Access.PORTAL})
    plan = planned(device, [cut, paid])
    assert [(change.mark.binding, needs_permit(change)) for change in plan.changes] == [("b2", False), ("b1", True)]
    assert plan.states == {"b1": State.MISSING, "b2": State.WRONGFUL}


def test_an_access_of_another_kind_that_is_left_on_a_device_is_put_right() -> None:
    wanted = entry("b1", CARLOS, Access.THROTTLED)
    observed = Observed({CARLOS: Seen(Access.INCOMING_ONLY, marks=(mark_of(wanted),))})
    result = plan(HERE, [wanted], observed, {})
    assert result.changes == (Restrict(wanted, mark_of(wanted), Access.INCOMING_ONLY),)


SLOW, FAST = Rate(512, 128), Rate(1024, 512)


@pytest.mark.parametrize(
    ("wanted", "found", "verb", "state"),
    [
        pytest.param(SLOW, FAST, Restrict, State.MISSING, id="slower"),
        pytest.param(FAST, SLOW, Restore, State.WRONGFUL, id="faster"),
        pytest.param(Rate(2048, 64), FAST, Restrict, State.MISSING, id="slower-one-way"),
        pytest.param(FAST, None, Restrict, State.MISSING, id="from-the-devices-own"),
        pytest.param(None, FAST, Restrict, State.MISSING, id="to-the-devices-own"),
    ],
)
def test_a_throttled_customer_of_another_rate_is_put_right_and_whatever_may_slow_him_needs_a_permit(
    wanted: Rate | None, found: Rate | None, verb: type[Restrict | Restore], state: State
) -> None:
    ana = entry("b1", ANA, Access.THROTTLED, rate=wanted)
    seen = Seen(Access.THROTTLED, marks=(mark_of(ana),), rate=found)
    result = plan(HERE, [ana], Observed({ANA: seen}), {})
    assert result.changes == (verb(ana, mark_of(ana), Access.THROTTLED, found),)
    assert result.states == {"b1": state}


def test_a_rate_means_nothing_to_whoever_is_not_throttled() -> None:
    ana = entry("b1", ANA, Access.PORTAL, rate=SLOW)
    seen = Seen(Access.PORTAL, marks=(mark_of(ana),))
    assert plan(HERE, [ana], Observed({ANA: seen}), {}).changes == ()


@given(RATE, RATE)
def test_what_is_put_back_after_slowing_down_is_no_slowing_down_unless_the_device_alone_knows(
    before: Rate | None, after: Rate | None
) -> None:
    assert not may_slow(before, before)
    if before is not None and after is not None and before != after:
        assert may_slow(before, after) or may_slow(after, before)
