"""A real switch whose dial plan loses an emergency number while customers are barred: they are opened meanwhile."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drivers.base import Driver
from drivers.sip import build
from enforcement.wire import WireEntry
from tests.agents.conftest import Site
from tests.agents.controller import Controller
from tests.agents.device import Box
from tests.drivers.sip_switches import LINE, OTHER_LINE, RealSwitch, real_switch, rows

pytestmark = [pytest.mark.servers, pytest.mark.slow]

WITHOUT_091 = ('GRIFO_NATIONAL="^(112|016|024|061|062|080|085|088|092|1006)$"',)


class SwitchSite(Site):
    """A site whose one device is a switch."""

    switch: RealSwitch

    def _driver(self, name: str, options: Mapping[str, Any], installation: str) -> Driver:
        given = {"nodes": [self.switch.node], "database": self.switch.database, "country": "es"}
        return build({**given, "care_numbers": ["900 123 456"]}, installation)


def bar(controller: Controller, binding: str, key: str, access: str) -> None:
    desk = controller.desks["box"]
    revision = desk.revision + 1
    entry = WireEntry(binding, f"s-{binding}", "fixed_voice", key, access, ["billing"], revision)
    modes = {"fixed_voice": "enforce"}
    controller.desks["box"] = replace(desk, revision=revision, modes=modes, entries={**desk.entries, binding: entry})


def restart(switch: RealSwitch, options: tuple[str, ...]) -> None:
    """Somebody edits the dial plan, and the switch starts anew with it."""
    switch.kamailio.stop()
    switch.kamailio.options = options
    switch.kamailio.start()


def test_who_is_barred_is_opened_while_the_switch_bars_an_emergency_number_and_barred_again_after(
    tmp_path: Path,
) -> None:
    controller = Controller("box")
    bar(controller, "b1", str(LINE), "incoming_only")
    bar(controller, "b2", str(OTHER_LINE), "released")
    controller.come()
    site = SwitchSite(tmp_path, controller, {"box": Box()})
    site.sweep_seconds = 0.5
    try:
        with real_switch() as site.switch:
            site.start()
            site.until_state("b1", "verified")
            site.until_state("b2", "verified")
            restart(site.switch, WITHOUT_091)
            site.until_state("b1", "withheld")
            assert set(site.switch.live()) == {OTHER_LINE.value}, "a number that was given back is nobody's to open"
            assert len(rows(site.switch.database)) == 1
            assert any("would bar 091" in words for words in controller.last_report("box")["unsafe"])
            restart(site.switch, ())
            site.until_state("b1", "verified")
            assert set(site.switch.live()) == {LINE.value, OTHER_LINE.value}
            assert controller.last_report("box")["unsafe"] == []
            site.stop()
    finally:
        site.stop()
        controller.go()
