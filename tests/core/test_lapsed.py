"""An override that let money count late and has ended: nobody who has paid stays cut because of it."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from controller.core.calendar import local_date, start_of
from controller.core.facts import Instrument, Payment
from controller.core.policy import ClearingRules, Clears, Loosened, Policy
from enforcement.access import Access
from tests.core.small import BILL, FIBRE, NOW, PORTAL, RULES, account, codes, decided, imposed

ZONE = RULES.days_of("").zone
TODAY = local_date(ZONE, NOW)
YESTERDAY = TODAY - timedelta(days=1)
SLOW_CARDS = {Instrument.CARD: Clears.RETURN_WINDOW, Instrument.DIRECT_DEBIT: Clears.AT_ONCE}
CUT_AND_PAID = account(
    FIBRE,
    BILL,
    imposed=imposed(PORTAL, FIBRE),
    payments=(Payment("P-1", BILL.amount, "EUR", "card", NOW - timedelta(days=1)),),
)


def rules(expires_on: date, *keys: str, **clearing: Any) -> Policy:
    loosened = tuple(Loosened(f"clearing.{key}", "a test of what is looser", "ana", expires_on) for key in keys)
    return replace(RULES, clearing=replace(ClearingRules(), **clearing), loosened=loosened)


def test_who_has_paid_is_restored_once_the_override_that_let_cards_count_late_has_ended() -> None:
    under_it = decided(CUT_AND_PAID, rules(TODAY, "by_instrument", by_instrument=SLOW_CARDS))
    assert under_it.access is Access.PORTAL
    assert under_it.review_at == start_of(ZONE, TODAY + timedelta(days=1))
    after = decided(CUT_AND_PAID, rules(YESTERDAY, "by_instrument", by_instrument=SLOW_CARDS))
    assert after.access is Access.FULL


def test_what_is_sooner_than_usual_stays_so_when_the_override_has_ended() -> None:
    paid = replace(CUT_AND_PAID, payments=(replace(CUT_AND_PAID.payments[0], instrument="direct_debit"),))
    assert decided(paid, rules(YESTERDAY, "by_instrument", by_instrument=SLOW_CARDS)).access is Access.FULL


def test_a_debit_counts_after_the_usual_days_once_an_override_of_more_has_ended() -> None:
    debit = replace(CUT_AND_PAID.payments[0], instrument="direct_debit", received_at=NOW - timedelta(days=12))
    paid = replace(CUT_AND_PAID, payments=(debit,))
    assert decided(paid, rules(TODAY, "return_window_days", return_window_days=60)).access is Access.PORTAL
    assert decided(paid, rules(YESTERDAY, "return_window_days", return_window_days=60)).access is Access.FULL


@pytest.mark.parametrize(("expires_on", "waits"), [(TODAY, False), (YESTERDAY, True)])
def test_pending_money_is_waited_for_as_usual_once_an_override_of_less_has_ended(expires_on: date, waits: bool) -> None:
    transfer = Payment("P-1", BILL.amount, "EUR", "transfer", NOW - timedelta(days=4), pending=True)
    found = decided(account(FIBRE, BILL, payments=(transfer,)), rules(expires_on, "pending_days", pending_days=1))
    assert ("payment_clearing" in codes(found)) == waits
