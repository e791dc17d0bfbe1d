"""The pure parts of the agent, each by itself: guard, slices, epochs, modes of strays, backoff, circuit, sweeps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.backoff import about, pause
from agents.circuit import Circuit
from agents.circuit import State as CircuitState
from agents.clock import SYSTEM_CLOCK, Clock
from agents.epochs import Standing, standing
from agents.guard import HOUR_S, Imposed, Limits, room
from agents.slices import Backlog
from agents.sweeps import Sweeps
from agents.withhold import least_mode
from enforcement.access import Access, Kind
from enforcement.changes import Change, Restore, Restrict, key_of, needs_permit
from enforcement.entries import BindingId, Entry, Mark, ServiceId
from enforcement.keys import Key, KeyType
from enforcement.modes import Mode
from enforcement.wire import FeedDevice


def change(number: int, restricts: bool) -> Change:
    binding, service = BindingId(f"b{number}"), ServiceId(f"s{number}")
    access = Access.BLOCKED if restricts else Access.FULL
    entry = Entry(binding, service, Kind.INTERNET, Key(KeyType.USERNAME, f"u{number}"), access, (), number)
    mark = Mark("test", service, binding)
    return Restrict(entry, mark, Access.FULL) if restricts else Restore(entry, mark, Access.BLOCKED)


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 7))
def test_slices_hold_every_change_once_restores_first_and_never_more_than_the_size(
    kinds: list[bool], size: int
) -> None:
    changes = [change(number, restricts) for number, restricts in enumerate(kinds)]
    backlog, slices = Backlog(), []
    backlog.put([key_of(each) for each in changes], changes)
    while slice := backlog.next_slice(size):
        slices.append(slice)
        backlog.put({key_of(each) for each in slice}, [])
    flat = [each for slice in slices for each in slice]
    assert sorted(map(id, flat)) == sorted(map(id, changes))
    assert [needs_permit(each) for each in flat] == sorted(needs_permit(each) for each in flat)
    assert all(len({needs_permit(each) for each in slice}) == 1 and len(slice) <= size for slice in slices)


def test_what_a_payment_changed_replaces_what_was_planned_for_its_key() -> None:
    backlog = Backlog()
    key = Key(KeyType.USERNAME, "u1")
    backlog.put([key], [change(1, restricts=True)])
    restore = change(1, restricts=False)
    backlog.put([key], [restore])
    assert (backlog.next_slice(9), backlog.drop_restrictions()) == ([restore], [])


@pytest.mark.parametrize(
    ("imposed", "left"),
    [
        ([], 10),
        ([(0.0, 4)], 6),
        ([(0.0, 4), (10.0, 6)], 0),
        ([(0.0, 40)], 0),
        ([(-HOUR_S, 10)], 10),
        ([(-HOUR_S + 1, 10)], 0),
    ],
)
def test_the_guard_counts_the_last_hour(imposed: list[tuple[float, int]], left: int) -> None:
    past = [Imposed("porto", "bng-1", at, number) for at, number in imposed]
    assert room(past, 0.0, Limits("porto", 10, "bng-1", 10)) == left


@pytest.mark.parametrize(
    ("site", "device", "left"),
    [("porto", "bng-1", 0), ("porto", "bng-2", 1), ("lugo", "bng-3", 4)],
    ids=["the device is at its limit", "the site is nearly at its own", "another site has nothing to do with it"],
)
def test_the_guard_bounds_a_site_and_a_device_of_it(site: str, device: str, left: int) -> None:
    past = [Imposed("porto", "bng-1", 0.0, 4), Imposed("porto", "bng-2", 0.0, 2)]
    assert room(past, 1.0, Limits(site, 7, device, 4)) == left


def at_work(clock: list[float]) -> Clock:
    return Clock(lambda: clock[0], SYSTEM_CLOCK.now)


def test_a_circuit_opens_at_a_failure_and_closes_only_when_the_device_was_read() -> None:
    clock = [100.0]
    circuit = Circuit(at_work(clock), 300.0)
    assert (circuit.state, circuit.problems) == (CircuitState.CLOSED, ())
    circuit.failed("no route")
    assert (circuit.state, circuit.lets_through, circuit.problems[0]) == (CircuitState.OPEN, False, "no route")
    clock[0] = circuit.open_until
    assert (circuit.state, circuit.lets_through) == (CircuitState.HALF_OPEN, True)
    circuit.failed("no route")
    assert circuit.state is CircuitState.OPEN
    clock[0] = circuit.open_until
    circuit.close()
    assert (circuit.state, circuit.problems) == (CircuitState.CLOSED, ())


def test_the_pauses_of_a_circuit_grow_and_have_jitter() -> None:
    clock, pauses = [0.0], []
    circuits = [Circuit(at_work(clock), 300.0) for _ in range(50)]
    for _ in range(9):
        for circuit in circuits:
            circuit.failed("no route")
        pauses.append({circuit.open_until for circuit in circuits})
    assert all(len(each) > 40 for each in pauses)
    assert (max(pauses[0]) <= 1.0, min(pauses[8]) >= 30.0, max(pauses[8]) <= 60.0) == (True, True, True)


def test_devices_that_began_together_are_not_swept_together() -> None:
    clock = [0.0]
    all_sweeps = [Sweeps(at_work(clock), 300.0) for _ in range(50)]
    for sweeps in all_sweeps:
        sweeps.done(0.0, complete=True)
    due = sorted(sweeps.at for sweeps in all_sweeps)
    assert due[0] >= 150.0
    assert due[-1] <= 300.0
    assert due[-1] - due[0] > 60.0


def test_a_device_that_takes_long_to_read_is_read_less_often() -> None:
    clock = [0.0]
    sweeps = Sweeps(at_work(clock), 300.0)
    clock[0] = 120.0
    sweeps.done(0.0, complete=True)
    assert sweeps.at >= 120.0 + 9 * 120.0


@pytest.mark.parametrize(
    ("work", "peace_until"),
    [(0.0, 160.0 + 9 * (120.0 + 40.0)), (5000.0, 5160.0 + 9 * 40.0)],
    ids=["at-once", "after-much-work"],
)
def test_a_device_is_left_in_peace_for_the_check_of_its_setup_as_for_the_sweep(work: float, peace_until: float) -> None:
    clock = [0.0]
    sweeps = Sweeps(at_work(clock), 300.0)
    clock[0] = 120.0
    sweeps.done(0.0, complete=True)
    clock[0] += work
    began = clock[0]
    clock[0] += 40.0
    sweeps.checked(began)
    assert sweeps.at == peace_until


def test_a_sweep_that_must_not_wait_does_not_wait_for_the_check_before_it() -> None:
    clock = [0.0]
    sweeps = Sweeps(at_work(clock), 300.0)
    sweeps.done(0.0, complete=True)
    sweeps.at_once()
    clock[0] = 40.0
    sweeps.checked(0.0)
    assert sweeps.due


@pytest.mark.parametrize(
    ("says", "restarts"),
    [
        ([10.0, 20.0], 0),
        ([10.0, 10.0], 0),
        ([10.0, 9.0], 1),
        ([None, 5.0], 0),
        ([10.0, None, 12.0], 0),
        ([9.0, None, 3.0], 1),
    ],
)
def test_an_uptime_that_falls_is_a_restart(says: list[float | None], restarts: int) -> None:
    sweeps = Sweeps(SYSTEM_CLOCK, 300.0)
    for up_seconds in says:
        sweeps.has_restarted(up_seconds)
    assert sweeps.restarts == restarts


@pytest.mark.parametrize(
    ("epoch", "revision", "ahead", "told", "expected"),
    [
        ("", 0, False, FeedDevice("e1", 7, {}), Standing.FOLLOW),
        ("e1", 7, False, FeedDevice("e1", 7, {}), Standing.FOLLOW),
        ("e1", 7, False, FeedDevice("e1", 8, {}), Standing.FOLLOW),
        ("e1", 7, False, FeedDevice("e1", 6, {}), Standing.DOUBT),
        ("e1", 7, True, FeedDevice("e1", 6, {}), Standing.HALT),
        ("e1", 7, True, FeedDevice("e1", 8, {}), Standing.HALT),
        ("e1", 7, True, FeedDevice("e2", 1, {}, ["e1", 7]), Standing.ADOPT),
        ("e1", 7, False, FeedDevice("e2", 9, {}), Standing.HALT),
        ("e1", 7, False, FeedDevice("e2", 1, {}, ["e1", 7]), Standing.ADOPT),
        ("e1", 7, False, FeedDevice("e2", 1, {}, ["e1", 6]), Standing.HALT),
        ("e1", 7, False, FeedDevice("e2", 1, {}, ["e0", 7]), Standing.HALT),
        ("e2", 1, False, FeedDevice("e2", 1, {}, ["e1", 7]), Standing.FOLLOW),
    ],
)
def test_only_a_controller_that_is_not_behind_is_followed(
    epoch: str, revision: int, ahead: bool, told: FeedDevice, expected: Standing
) -> None:
    assert standing(epoch, revision, ahead, told) is expected


def test_the_most_careful_mode_counts_where_the_kind_is_not_known() -> None:
    modes = {Kind.INTERNET: Mode.ENFORCE, Kind.FIXED_VOICE: Mode.RESTORE_ONLY}
    assert least_mode(modes, frozenset({Kind.INTERNET})) is Mode.ENFORCE
    assert least_mode(modes, frozenset({Kind.INTERNET, Kind.FIXED_VOICE})) is Mode.RESTORE_ONLY
    assert least_mode(modes, frozenset(Kind)) is Mode.OBSERVE
    assert least_mode(modes, frozenset()) is Mode.OBSERVE


@given(st.integers(0, 10_000))
def test_a_pause_grows_to_its_longest_and_is_never_nothing(failures: int) -> None:
    assert 0.5 <= pause(failures, 1.0, 60.0) <= 60.0
    assert 270.0 <= about(300.0) <= 330.0
