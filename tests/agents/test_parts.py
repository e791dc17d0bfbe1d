"""The pure parts of the agent, each by itself: guard, slices, epochs, modes of strays, backoff."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.backoff import about, pause
from agents.epochs import Standing, standing
from agents.guard import HOUR_S, room
from agents.slices import Backlog
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
    assert room(imposed, now=0.0, per_hour=10) == left


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
