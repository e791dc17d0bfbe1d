"""What each NAS is spared: its pace, its short breath, its silence; time is told to a lane, never waited for."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drivers.radius.lane import LEFT_ALONE_AFTER, PROBE_S, PROBES, Lane
from drivers.radius.packets import SILENCE, Answer, Ask
from drivers.radius.sender import Sender
from drivers.radius.settings import Nas as NasAddress
from drivers.secret import Secret
from lab.nas.dae import Misbehaviour
from lab.nas.nas import Nas, NasSettings
from lab.nas.run import Running, running

pytestmark = pytest.mark.slow

SECRET = "hush"
GONE = Answer(42, 503)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path / "radius.db", ["ana"], SECRET.encode(), redial_s=3600) as started:
        yield started


@pytest.fixture
def sender() -> Iterator[Sender]:
    one = Sender()
    yield one
    one.close()


def to(nas: Nas, **more: Any) -> NasAddress:
    """Where `nas` is; patient unless told otherwise."""
    return replace(NasAddress("127.0.0.1", "127.0.0.1", Secret(SECRET), nas.port, timeout_s=30.0, tries=1), **more)


def disconnects(nas: NasAddress, count: int) -> list[Ask]:
    return [Ask(nas, 40, (("User-Name", f"nobody{at}"),)) for at in range(count)]


def sent(lane: Lane) -> int:
    return sum(len(port.flying) for port in lane.ports)


@pytest.fixture
def paced(lab: Running) -> Iterator[Lane]:
    nas = to(lab.nas, per_second=100, in_flight=256)
    lane = Lane(nas)
    for place, ask in enumerate(disconnects(nas, 200)):
        lane.add(place, ask)
    yield lane
    for port in lane.retire(0.0, everything=True):
        port.socket.close()


def test_a_nas_is_asked_no_faster_than_its_profile_says(paced: Lane) -> None:
    answers = [SILENCE] * 200
    for hundredth in range(100):
        paced.step(1000.0 + hundredth / 100, answers)
    assert 95 <= sent(paced) <= 105
    assert paced.wake_at(1001.0) < 1001.1


def test_a_nas_short_of_breath_is_asked_little_and_the_rest_stays_owed(lab: Running, sender: Sender) -> None:
    lab.nas.misbehave(Misbehaviour(refuse=506))
    answers = sender.send(disconnects(to(lab.nas, in_flight=8), 400))
    asked = [one for one in answers if one.code is not None]
    assert {one.error_cause for one in answers} == {506}
    assert LEFT_ALONE_AFTER <= len(asked) <= 8 + LEFT_ALONE_AFTER
    assert lab.nas.received == len(asked)
    lab.nas.misbehave(Misbehaviour())
    assert sender.send(disconnects(to(lab.nas, in_flight=8), 20)) == [GONE] * 20


def test_a_silent_nas_is_tried_with_a_few_requests_until_it_speaks(lab: Running, sender: Sender) -> None:
    lab.nas.misbehave(Misbehaviour(silent=True))
    nas = to(lab.nas, timeout_s=0.1)
    assert sender.send(disconnects(nas, 100)) == [SILENCE] * 100
    before = lab.nas.received
    assert sender.send(disconnects(nas, 100)) == [SILENCE] * 100
    assert lab.nas.received - before <= PROBES
    lab.nas.misbehave(Misbehaviour())
    patient = to(lab.nas, timeout_s=30.0, tries=3)
    answers = sender.send(disconnects(patient, 100))
    while GONE not in answers:
        answers = sender.send(disconnects(patient, 100))
    assert answers[PROBES:] == [GONE] * (100 - PROBES)


def test_a_dead_nas_keeps_no_answer_from_the_others(lab: Running, sender: Sender) -> None:
    settings = NasSettings(lab.server.auth, lab.server.acct, SECRET.encode(), nas_ip="127.0.0.2")
    with Nas(settings) as dead:
        dead.misbehave(Misbehaviour(silent=True))
        silent = to(dead, nas_ip="127.0.0.2", timeout_s=0.2)
        mixed = [
            ask for pair in zip(disconnects(silent, 100), disconnects(to(lab.nas), 100), strict=True) for ask in pair
        ]
        for _ in range(2):
            assert sender.send(mixed) == [SILENCE, GONE] * 100


def test_a_dead_nas_is_not_tried_to_the_end_when_all_others_are_done(lab: Running, sender: Sender) -> None:
    settings = NasSettings(lab.server.auth, lab.server.acct, SECRET.encode(), nas_ip="127.0.0.2")
    with Nas(settings) as dead:
        dead.misbehave(Misbehaviour(silent=True))
        silent = to(dead, nas_ip="127.0.0.2", timeout_s=0.5, tries=10)
        assert sender.send([*disconnects(silent, 1), *disconnects(to(lab.nas), 5)]) == [SILENCE, *[GONE] * 5]
        assert 2 <= dead.received <= 3


def test_a_request_that_is_lost_is_repeated_though_all_others_are_done(lab: Running, sender: Sender) -> None:
    settings = NasSettings(lab.server.auth, lab.server.acct, SECRET.encode(), nas_ip="127.0.0.2")
    with Nas(settings) as lossy:
        lossy.misbehave(Misbehaviour(drop_first=1))
        asks = [*disconnects(to(lossy, nas_ip="127.0.0.2", timeout_s=0.2), 1), *disconnects(to(lab.nas), 5)]
        deadline = time.monotonic() + 60
        while sender.send(asks) != [GONE] * 6:  # the repeat itself may come late on a machine that is busy
            assert time.monotonic() < deadline
        assert lossy.received >= 2


def test_a_late_reply_ends_the_silence_though_its_request_was_given_up(lab: Running, sender: Sender) -> None:
    lab.nas.misbehave(Misbehaviour(delay_s=0.5))
    assert sender.send(disconnects(to(lab.nas, timeout_s=0.05), 2)) == [SILENCE] * 2
    slow = to(lab.nas)
    assert PROBE_S < 0.5
    deadline = time.monotonic() + 60
    while sender.send(disconnects(slow, 1)) != [GONE]:
        assert time.monotonic() < deadline


def test_a_sender_that_was_closed_serves_again_from_other_ports(lab: Running, sender: Sender) -> None:
    assert sender.send(disconnects(to(lab.nas), 300)) == [GONE] * 300
    sender.close()
    assert sender.send(disconnects(to(lab.nas), 300)) == [GONE] * 300
    assert lab.nas.discarded == 0


def test_a_nas_is_reached_over_ipv6(lab: Running, sender: Sender) -> None:
    settings = NasSettings(lab.server.auth, lab.server.acct, SECRET.encode(), listen=("::1", 0))
    with Nas(settings) as nas:
        where = NasAddress("::1", "2001:db8::1", Secret(SECRET), nas.port, timeout_s=30.0)
        assert sender.send(disconnects(where, 3)) == [GONE] * 3
