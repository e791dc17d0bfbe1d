"""Who is passed over, by a clock of the test's own."""

from collections.abc import Callable

import pytest

from drivers.base import Refused, Unreachable
from drivers.sip.away import Away

PAUSE_S = 15.0


class Switch:
    """Two nodes and a database; `silent` names those that answer nothing."""

    def __init__(self, *nodes: str) -> None:
        self.now = 100.0
        self.silent: set[str] = set()
        self.away = Away(nodes, PAUSE_S, lambda: self.now)

    def ask(self, place: str) -> str:
        return self.away.ask(place, self._question(place))

    def _question(self, place: str) -> Callable[[], str]:
        def answer() -> str:
            if place in self.silent:
                raise Unreachable(f"{place} is silent")
            return f"{place} at {self.now:.0f}"

        return answer


@pytest.mark.parametrize("place", ["a", "the database"])
def test_a_silent_place_is_asked_again_after_its_pause_and_not_before(place: str) -> None:
    switch = Switch("a", "b")
    switch.silent = {place}
    with pytest.raises(Unreachable):
        switch.ask(place)
    switch.silent = set()
    switch.now += PAUSE_S - 1
    with pytest.raises(Unreachable, match=f"{place} is silent"):
        switch.ask(place)
    assert switch.ask("b") == "b at 114"
    switch.now += 1
    assert switch.ask(place) == f"{place} at 115"
    assert switch.away.passed_over(place) == ""


@pytest.mark.parametrize("place", ["a", "b", "the database"])
def test_where_no_node_is_left_nobody_is_passed_over(place: str) -> None:
    switch = Switch("a", "b")
    switch.silent = {"a", "b", "the database"}
    for silent in sorted(switch.silent):
        with pytest.raises(Unreachable):
            switch.ask(silent)
    switch.silent = set()
    assert switch.ask(place) == f"{place} at 100"


def test_an_answer_that_is_a_refusal_is_an_answer() -> None:
    switch = Switch("a", "b")

    def refuses() -> str:
        raise Refused("no such table")

    with pytest.raises(Refused):
        switch.away.ask("a", refuses)
    assert switch.ask("a") == "a at 100"
