"""How fast a throttled customer still is, from the policy's file to the device."""

from pathlib import Path

import pytest

from controller.store.engine import Database
from enforcement.access import Access, Rate
from tests.agents.conftest import Site
from tests.agents.device import Box
from tests.controller.billing import DEVICE
from tests.controller.live import AGENT, POLICY, running
from tests.whole.test_agent_and_controller import At

pytestmark = pytest.mark.slow

SLOW = POLICY.replace('access = "throttled"\n', 'access = "throttled"\ndown_kbps = 1024\nup_kbps = 512\n')


@pytest.mark.parametrize(
    ("known", "given", "says"),
    [
        pytest.param({Rate(1024, 512)}, Rate(1024, 512), "", id="a-device-that-knows-it"),
        pytest.param(
            set(), None, "device's own rate: its settings name none of 1024/512 kbit/s", id="one-that-does-not"
        ),
    ],
)
def test_a_debtor_is_throttled_to_the_rate_of_the_policys_file(
    database: Database, tmp_path: Path, known: set[Rate], given: Rate | None, says: str
) -> None:
    box = Box()
    box.rates = frozenset(known)
    with running(database, tmp_path, SLOW) as live:
        live.enrol()
        site = Site(tmp_path, At(live.url), {DEVICE: box}, token=live.secrets[AGENT])
        try:
            site.start()
            live.debtor()
            live.until(lambda: live.service("s1")["entries"][0]["state"] == "verified")
        finally:
            site.stop()
        shown = live.service("s1")
    assert (box.access("username:u1"), box.rate("username:u1")) == (Access.THROTTLED, given)
    assert shown["entries"][0]["detail"] == says
    assert "to 1024/512 kbit/s" in shown["reasons"][0]["text"]
