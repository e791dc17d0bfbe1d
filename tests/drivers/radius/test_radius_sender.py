"""Many requests at once to a strict NAS: no identifier twice from one port, silence told from refusal, no hanging."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.radius.packets import SILENCE, Answer, Ask
from drivers.radius.sender import Sender
from drivers.radius.settings import Nas as NasAddress
from drivers.secret import Secret
from lab.nas.dae import Misbehaviour, Strictness
from lab.nas.nas import Nas, NasSettings
from lab.nas.run import Running, running

SECRET = "hush"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path / "radius.db", ["ana"], SECRET.encode(), redial_s=3600) as started:
        yield started


@pytest.fixture
def sender() -> Iterator[Sender]:
    one = Sender()
    yield one
    one.close()


def to(nas: Nas, secret: str = SECRET, timeout_s: float = 3.0, tries: int = 3) -> NasAddress:
    return NasAddress("127.0.0.1", "127.0.0.1", Secret(secret), nas.port, timeout_s=timeout_s, tries=tries)


def disconnects(nas: NasAddress, count: int) -> list[Ask]:
    return [Ask(nas, 40, (("User-Name", f"nobody{at}"),)) for at in range(count)]


def test_a_thousand_requests_repeat_no_identifier_within_the_window(lab: Running, sender: Sender) -> None:
    nas = to(lab.nas)
    answers = sender.send(disconnects(nas, 700)) + sender.send(disconnects(nas, 300))
    assert answers == [Answer(42, 503)] * 1000
    assert lab.nas.discarded == 0


def test_a_repeated_request_is_the_same_packet_and_is_done_once(lab: Running, sender: Sender) -> None:
    lab.nas.misbehave(Misbehaviour(delay_s=0.3))
    assert sender.send([Ask(to(lab.nas, timeout_s=0.1, tries=10), 40, (("User-Name", "ana"),))]) == [Answer(41)]
    assert lab.nas.received > 1
    assert lab.nas.discarded == 0
    assert lab.nas.sessions() == []


def test_silence_is_silence_and_a_dead_nas_keeps_no_answer_from_another(lab: Running, sender: Sender) -> None:
    settings = NasSettings(lab.server.auth, lab.server.acct, SECRET.encode(), nas_ip="127.0.0.2")
    with Nas(settings) as dead:
        dead.misbehave(Misbehaviour(silent=True))
        there = NasAddress("127.0.0.1", "127.0.0.2", Secret(SECRET), dead.port, timeout_s=0.1, tries=2)
        answers = sender.send(disconnects(there, 400) + disconnects(to(lab.nas), 50))
        assert answers == [SILENCE] * 400 + [Answer(42, 503)] * 50
        assert dead.received <= 2 * there.in_flight


@pytest.mark.parametrize("secret", ["other", "hush "])
def test_a_wrong_secret_is_silence(lab: Running, sender: Sender, secret: str) -> None:
    nas = to(lab.nas, secret, timeout_s=0.1, tries=1)
    assert sender.send([Ask(nas, 40, (("User-Name", "ana"),))]) == [SILENCE]
    assert len(lab.nas.sessions()) == 1


def test_a_closed_port_is_silence(lab: Running, sender: Sender) -> None:
    nas = to(lab.nas, timeout_s=0.1, tries=2)
    lab.nas.close()
    assert sender.send(disconnects(nas, 20)) == [SILENCE] * 20


def test_requests_carry_what_the_strictest_nas_wants(lab: Running, sender: Sender) -> None:
    strict = Strictness(require_message_authenticator=True, require_event_timestamp=True)
    settings = NasSettings(lab.server.auth, lab.server.acct, SECRET.encode(), nas_ip="127.0.0.3", strictness=strict)
    with Nas(settings) as nas:
        assert sender.send(disconnects(to(nas), 1)) == [Answer(42, 503)]
