"""What the story asks the controller, over the same REST that NOC staff and billing systems use."""

from collections.abc import Iterable
from itertools import islice
from typing import Any
from uuid import uuid4

import httpx

from lab.box.month import Event

_BATCH = 200

State = dict[str, Any]


class Noc:
    """One client with a role for each thing that it does: billing tells, the NOC looks and sets."""

    def __init__(self, url: str, billing_token: str, admin_token: str) -> None:
        self._billing = _client(url, billing_token)
        self._noc = _client(url, admin_token)

    def close(self) -> None:
        self._billing.close()
        self._noc.close()

    def tell(self, events: Iterable[Event]) -> int:
        """Send events in batches; how many were accepted. Raises RuntimeError where one was refused."""
        accepted, rest = 0, iter(events)
        while batch := list(islice(rest, _BATCH)):
            accepted += self._told("/v1/events", "application/cloudevents-batch+json", json=batch)
        return accepted

    def tell_returns(self, pain002: bytes) -> int:
        """Send the bank's file of returned debits."""
        return self._told("/v1/returns/pain002", "application/xml", content=pain002)

    def _told(self, path: str, content_type: str, **body: Any) -> int:
        answer = self._billing.post(path, headers={"Content-Type": content_type}, **body)
        answer.raise_for_status()
        said = answer.json()
        if said["refused"]:
            raise RuntimeError(f"the controller refused sample data: {said['refused'][0]}")
        return int(said["accepted"])

    def status(self) -> State:
        return self._get("/v1/status")

    def drift(self) -> State:
        return self._get("/v1/drift")

    def service(self, id: str) -> State:
        return self._get(f"/v1/services/{id}")

    def brakes(self) -> list[State]:
        brakes: list[State] = self._get("/v1/brakes")  # type: ignore[assignment]  # the one list among objects
        return brakes

    def set_mode(self, device: str, mode: str) -> None:
        self._noc.put(f"/v1/devices/{device}/mode", json={"mode": mode}).raise_for_status()

    def approve(self, policy: str, device: str, extra: int, until: str, note: str) -> None:
        body = {"extra": extra, "until": until, "note": note}
        answer = self._noc.post(
            f"/v1/brakes/{policy}/{device}/approve", json=body, headers={"Idempotency-Key": str(uuid4())}
        )
        answer.raise_for_status()

    def _get(self, path: str) -> State:
        answer = self._noc.get(path)
        answer.raise_for_status()
        said: State = answer.json()
        return said


def _client(url: str, token: str) -> httpx.Client:
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30)
