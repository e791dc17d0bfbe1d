"""The line to the controller, at its limits."""

from collections.abc import Iterator

import pytest

from agents.link import ControllerAway, Link
from enforcement.wire import VERSION, Feed, FeedDevice
from tests.agents.controller import TOKEN, Controller
from tests.agents.device import INSTALLATION


@pytest.fixture
def link(controller: Controller) -> Iterator[Link]:
    link = Link(controller.url, TOKEN)
    yield link
    link.close()


def test_an_agent_of_a_thousand_devices_can_ask_for_its_feed(link: Link) -> None:
    modes = {"internet": "enforce", "fixed_voice": "enforce", "mobile_voice": "enforce"}
    devices = {f"router-{each:04d}.example": FeedDevice("a" * 32, each, modes) for each in range(1000)}
    assert link.feed(Feed(VERSION, INSTALLATION, False, devices), 0).installation == INSTALLATION


def test_what_cannot_be_sent_at_all_is_a_controller_that_is_away(link: Link) -> None:
    with pytest.raises(ControllerAway):
        link.entries("box", "e" * 70_000, 0)
