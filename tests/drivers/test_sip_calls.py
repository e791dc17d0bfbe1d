"""Real calls through real Kamailio with the shipped dial plan: what a barring does to them, and what it must not."""

import socket
from collections.abc import Iterator

import pytest

from drivers.base import Driver
from enforcement.access import Access
from enforcement.keys import Key
from enforcement.plan import State
from tests.drivers.sip_switches import AOR, CARE, RealSwitch, driver_for, entry, planned, real_switch, settle
from tests.servers.answering import Answering
from tests.servers.kamailio import Kamailio, free_udp_port
from tests.servers.sipp import Phone, calls_in, errors_of, is_turned_away

pytestmark = pytest.mark.servers

ANYONE = "912345678"


@pytest.fixture
def switch() -> Iterator[RealSwitch]:
    with real_switch() as switch:
        yield switch


@pytest.fixture
def node(switch: RealSwitch) -> Kamailio:
    return switch.kamailio


@pytest.fixture
def driver(switch: RealSwitch) -> Iterator[Driver]:
    driver = driver_for(switch)
    yield driver
    driver.close()


@pytest.fixture
def gateway(node: Kamailio) -> Iterator[Answering]:
    with Answering(node.gateway_port) as gateway:
        yield gateway


@pytest.fixture
def phone() -> Phone:
    return Phone("34910000001")


def test_a_barred_caller_gets_603_with_a_reason_until_restored(
    driver: Driver, node: Kamailio, gateway: Answering, phone: Phone
) -> None:
    phone.calls(node, ANYONE)
    settle(driver, entry())
    phone.is_barred(node, ANYONE)
    settle(driver, entry(Access.FULL))
    phone.calls(node, ANYONE)


def test_by_option_a_barred_caller_gets_403(phone: Phone) -> None:
    with real_switch(options=("GRIFO_ANSWER_403",)) as switch:
        driver = driver_for(switch)
        settle(driver, entry())
        assert planned(driver, entry()).states == {"b1": State.VERIFIED}
        phone.is_barred(switch.kamailio, ANYONE, status=403)
        driver.close()


@pytest.mark.parametrize("method", ["MESSAGE", "REFER"])
def test_a_barred_caller_neither_sends_messages_nor_has_others_call(
    driver: Driver, node: Kamailio, phone: Phone, method: str
) -> None:
    settle(driver, entry())
    phone.is_barred(node, ANYONE, method=method)


@pytest.mark.parametrize("number", ["112", "+34112", "0034112", "urn:service:sos", "091", "016", "116111", CARE])
def test_emergency_and_care_pass_for_a_barred_caller(
    driver: Driver, node: Kamailio, gateway: Answering, phone: Phone, number: str
) -> None:
    settle(driver, entry())
    phone.calls(node, number)
    assert gateway.methods == ["INVITE", "ACK", "BYE"]


def test_others_call_while_one_is_barred(driver: Driver, node: Kamailio, gateway: Answering) -> None:
    settle(driver, entry())
    Phone("34910000002").calls(node, ANYONE)


def test_a_forged_from_neither_frees_a_barred_caller_nor_bars_another(
    driver: Driver, node: Kamailio, gateway: Answering
) -> None:
    settle(driver, entry())
    Phone("34910000001", claims="34910000002").is_barred(node, ANYONE)
    Phone("34910000002", claims="34910000001").calls(node, ANYONE)


@pytest.mark.parametrize("user", ["+34910000001", "34910000001", "0034910000001", "910000001"])
def test_a_line_is_the_same_however_its_user_is_written(driver: Driver, node: Kamailio, user: str) -> None:
    settle(driver, entry())
    Phone(user).is_barred(node, ANYONE)


def test_a_barred_line_registers_and_is_called(driver: Driver, node: Kamailio, phone: Phone) -> None:
    settle(driver, entry())
    with Answering(free_udp_port()) as bell:
        phone.registers(node, bell.port)
        calls_in(node, "34910000001")
        assert bell.methods == ["INVITE", "ACK", "BYE"]


def test_a_registration_outlives_barring_and_restoring(driver: Driver, node: Kamailio, phone: Phone) -> None:
    with Answering(free_udp_port()) as bell:
        phone.registers(node, bell.port)
        settle(driver, entry())
        settle(driver, entry(Access.FULL))
        calls_in(node, "34910000001")
        assert bell.methods == ["INVITE", "ACK", "BYE"]


def test_a_call_that_is_up_goes_on_when_its_line_is_barred(
    driver: Driver, node: Kamailio, gateway: Answering, phone: Phone
) -> None:
    call_id = "talk-to-us@grifo"
    with phone.talks(node, ANYONE, call_id) as call:
        gateway.wait_for("ACK")
        settle(driver, entry())
        Phone(phone.user).is_barred(node, ANYONE)
        _poke(phone.port, call_id)
        assert call.wait(30) == 0, errors_of(call)
    assert gateway.methods == ["INVITE", "ACK", "INVITE", "ACK", "BYE"]


def test_a_killed_kamailio_bars_again_when_it_is_back(
    switch: RealSwitch, driver: Driver, node: Kamailio, phone: Phone
) -> None:
    settle(driver, entry())
    switch.crash()
    phone.is_barred(node, ANYONE)


def test_a_line_known_by_its_address_is_barred_by_it(driver: Driver, node: Kamailio, gateway: Answering) -> None:
    ana = Phone("ana")
    ana.calls(node, ANYONE)
    settle(driver, entry(key=AOR))
    ana.is_barred(node, ANYONE)
    ana.calls(node, "112")


@pytest.mark.parametrize("number", ["806123456", "+34806123456", "0034905123456", "11822"])
def test_a_line_without_premium_numbers_reaches_none_of_them(
    driver: Driver, node: Kamailio, phone: Phone, number: str
) -> None:
    settle(driver, entry(Access.NO_PREMIUM))
    phone.is_barred(node, number)


@pytest.mark.parametrize("number", [ANYONE, "112", CARE])
def test_a_line_without_premium_numbers_calls_all_others(
    driver: Driver, node: Kamailio, gateway: Answering, phone: Phone, number: str
) -> None:
    settle(driver, entry(Access.NO_PREMIUM))
    phone.calls(node, number)


@pytest.mark.parametrize(("access", "status"), [(Access.EMERGENCY_ONLY, 480), (Access.RELEASED, 404)])
def test_nobody_reaches_a_line_whose_incoming_calls_are_barred_until_it_is_restored(
    driver: Driver, node: Kamailio, phone: Phone, access: Access, status: int
) -> None:
    with Answering(free_udp_port()) as bell:
        phone.registers(node, bell.port)
        settle(driver, entry(access))
        is_turned_away(node, "34910000001", status)
        is_turned_away(node, "34910000001", status, method="MESSAGE")
        assert bell.methods == []
        phone.registers(node, bell.port)
        settle(driver, entry(Access.FULL))
        calls_in(node, "34910000001")
        assert bell.methods == ["INVITE", "ACK", "BYE"]


@pytest.mark.parametrize("access", [Access.EMERGENCY_ONLY, Access.RELEASED])
def test_a_line_whose_incoming_calls_are_barred_calls_no_neighbour_and_is_called_by_none(
    driver: Driver, node: Kamailio, access: Access
) -> None:
    settle(driver, entry(access))
    Phone("34910000001").is_barred(node, "34910000002")
    status = 404 if access is Access.RELEASED else 480
    Phone("34910000002").is_turned_away(node, "34910000001", status)


@pytest.mark.parametrize("number", ["112", "urn:service:sos", "091", CARE])
def test_emergency_and_care_pass_for_a_line_with_nothing_else(
    driver: Driver, node: Kamailio, gateway: Answering, phone: Phone, number: str
) -> None:
    settle(driver, entry(Access.EMERGENCY_ONLY))
    phone.is_barred(node, ANYONE)
    phone.calls(node, number)


def test_a_released_line_reaches_emergency_alone(
    driver: Driver, node: Kamailio, gateway: Answering, phone: Phone
) -> None:
    settle(driver, entry(Access.RELEASED))
    for number in (ANYONE, CARE, "806123456"):
        phone.is_barred(node, number)
    phone.calls(node, "112")


def test_an_emergency_centre_calls_back_whatever_is_barred(driver: Driver, node: Kamailio, phone: Phone) -> None:
    """RFC 7090; the word of another subscriber is not taken for it."""
    with Answering(free_udp_port()) as bell:
        phone.registers(node, bell.port)
        settle(driver, entry(Access.EMERGENCY_ONLY))
        calls_in(node, "34910000001", "Priority: psap-callback")
        assert bell.methods == ["INVITE", "ACK", "BYE"]
        Phone("34910000002").is_turned_away(node, "34910000001", 480, "Priority: psap-callback")


@pytest.mark.parametrize("access", [Access.INCOMING_ONLY, Access.EMERGENCY_ONLY])
def test_a_barred_line_forwards_nothing_whoever_calls_it(
    driver: Driver, node: Kamailio, gateway: Answering, access: Access
) -> None:
    """The line 910000005 forwards to another network, and it is the one that pays for that leg."""
    forwarding = Key.of("msisdn", "+34910000005")
    Phone("34910000002").calls(node, "34910000005")
    settle(driver, entry(access, key=forwarding))
    Phone("34910000002").is_turned_away(node, "34910000005", 480)
    assert gateway.methods == ["INVITE", "ACK", "BYE"]
    settle(driver, entry(Access.FULL, key=forwarding))
    Phone("34910000002").calls(node, "34910000005")


def _poke(port: int, call_id: str) -> None:
    """The INFO that the telephone of a lasting call waits for."""
    lines = (
        f"INFO sip:127.0.0.1:{port} SIP/2.0",
        "Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKpoke",
        "From: <sip:poke@isp.lab>;tag=poke",
        "To: <sip:poke@isp.lab>;tag=poked",
        f"Call-ID: {call_id}",
        "CSeq: 1 INFO",
        "Content-Length: 0",
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.sendto(("\r\n".join(lines) + "\r\n\r\n").encode(), ("127.0.0.1", port))
