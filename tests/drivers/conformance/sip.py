"""The bench of the SIP driver: a simulated switch, or a real Kamailio, with its database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers.base import Driver
from drivers.sip import build
from enforcement.access import Access
from enforcement.entries import BindingId, Entry, ServiceId
from enforcement.keys import Key
from tests.drivers.conformance.bench import INSTALLATION, Kind
from tests.drivers.sip_switches import (
    CARE,
    LabSwitch,
    RealSwitch,
    SwitchUnderTest,
    entry,
    execute,
    foreign_row,
    lab_switch,
    real_switch,
    rows,
)

FAULTS: dict[str, dict[str, Any]] = {
    "refuses every write": {"refuse": "Internal error"},
    "says done and does nothing": {"lie": True},
    "answers slowly": {"delay_ms": 50.0},
    "resets in mid-bulk": {"drop": True, "after": 4},
    "hangs in mid-bulk": {"hang": True, "after": 4},
    "hangs": {"hang": True},
    "resets": {"drop": True},
    "answers nonsense": {"garble": True},
    "the dial plan bars nobody": {"dial_plan": "bars_none"},
}
BLINDING = ("hangs", "resets", "answers nonsense")
BY_HAND = ("restarts", "is restored from an old backup", "a hand removes our entries from memory")


def line(number: int) -> Key:
    return Key.of("msisdn", f"+3491000000{number}")


class SipBench:
    """One switch where the operator bars one line of its own."""

    restricted = Access.INCOMING_ONLY

    def __init__(self, switch: SwitchUnderTest) -> None:
        self._switch = switch
        self._bar("+34910000009")

    def _bar(self, name: str) -> None:
        foreign_row(self._switch.database, name, "fraud")
        self._switch.hand(name, "fraud")

    def driver(self, impatient: bool = False, installation: str = INSTALLATION) -> Driver:
        given: dict[str, Any] = {
            "nodes": [self._switch.node],
            "database": self._switch.database,
            "country": "es",
            "care_numbers": [CARE],
            "read_timeout_s": 1 if impatient else 30,
        }
        return build(given, installation)

    def entry(self, number: int, access: Access) -> Entry:
        made = entry(access, line(number), f"b{number}")
        return Entry(
            BindingId(f"b{number}"), ServiceId(f"s{number}"), made.kind, made.key, access, made.reasons, 1, first=True
        )

    def enforced(self, number: int) -> Access:
        value = self._switch.live().get(line(number).value, "")
        return Access(value.partition(";")[0]) if value else Access.FULL

    def snapshot(self) -> bytes:
        return repr((sorted(self._switch.live().items()), rows(self._switch.database))).encode()

    def operators(self) -> bytes:
        ours = f";grifo:v1:{INSTALLATION}:"
        live = sorted(item for item in self._switch.live().items() if ours not in item[1])
        return repr((live, [row for row in rows(self._switch.database) if ours not in row["key_value"]])).encode()

    def obstruct(self, number: int) -> None:
        self._bar(line(number).value)

    @contextmanager
    def fault(self, name: str) -> Iterator[None]:
        ours = [row for row in rows(self._switch.database) if ";grifo:v1:" in row["key_value"]]
        match name:
            case "restarts":
                self._switch.crash()
                yield
            case "is restored from an old backup":
                execute(self._switch.database, "DELETE FROM grifo_barred WHERE key_value LIKE '%;grifo:v1:%'")
                self._switch.crash()
                yield
            case "a hand removes our entries from memory":
                for row in ours:
                    self._switch.take(row["key_name"])
                yield
            case "the node is down":
                assert isinstance(self._switch, RealSwitch)
                self._switch.kamailio.kill()
                yield
                self._switch.kamailio.start()
            case "the node is silent":
                assert isinstance(self._switch, RealSwitch)
                with self._switch.kamailio.stopped():
                    yield
            case _:
                assert isinstance(self._switch, LabSwitch)
                self._switch.switch.misbehave(**FAULTS[name])
                yield
                self._switch.switch.behave()


@contextmanager
def open_simulator(folder: Path, request: pytest.FixtureRequest) -> Iterator[SipBench]:
    with lab_switch(folder) as switch:
        yield SipBench(switch)


@contextmanager
def open_kamailio(folder: Path, request: pytest.FixtureRequest) -> Iterator[SipBench]:
    switch: RealSwitch
    with real_switch() as switch:
        yield SipBench(switch)


SIMULATOR = Kind("sip-rpc", open_simulator, BLINDING, (*FAULTS, *BY_HAND))
NODE_FAULTS = ("the node is down", "the node is silent")
KAMAILIO = Kind("sip-kamailio", open_kamailio, NODE_FAULTS, (*NODE_FAULTS, *BY_HAND), (pytest.mark.servers,))
