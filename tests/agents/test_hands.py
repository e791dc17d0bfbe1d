"""A technician at the door is told what came of a local restore on the devices, never only that it was asked for."""

from contextlib import closing
from pathlib import Path

import pytest

from agents import local
from agents.clock import SYSTEM_CLOCK
from agents.memory import Memory, Pin
from agents.naming import key_written
from enforcement.access import Access
from enforcement.keys import Key
from tests.agents.conftest import DEADLINE_S, Site, until
from tests.agents.test_pins import settings as settings

ANA = "username:ana"


@pytest.fixture
def cut(site: Site) -> Site:
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "verified")
    return site


def held(settings: Path, key: str = ANA, wait_s: float = DEADLINE_S) -> local.Held:
    return local.pin(settings, key, "paid at the door", wait_s=wait_s)


def until_shut(settings: Path, words: str) -> None:
    """A pin is in force, and the site is told `words` of why it has not opened."""
    held(settings, wait_s=0)

    def told() -> bool:
        [pin] = local.pins(settings)
        return any(words in one.words for one in pin.openings) and not pin.is_open

    until(told)


def test_a_local_restore_returns_when_the_device_was_read_to_be_open(cut: Site, settings: Path) -> None:
    found = held(settings)
    assert (found.is_open, found.stands, cut.box.restricted()) == (True, True, set())


def test_it_does_so_without_the_controller(cut: Site, settings: Path) -> None:
    cut.controller.go()
    assert held(settings).is_open
    assert cut.box.restricted() == set()


def test_a_key_that_no_device_knows_is_said_to_be_none_and_is_not_held(cut: Site, settings: Path) -> None:
    found = held(settings, "username:nobody-knows-this")
    assert (found.is_open, found.nobody_knows) == (False, True)
    assert local.pins(settings) == []


def test_a_device_that_is_away_is_named_and_opened_when_it_is_back(cut: Site, settings: Path) -> None:
    cut.box.faults.unreachable = True
    until_shut(settings, "no route to the box")
    cut.box.faults.unreachable = False
    until(lambda: local.pins(settings)[0].is_open)
    assert cut.box.restricted() == set()


def test_a_device_that_refuses_is_quoted(cut: Site, settings: Path) -> None:
    cut.box.faults.refuses[Key.parse(ANA)] = "read only"
    held(settings, wait_s=0)
    until(lambda: any(one.words.endswith("; read only") for one in local.pins(settings)[0].openings))
    assert not local.pins(settings)[0].is_open
    assert cut.box.restricted() == {"ana"}


def test_a_device_that_may_not_be_touched_is_not_called_open(cut: Site, settings: Path) -> None:
    cut.controller.set("box", modes={"internet": "observe"})
    cut.until_state("ana", "verified")
    until_shut(settings, "mode observe")
    assert cut.box.restricted() == {"ana"}


def test_what_something_else_restricts_is_not_called_open(cut: Site, settings: Path) -> None:
    cut.controller.want("box", "ana", Access.FULL)
    cut.until_state("ana", "verified")
    cut.box.foreign[Key.parse(ANA)] = "list MOROSOS"
    found = held(settings)
    assert not found.is_open
    assert [one.words for one in found.openings] == ["list MOROSOS"]


def test_who_is_opened_by_us_and_still_restricted_by_something_else_is_not_called_open(
    cut: Site, settings: Path
) -> None:
    cut.box.foreign[Key.parse(ANA)] = "list MOROSOS"
    until_shut(settings, "list MOROSOS")
    until(lambda: cut.box.restricted() == set())
    assert not local.pins(settings)[0].is_open


def test_what_the_controller_wants_open_itself_is_open_and_is_not_held(cut: Site, settings: Path) -> None:
    cut.controller.want("box", "ana", Access.FULL)
    cut.until_state("ana", "verified")
    found = held(settings)
    assert found.is_open
    until(lambda: local.pins(settings) == [])


def test_without_a_running_agent_nothing_is_called_open_until_one_runs(cut: Site, settings: Path) -> None:
    cut.stop()
    found = held(settings, wait_s=0.2)
    assert (found.is_open, found.nobody_says, found.silent) == (False, True, ["box"])
    cut.start()
    until(lambda: local.pins(settings)[0].is_open)
    assert cut.box.restricted() == set()


def test_what_was_said_of_a_former_pin_of_the_key_counts_for_nothing(cut: Site, settings: Path) -> None:
    assert held(settings).is_open
    cut.stop()
    assert held(settings, wait_s=0.2).nobody_says


def test_a_key_is_named_as_people_write_it(site: Site, settings: Path) -> None:
    site.controller.want("box", "b1", Access.BLOCKED, key="msisdn:+34910000001")
    site.controller.want("box", "b2", Access.BLOCKED, key="username:ana")
    site.controller.want("box", "b3", Access.BLOCKED, key="msisdn:+351910000001")
    site.start()
    site.until_state("b2", "verified")
    with closing(Memory(site.memory, SYSTEM_CLOCK.monotonic())) as memory:
        until(lambda: len(memory.rows("SELECT key FROM entries")) == 3)
        assert str(key_written(memory, "+34 910 000 001")) == "msisdn:+34910000001"
        assert str(key_written(memory, "4910000001")) == "msisdn:+34910000001"
        assert str(key_written(memory, "ana")) == ANA
        assert str(key_written(memory, "+34 999 999 999")) == "msisdn:+34999999999", "a number says what it is"
        with pytest.raises(ValueError, match=r"may be any of msisdn:\+34910000001, msisdn:\+351910000001"):
            key_written(memory, "910 000 001")
        with pytest.raises(ValueError, match="not written type:value"):
            key_written(memory, "bob")
        memory.pin(Pin(Key.parse("username:bob"), "x", SYSTEM_CLOCK.now()))
        assert str(key_written(memory, "bob")) == "username:bob", "who is held open is known, too"
