"""Tokens and roles: who is let in, what is said to who is not, and that no token can be read from the database."""

from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from controller.api.auth import digest_of
from controller.store.tables import tokens
from tests.controller.billing import NOW
from tests.controller.live import Live

pytestmark = pytest.mark.slow

ASKS = {
    "status": ("GET", "/v1/status", None),
    "mode": ("PUT", "/v1/devices/d1/mode", {"mode": "observe"}),
    "stop": ("PUT", "/v1/stop", {"note": "why"}),
    "freeze": ("PUT", "/v1/freezes/porto", {"until": "2026-03-04T00:00:00Z", "note": "why"}),
    "brake": ("POST", "/v1/brakes/es/d1/approve", {"extra": 1, "until": "2026-03-04T00:00:00Z", "note": "why"}),
    "adopt": ("POST", "/v1/devices/d1/adopt-epoch", None),
    "abuse": ("POST", "/v1/services/s1/suspend", {"reason": "abuse", "note": "why"}),
    "events": ("POST", "/v1/events", None),
    "feed": ("POST", "/v1/agent/feed", {}),
}
ALLOWED = {
    "status": {"read", "noc", "admin", "billing"},
    "mode": {"noc", "admin"},
    "stop": {"noc", "admin"},
    "freeze": {"noc", "admin"},
    "brake": {"admin"},
    "adopt": {"admin"},
    "abuse": {"noc", "admin"},
    "events": {"billing", "admin"},
    "feed": {"agent"},
}


@pytest.mark.parametrize("role", ["read", "noc", "admin", "billing", "agent"])
def test_each_role_may_do_what_is_its_own_and_nothing_else(live: Live, role: str) -> None:
    let_in = set()
    for name, (method, path, body) in ASKS.items():
        answer = live.as_(role).request(method, path, json=body, headers={"Idempotency-Key": f"{role}-{name}"})
        if answer.status_code == 403:
            assert f"the token {role!r} has the role {role}" in answer.json()["detail"]
            assert all(needed in answer.json()["detail"] for needed in ALLOWED[name] - {"read", "billing"})
        else:
            let_in.add(name)
    assert let_in == {name for name, roles in ALLOWED.items() if role in roles}


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Bearer", "Basic dXNlcjpwYXNz", "nonsense"])
def test_whoever_has_no_valid_token_is_told_the_same_and_asked_for_one(live: Live, header: str | None) -> None:
    answer = httpx.get(f"{live.url}/v1/status", headers={"Authorization": header} if header else {}, trust_env=False)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith('Bearer realm="grifo"')
    assert answer.json()["detail"] == "This needs a valid token, sent as 'Authorization: Bearer ...'."


def test_a_revoked_token_is_refused_at_once(live: Live) -> None:
    assert live.as_("read").get("/v1/status").status_code == 200
    with live.database.write() as tx:
        tx.execute(update(tokens).where(tokens.c.name == "read").values(revoked_at=NOW))
    assert live.as_("read").get("/v1/status").status_code == 401


def test_no_file_of_the_database_holds_a_token(live: Live) -> None:
    live.as_("read").get("/v1/status")
    path = live.database.engine.url.database
    assert path is not None
    content = b"".join(file.read_bytes() for file in Path(path).parent.glob("grifo.db*"))
    for secret in live.secrets.values():
        assert secret.encode() not in content
        assert digest_of(secret).encode() in content


def test_billing_may_give_no_order_for_abuse_but_one_for_the_customer(live: Live) -> None:
    live.tell(live.billing.account("a1"), live.billing.service("a1", "s1", ("d1", "username:u1")))
    assert live.order("suspend", "s1", role="billing", reason="abuse").status_code == 403
    assert live.order("suspend", "s1", role="billing", reason="customer_request").status_code == 200
