"""The brake: a wrong import restricts a few, not a town."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.brake import Impositions, allowance, canary, cap, limit
from controller.core.policy import BrakeRule

RULE = BrakeRule(number=100, percent=5.0, canary=5)

RULES = st.builds(
    lambda canary, more, percent: BrakeRule(canary + more, percent, canary),
    st.integers(1, 20),
    st.integers(0, 200),
    st.floats(0.1, 100),
)


@pytest.mark.parametrize(
    ("population", "extra", "most"),
    [
        (1000, 0, 50),
        (10_000, 0, 100),
        (10_000, 30, 130),
        (20, 0, 5),  # a share of one service is none: the canary passes all the same
        (0, 0, 5),
    ],
)
def test_the_cap_is_a_number_or_a_share_whichever_is_less(population: int, extra: int, most: int) -> None:
    assert cap(RULE, population, extra) == most


def test_until_the_canary_is_verified_only_the_canary_passes() -> None:
    assert allowance(RULE, 10_000, Impositions(made=0)) == 5
    assert allowance(RULE, 10_000, Impositions(made=3)) == 2
    assert allowance(RULE, 10_000, Impositions(made=5, verified=4)) == 0
    assert allowance(RULE, 10_000, Impositions(made=5, verified=5)) == 95


def test_a_canary_that_paid_before_it_was_verified_makes_room_for_another() -> None:
    assert allowance(RULE, 10_000, Impositions(made=5, verified=4, lifted=1)) == 1


def test_approval_raises_the_cap_and_not_the_canary() -> None:
    assert allowance(RULE, 10_000, Impositions(made=5), approved_extra=500) == 0
    assert allowance(RULE, 10_000, Impositions(made=100, verified=90), approved_extra=500) == 500


@given(RULES, st.integers(0, 10_000), st.integers(0, 300), st.integers(0, 300), st.integers(0, 300), st.integers(0, 50))
def test_never_more_than_the_cap_and_never_less_than_nothing(
    rule: BrakeRule, population: int, made: int, verified: int, lifted: int, extra: int
) -> None:
    impositions = Impositions(made, verified, lifted)
    assert allowance(rule, population, impositions, extra) >= 0
    assert limit(rule, population, impositions, extra) <= cap(rule, population, extra) <= rule.number + extra
    first = canary(rule, population)
    assert first <= rule.canary
    assert verified >= first or limit(rule, population, impositions, extra) <= first + lifted


def test_a_large_canary_lets_no_more_than_the_share_pass() -> None:
    everybody = BrakeRule(number=100_000, percent=5.0, canary=100_000)
    assert cap(everybody, 1000) == 50
    assert allowance(everybody, 1000, Impositions(0)) == 50
    assert cap(everybody, 10) == 5
    assert allowance(everybody, 10, Impositions(0), approved_extra=500) == 5


@given(RULES, st.integers(0, 10_000))
def test_a_day_whose_cuts_all_verify_reaches_the_cap_and_stops(rule: BrakeRule, population: int) -> None:
    made = 0
    while more := allowance(rule, population, Impositions(made, verified=made)):
        made += more
    assert made == cap(rule, population)
