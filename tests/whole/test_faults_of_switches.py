"""The fault table, fourth part: a switch of two Kamailios with their memory, and the database behind both."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.drivers.sip_switches import CARE
from tests.whole.exchange import EMERGENCY, SWITCH, Exchange
from tests.whole.row import RowOf

pytestmark = [pytest.mark.slow, pytest.mark.servers]

AtSwitch = RowOf[Exchange]
Trouble = Callable[[Exchange], AbstractContextManager[None]]

UNREAD = {"pending", "unknown"}


@contextmanager
def killed_and_rows_lost(exchange: Exchange) -> Iterator[None]:
    """What a node has in memory it has from the database: it comes back barring nobody."""
    for node in exchange.nodes:
        node.kamailio.kill()
    exchange.lose_rows()
    yield
    for node in exchange.nodes:
        node.kamailio.start()


@contextmanager
def silent(exchange: Exchange) -> Iterator[None]:
    """Both take connections and say nothing."""
    one, other = exchange.nodes
    with one.kamailio.stopped(), other.kamailio.stopped():
        yield


DARK: dict[str, Trouble] = {"killed and its rows lost": killed_and_rows_lost, "silent": silent}


@pytest.mark.parametrize("trouble", DARK.values(), ids=DARK)
def test_a_switch_that_is_away_is_unknown_and_comes_back_as_is_due(at_switch: AtSwitch, trouble: Trouble) -> None:
    exchange = at_switch.town
    with trouble(exchange):
        at_switch.prices_change()
        exchange.until(lambda: exchange.is_lost(SWITCH))
        at_switch.until_believed(UNREAD)
    exchange.until_right()


def test_a_customer_who_pays_while_one_node_of_two_is_away_calls_by_the_other_at_once(at_switch: AtSwitch) -> None:
    """And nobody new is barred: what the other one does is not known."""
    exchange, ana, eva = at_switch.town, at_switch.ana, at_switch.eva
    exchange.nodes[0].kamailio.kill()
    at_switch.prices_change()
    exchange.until(lambda: exchange.calls(ana))
    at_switch.until_believed({"unknown"})
    assert exchange.calls(eva)
    exchange.nodes[0].kamailio.start()
    exchange.until_right()


def test_while_a_node_does_not_let_the_care_line_be_called_nobody_new_is_barred_and_who_pays_calls(
    at_switch: AtSwitch,
) -> None:
    exchange, ana, eva = at_switch.town, at_switch.ana, at_switch.eva
    exchange.forgets(CARE)
    exchange.until(lambda: f"would bar {CARE}" in exchange.problems(SWITCH), lambda: exchange.problems(SWITCH))
    at_switch.prices_change()
    exchange.until(lambda: exchange.calls(ana))
    exchange.until(lambda: exchange.believes(ana) == "verified", at_switch.shown)
    exchange.until_swept()
    assert exchange.calls(eva)
    assert exchange.believes(eva) != "verified"
    exchange.heal()
    exchange.until_right()


def test_who_is_barred_calls_everybody_while_a_node_would_keep_him_from_an_emergency_number(
    at_switch: AtSwitch,
) -> None:
    exchange, ana, eva = at_switch.town, at_switch.ana, at_switch.eva
    exchange.forgets(EMERGENCY)
    exchange.owes(eva)
    exchange.until(lambda: exchange.calls(ana), at_switch.shown)
    assert f"would bar {EMERGENCY}" in exchange.problems(SWITCH)
    exchange.until(lambda: {exchange.believes(one) for one in (ana, eva)} == {"withheld"}, at_switch.shown)
    exchange.until_swept()
    assert exchange.calls(ana)
    assert exchange.calls(eva)
    exchange.heal()
    exchange.until_right()


def test_a_customer_who_pays_while_the_switchs_database_hangs_calls_at_once(at_switch: AtSwitch) -> None:
    """Her row, which would bar her again after a start of a node, goes when the database answers."""
    exchange, ana, eva = at_switch.town, at_switch.ana, at_switch.eva
    with exchange.to_database.dark():
        at_switch.prices_change()
        exchange.until(lambda: exchange.calls(ana), at_switch.shown)
        at_switch.until_believed({"unknown", "wrongful", "missing"})
        assert exchange.calls(eva)
    exchange.until_right()


def test_a_barring_that_somebody_takes_out_of_a_nodes_memory_comes_back_at_the_next_sweep(at_switch: AtSwitch) -> None:
    exchange, ana = at_switch.town, at_switch.ana
    exchange.nodes[1].take(ana.name)
    exchange.until(lambda: not exchange.wrongly([ana]))
    exchange.until_right()
