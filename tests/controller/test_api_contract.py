"""The contract as a whole: problem details everywhere, nothing that is sent makes a 500, OpenAPI that reads well."""

import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok

from tests.controller.billing import DEVICE
from tests.controller.live import AGENT, Live

pytestmark = pytest.mark.slow

EVENT = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


def post(live: Live, body: object, media_type: str = EVENT) -> httpx.Response:
    content = body if isinstance(body, (bytes, str)) else json.dumps(body)
    return live.as_("billing").post("/v1/events", content=content, headers={"Content-Type": media_type})


def test_one_event_is_taken_once_and_known_the_second_time(live: Live) -> None:
    event = live.billing.account("a1")
    assert post(live, event).json() == {"accepted": 1, "duplicates": 0, "refused": []}
    again = post(live, event)
    assert (again.status_code, again.json()["duplicates"]) == (202, 1)


def test_the_same_id_with_other_content_is_a_conflict_that_a_person_settles(live: Live) -> None:
    event = live.billing.account("a1")
    post(live, event)
    answer = post(live, event | {"data": {"account": "a1", "tags": ["other"]}})
    assert answer.status_code == 409
    [conflict] = live.as_("noc").get("/v1/conflicts").json()
    assert (conflict["account"], conflict["kept"]["id"]) == ("a1", event["id"])
    assert live.metrics()["grifo_conflicts"] == 1
    settled = live.as_("noc").post(f"/v1/conflicts/{conflict['id']}/settle", json={"note": "billing was asked"})
    assert settled.status_code == 204
    assert live.as_("noc").get("/v1/conflicts").json() == []


def test_a_batch_is_taken_item_by_item(live: Live) -> None:
    good = live.billing.account("a1")
    answer = post(live, [good, {"id": "e9", "source": "crm"}, 7], BATCH)
    assert answer.status_code == 202
    found = answer.json()
    assert (found["accepted"], [refused["index"] for refused in found["refused"]]) == (1, [1, 2])


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        ("{", EVENT, 400),
        ("[" * 100_000, EVENT, 400),
        ({"specversion": "1.0"}, EVENT, 422),
        ([], EVENT, 422),
        ({}, BATCH, 422),
        ({}, "application/json", 415),
    ],
)
def test_what_is_no_event_is_refused_in_words(live: Live, body: object, media_type: str, status: int) -> None:
    answer = post(live, body, media_type)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["detail"]


def test_a_file_that_is_no_pain002_is_refused_whole(live: Live) -> None:
    headers = {"Content-Type": "application/xml"}
    answer = live.as_("billing").post("/v1/returns/pain002", content="<Document/>", headers=headers)
    assert answer.status_code == 422
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("PATCH", "/v1/status", 405),
        ("GET", "/v1/find", 422),
        ("GET", "/v1/services/none", 404),
        ("GET", "/v1/accounts/none", 404),
        ("GET", "/v1/devices/none", 404),
        ("GET", "/v1/services/none/timeline?limit=0", 422),
    ],
)
def test_every_refusal_is_problem_details(live: Live, method: str, path: str, status: int) -> None:
    answer = live.as_("admin").request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


def test_a_service_is_found_by_whatever_one_knows_of_it(live: Live) -> None:
    places = [("pbx", "msisdn:+34910000001"), (DEVICE, "username:ana@isp"), ("edge", "ipv4:192.0.2.7")]
    live.tell(live.billing.account("a1"), live.billing.service("a1", "s1", *places))
    for key in ("s1", "a1", "+34 910 000 001", "0034910000001", "ana@isp", "192.0.2.7", "username:ana@isp"):
        found = live.as_("read").get("/v1/find", params={"key": key}).json()
        assert [service["service"] for service in found["services"]] == ["s1"], key
    assert live.as_("read").get("/v1/find", params={"key": "192.0.2.8"}).json()["services"] == []


def test_an_account_shows_what_decides_about_it(live: Live) -> None:
    live.enrol()
    live.debtor()
    found = live.as_("read").get("/v1/accounts/a1").json()
    assert [invoice["invoice"] for invoice in found["invoices"]] == ["f1"]
    assert [service["access"] for service in found["services"]] == ["throttled"]


def test_a_brake_that_is_not_there_cannot_be_approved(live: Live) -> None:
    body = {"extra": 10, "until": "2026-03-04T00:00:00Z", "note": "looked"}
    assert live.as_("admin").post(f"/v1/brakes/es/{DEVICE}/approve", json=body).status_code == 404


def test_an_approved_brake_shows_by_whom(live: Live) -> None:
    live.enrol()
    live.debtor()
    body = {"extra": 10, "until": "2026-03-04T00:00:00Z", "note": "looked"}
    answer = live.as_("admin").post(f"/v1/brakes/es/{DEVICE}/approve", json=body)
    assert answer.status_code == 200
    assert (answer.json()["approved_extra"], answer.json()["approved_by"]) == (10, "admin")


def test_the_process_is_healthy_and_ready(live: Live) -> None:
    assert httpx.get(f"{live.url}/healthz", trust_env=False).json() == {"status": "ok"}
    assert httpx.get(f"{live.url}/readyz", trust_env=False).json() == {"status": "ready"}


def test_every_operation_says_what_it_is_for(live: Live) -> None:
    described = httpx.get(f"{live.url}/openapi.json", trust_env=False).json()
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            assert operation["tags"], (method, path)
            assert operation["summary"], (method, path)
            assert path == "/metrics" or operation["description"], (method, path)


@pytest.mark.slow
def test_nothing_that_anybody_sends_makes_a_server_error(live_anywhere: Live) -> None:
    live = live_anywhere
    live.enrol()
    live.debtor()
    schema = schemathesis.openapi.from_url(f"{live.url}/openapi.json")

    def ours(case: Any) -> None:
        role = AGENT if case.path.startswith("/v1/agent") else "admin"
        if "wait" in (case.query or {}):
            case.query["wait"] = 0
        headers = {"Authorization": f"Bearer {live.secrets[role]}", "Idempotency-Key": "fuzz"}
        response = case.call(headers=headers)
        case.validate_response(response, checks=[not_a_server_error])

    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        fuzz(result.ok().as_strategy(), ours)


def fuzz(strategy: Any, check: Callable[[Any], None]) -> None:
    """A few examples of one operation, the same ones in each run."""
    quick = settings(
        max_examples=10,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    @quick
    @given(strategy)
    def search(case: Any) -> None:
        check(case)

    search()


def test_the_apis_pages_work_where_the_internet_cannot_be_reached(live: Live) -> None:
    for page in ("/docs", "/redoc"):
        wanted = re.findall(r'(?:src|href)="([^"]+)"', live.as_("read").get(page).text)
        assert wanted
        assert [live.as_("read").get(url).status_code for url in wanted] == [200] * len(wanted)
        assert not [url for url in wanted if "//" in url]
