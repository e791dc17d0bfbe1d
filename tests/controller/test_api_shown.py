"""What the API shows of a service is what is so on its devices: no word of more."""

import pytest

from tests.controller.billing import DEVICE, NOW
from tests.controller.live import Live

pytestmark = pytest.mark.slow


@pytest.fixture
def customer(live: Live) -> Live:
    """A service on a device that can throttle and block, and on one that can only throttle."""
    live.enrol()
    live.tell(live.billing.account("a1"), live.billing.service("a1", "s1", (DEVICE, "username:u1")))
    live.until(lambda: live.service("s1")["decided_at"] is not None)
    return live


def enrol_weak(live: Live, device: str = "weak") -> None:
    able = {"version": 1, "driver": "radius", "keys": ["username"], "access": {"internet": ["throttled"]}}
    assert live.as_("agent1").put(f"/v1/agent/devices/{device}", json=able).status_code == 204
    assert live.as_("noc").put(f"/v1/devices/{device}/mode", json={"mode": "enforce"}).status_code == 200


def codes(live: Live, service: str = "s1") -> set[str]:
    return {block["code"] for block in live.service(service)["blocks"]}


def test_what_a_device_cannot_enforce_is_not_applied_however_it_was_read(customer: Live) -> None:
    enrol_weak(customer)
    customer.tell(customer.billing.service("a1", "s1", ("weak", "username:u1")))
    customer.until(lambda: bool(customer.entries("weak")))
    customer.order("suspend", "s1", reason="abuse")
    for device in (DEVICE, "weak"):
        customer.report("verified", *customer.entries(device), device=device)
    found = customer.service("s1")
    assert (found["access"], codes(customer)) == ("blocked", {"device_cannot"})
    assert [entry["state"] for entry in found["entries"]] == ["verified"]
    assert found["applied"] is False


def test_one_device_that_cannot_keeps_the_whole_from_being_applied(customer: Live) -> None:
    enrol_weak(customer)
    both = ((DEVICE, "username:u1"), ("weak", "username:u1"))
    customer.tell(customer.billing.service("a1", "s1", *both))
    customer.until(lambda: bool(customer.entries("weak")))
    customer.order("suspend", "s1", reason="abuse")
    for device in (DEVICE, "weak"):
        customer.report("verified", *customer.entries(device), device=device)
    assert customer.service("s1")["applied"] is False


def test_what_is_bound_nowhere_is_not_applied(customer: Live) -> None:
    customer.tell(customer.billing.service("a1", "s2"))
    customer.until(lambda: customer.service("s2").get("decided_at") is not None)
    assert customer.order("suspend", "s2", reason="abuse").json()["applied"] is False
    assert codes(customer, "s2") == {"no_binding"}


def test_the_last_full_read_of_the_device_is_shown_beside_each_entry(customer: Live) -> None:
    customer.report("verified", *customer.entries(), full_read_age_s=0)
    [entry] = customer.service("s1")["entries"]
    assert entry["full_read_at"] == NOW.isoformat().replace("+00:00", "Z")


def test_what_happened_to_a_device_is_told_newest_first(customer: Live) -> None:
    enrol_weak(customer)
    customer.as_("noc").put(f"/v1/devices/{DEVICE}/mode", json={"mode": "observe", "note": "a new card"})
    answer = customer.as_("read").get("/v1/timeline", params={"device": DEVICE}).json()
    assert answer["device"] == DEVICE
    assert "a new card" in answer["items"][0]["text"]
    assert {item["device"] for item in answer["items"]} == {DEVICE}


def test_what_belongs_to_no_account_and_no_device_is_told_too(customer: Live) -> None:
    customer.as_("noc").put("/v1/stop", json={"note": "looking at billing"})
    items = customer.as_("read").get("/v1/timeline", params={"limit": 2}).json()["items"]
    assert len(items) == 2
    assert "looking at billing" in items[0]["text"]


def test_a_device_that_nobody_named_has_no_timeline(customer: Live) -> None:
    assert customer.as_("read").get("/v1/timeline", params={"device": "nowhere"}).status_code == 404


@pytest.mark.parametrize(
    ("key", "asked"),
    [
        ("ipv6_prefix:2001:db8:8::/48", "2001:db8:8::1"),
        ("ipv6_prefix:2001:db8:8::/48", "2001:db8:8:ffff::7"),
        ("ipv4:192.0.2.0/29", "192.0.2.6"),
        ("ipv4:192.0.2.6", "192.0.2.6"),
        ("msisdn:+34910000012", "910 000 012"),
        ("msisdn:+34910000012", "0000012"),
    ],
)
def test_a_key_is_found_by_what_it_contains_and_a_phone_by_its_end(customer: Live, key: str, asked: str) -> None:
    customer.tell(customer.billing.service("a1", "s7", (DEVICE, key)))
    found = customer.as_("read").get("/v1/find", params={"key": asked}).json()["services"]
    assert [service["service"] for service in found] == ["s7"]


@pytest.mark.parametrize("asked", ["2001:db8:9::1", "192.0.2.8", "000012", "910000013"])
def test_what_is_outside_or_too_short_finds_nothing(customer: Live, asked: str) -> None:
    keys = ("ipv6_prefix:2001:db8:8::/48", "ipv4:192.0.2.0/29", "msisdn:+34910000012")
    customer.tell(customer.billing.service("a1", "s7", *((DEVICE, key) for key in keys)))
    assert customer.as_("read").get("/v1/find", params={"key": asked}).json()["services"] == []
