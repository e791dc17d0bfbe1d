"""Every driver on every bench: what an agent relies on, whatever the device."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from enforcement.access import Access
from enforcement.changes import needs_permit
from enforcement.entries import Entry
from enforcement.plan import State
from tests.drivers.conformance.bench import CUSTOMERS, Bench, Kind
from tests.drivers.conformance.kinds import KINDS
from tests.drivers.conformance.turns import Turns

pytestmark = pytest.mark.slow


def faulty(names: str) -> list[object]:
    """A parameter for each fault of each kind."""
    return [
        pytest.param(kind, fault, id=f"{kind.name}-{fault.replace(' ', '-')}", marks=kind.marks)
        for kind in KINDS
        for fault in getattr(kind, names)
    ]


@pytest.fixture(params=[pytest.param(kind, id=kind.name, marks=kind.marks) for kind in KINDS])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    kind: Kind = request.param
    with kind.open(tmp_path, request) as bench:
        yield bench


@pytest.fixture
def turns(bench: Bench) -> Iterator[Turns]:
    with closing(bench.driver()) as driver:
        yield Turns(driver)


def everyone(bench: Bench, access: Access) -> list[Entry]:
    return [bench.entry(number, access) for number in CUSTOMERS]


def enforced(bench: Bench) -> set[Access]:
    return {bench.enforced(number) for number in CUSTOMERS}


def test_what_is_restricted_is_so_on_the_device_and_the_plan_is_empty(bench: Bench, turns: Turns) -> None:
    wanted = everyone(bench, bench.restricted)
    turns.settle(wanted)
    turns.until(wanted, lambda: enforced(bench) == {bench.restricted})
    turns.settle(wanted)


def test_a_read_of_one_key_says_of_it_what_a_full_read_says(bench: Bench, turns: Turns) -> None:
    wanted = [bench.entry(1, bench.restricted), bench.entry(2, Access.FULL)]
    turns.settle(wanted)
    turns.until(wanted, lambda: _alike(turns, wanted))


def _alike(turns: Turns, wanted: list[Entry]) -> bool:
    """Whether both ways of reading say the same; a customer may dial between the two: then they are asked again."""
    whole = turns.look(wanted).states
    alone = {one.binding: turns.look([one], frozenset({one.key})).states[one.binding] for one in wanted}
    return alone == {one.binding: whole[one.binding] for one in wanted}


def test_to_apply_twice_is_to_apply_once(bench: Bench, turns: Turns) -> None:
    wanted = everyone(bench, bench.restricted)
    changes = turns.look(wanted).changes
    turns.settle(wanted)
    once = bench.snapshot()
    [turns.apply(slice) for slice in turns.slices(changes)]
    turns.settle(wanted)
    assert bench.snapshot() == once


def test_to_restrict_and_restore_leaves_the_device_as_it_was(bench: Bench, turns: Turns) -> None:
    before = bench.snapshot()
    turns.settle(everyone(bench, bench.restricted))
    assert bench.snapshot() != before
    turns.settle(everyone(bench, Access.FULL))
    assert bench.snapshot() == before
    turns.until(everyone(bench, Access.FULL), lambda: enforced(bench) == {Access.FULL})


def test_what_is_the_operators_is_untouched_while_customers_are_restricted_and_after(
    bench: Bench, turns: Turns
) -> None:
    before = bench.operators()
    turns.settle(everyone(bench, bench.restricted))
    assert bench.operators() == before
    turns.settle(everyone(bench, Access.FULL))
    assert bench.operators() == before


def test_what_the_operator_restricts_is_told_in_words_and_left_alone(bench: Bench, turns: Turns) -> None:
    bench.obstruct(1)
    before = bench.snapshot()
    wanted = everyone(bench, Access.FULL)
    found = turns.look(wanted)
    assert found.states[wanted[0].binding] is State.OBSTRUCTED
    assert all(turns.driver.observe().of(wanted[0].key).obstructions)
    assert found.states[wanted[1].binding] is not State.OBSTRUCTED
    turns.once(wanted)
    assert bench.snapshot() == before


def test_another_installations_mark_is_nothing_of_ours(bench: Bench, turns: Turns) -> None:
    wanted = everyone(bench, bench.restricted)
    turns.settle(wanted)
    turns.until(wanted, lambda: enforced(bench) == {bench.restricted})
    turns.settle(wanted)
    before = bench.snapshot()
    with closing(bench.driver(installation="elsewhere")) as theirs:
        stranger = Turns(theirs, installation="elsewhere")
        found = stranger.look(everyone(bench, Access.FULL))
        assert found.changes == ()
        assert all(found.states[entry.binding] is not State.VERIFIED for entry in everyone(bench, Access.FULL))
        stranger.once(everyone(bench, Access.FULL))
    assert bench.snapshot() == before


def test_restores_go_out_before_restrictions(bench: Bench, turns: Turns) -> None:
    turns.settle([bench.entry(number, bench.restricted) for number in (1, 2)])
    wanted = [bench.entry(number, Access.FULL if number < 3 else bench.restricted) for number in CUSTOMERS]
    slices = turns.slices(turns.look(wanted).changes, size=2)
    assert [needs_permit(change) for change in slices[0]] == [False, False]
    turns.apply(slices[0])
    opened = [bench.entry(number, Access.FULL) for number in (1, 2)]
    turns.until(opened, lambda: enforced(bench) == {Access.FULL})


def test_work_that_is_cut_short_between_two_slices_is_taken_up_by_another_driver(bench: Bench, turns: Turns) -> None:
    wanted = everyone(bench, bench.restricted)
    first, *_ = turns.slices(turns.look(wanted).changes, size=3)
    turns.apply(first)
    turns.driver.close()
    with closing(bench.driver()) as driver:
        again = Turns(driver, dict(turns.owed))
        again.settle(wanted)
        again.until(wanted, lambda: enforced(bench) == {bench.restricted})


@pytest.mark.parametrize(("kind", "fault"), faulty("blinding"))
def test_what_can_not_be_read_is_unknown(
    kind: Kind, fault: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with kind.open(tmp_path, request) as bench, closing(bench.driver(impatient=True)) as driver:
        turns = Turns(driver)
        wanted = [bench.entry(1, bench.restricted), bench.entry(2, Access.FULL)]
        turns.settle(wanted)
        driver.close()
        with bench.fault(fault):
            assert set(turns.believed(wanted).values()) == {State.UNKNOWN}
        turns.settle(wanted)
        turns.until(wanted, lambda: (bench.enforced(1), bench.enforced(2)) == (bench.restricted, Access.FULL))


@pytest.mark.parametrize(("kind", "fault"), faulty("faults"))
def test_a_fault_leaves_no_wrong_belief_and_passes_without_a_trace(
    kind: Kind, fault: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with kind.open(tmp_path, request) as bench, closing(bench.driver(impatient=True)) as driver:
        before = bench.snapshot()
        turns = Turns(driver)
        both = [bench.entry(1, bench.restricted), bench.entry(2, bench.restricted)]
        turns.settle(both)
        turns.until(both, lambda: {bench.enforced(1), bench.enforced(2)} == {bench.restricted})
        turns.settle(both)
        wanted = [bench.entry(number, Access.FULL if number == 1 else bench.restricted) for number in CUSTOMERS]
        with bench.fault(fault):
            turns.try_once(wanted)
            believed = turns.believed(wanted)
            for number, entry in zip(CUSTOMERS, wanted, strict=True):
                verified = believed[entry.binding] is State.VERIFIED
                assert not verified or bench.enforced(number) is entry.access, (number, entry.access)
        turns.settle(wanted)
        turns.until(
            wanted, lambda: all(bench.enforced(n) is entry.access for n, entry in zip(CUSTOMERS, wanted, strict=True))
        )
        turns.settle(everyone(bench, Access.FULL))
        turns.until(everyone(bench, Access.FULL), lambda: bench.snapshot() == before)
