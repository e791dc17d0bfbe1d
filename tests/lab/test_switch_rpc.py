"""The simulated switch answers RPC as Kamailio does: one conversation, held with both, compared word for word."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from lab.switch import Switch
from tests.servers.kamailio import running_kamailio

TABLE = "grifo_barred"
MARKED = "incoming_only;grifo:v1:isp:s1:b1"
ABSENT = {"code": 500, "message": "Key name doesn't exist in htable."}
NO_TABLE = {"code": 500, "message": "No such htable"}

CONVERSATION: list[tuple[str, list[Any], int, str, Any]] = [
    ("core.version", [], 200, "result", "kamailio 5.6.3 (x86_64/linux) "),
    ("htable.get", [TABLE, "+34910000001"], 500, "error", ABSENT),
    ("htable.delete", [TABLE, "+34910000001"], 404, "error", {"code": 404, "message": "Key not found in htable."}),
    ("htable.get", ["nope", "x"], 500, "error", NO_TABLE),
    ("htable.sets", ["nope", "x", "y"], 500, "error", NO_TABLE),
    ("htable.delete", ["nope", "x"], 500, "error", NO_TABLE),
    ("htable.dump", ["nope"], 500, "error", NO_TABLE),
    ("htable.reload", ["nope"], 500, "error", NO_TABLE),
    ("htable.dump", [TABLE], 200, "result", []),
    ("htable.dump", [], 500, "error", {"code": 500, "message": "No htable name given"}),
    ("nope.nope", [], 500, "error", {"code": 500, "message": "Method Not Found"}),
    (
        "htable.get",
        [TABLE],
        500,
        "error",
        {"code": 500, "message": "Not enough parameters (htable name and key name)"},
    ),
    (
        "htable.sets",
        [TABLE, 5, "x"],
        500,
        "error",
        {"code": 500, "message": "Not enough parameters (htable name, key name and value)"},
    ),
    ("htable.sets", [TABLE, "+34910000001", MARKED], 200, "result", "Ok. Key set to new value."),
    (
        "htable.get",
        [TABLE, "+34910000001"],
        200,
        "result",
        {"item": {"name": "+34910000001", "value": MARKED, "flags": 2, "expire": "NEVER"}},
    ),
    ("htable.seti", [TABLE, "n", 5], 200, "result", "Ok. Key set to new value."),
    (
        "htable.get",
        [TABLE, "n"],
        200,
        "result",
        {"item": {"name": "n", "value": 5, "flags": 0, "expire": "NEVER"}},
    ),
    ("htable.delete", [TABLE, "n"], 200, "result", "Ok. Key deleted."),
    ("htable.store", [TABLE], 200, "result", "Ok. Htable successfully stored to DB."),
    ("htable.flush", [TABLE], 200, "result", "Ok. Htable flushed."),
    ("htable.get", [TABLE, "+34910000001"], 500, "error", ABSENT),
    ("htable.reload", [TABLE], 200, "result", "Ok. Htable reloaded."),
    (
        "htable.get",
        [TABLE, "+34910000001"],
        200,
        "result",
        {"item": {"name": "+34910000001", "value": MARKED, "flags": 2, "expire": "NEVER"}},
    ),
]

ODD_BODIES: list[tuple[bytes, dict[str, Any]]] = [
    (b'[{"jsonrpc":"2.0","id":1,"method":"core.uptime"}]', {"jsonrpc": "2.0", "result": {}}),
    (b'"hello"', {"jsonrpc": "2.0", "result": {}}),
    (b'{"id":7,"method":"core.version"}', {"jsonrpc": "2.0", "result": {}, "id": 7}),
    (b'{"jsonrpc":"2.0","id":7}', {"jsonrpc": "2.0", "result": {}, "id": 7}),
    (b'{"jsonrpc":"1.0","id":7,"method":"core.version"}', {"jsonrpc": "2.0", "result": {}, "id": 7}),
    (b'{"jsonrpc":"2.0","method":"core.version"}', {"jsonrpc": "2.0", "result": "kamailio 5.6.3 (x86_64/linux) "}),
]


@pytest.fixture(params=["simulator", pytest.param("kamailio", marks=pytest.mark.servers)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with ExitStack() as stack:
        if request.param == "simulator":
            yield stack.enter_context(Switch(tmp_path / "switch.db")).rpc_url
        else:
            yield stack.enter_context(running_kamailio()).rpc_url


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=5) as client:
        yield client


def test_a_conversation_goes_as_with_kamailio(url: str, client: httpx.Client) -> None:
    for number, (method, params, status, kind, content) in enumerate(CONVERSATION):
        body = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        answer = client.post(url, json=body)
        assert (answer.status_code, answer.json()) == (status, {"jsonrpc": "2.0", kind: content, "id": number}), body


@pytest.mark.parametrize(("body", "answer"), ODD_BODIES, ids=[body.decode() for body, _ in ODD_BODIES])
def test_an_odd_request_gets_an_empty_result(
    url: str, client: httpx.Client, body: bytes, answer: dict[str, Any]
) -> None:
    got = client.post(url, content=body)
    assert (got.status_code, got.json()) == (200, answer)


def test_an_array_of_calls_does_nothing(url: str, client: httpx.Client) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "htable.sets", "params": [TABLE, "x", "y"]}
    client.post(url, json=[call])
    assert client.post(url, json={**call, "method": "htable.dump", "params": [TABLE]}).json()["result"] == []


@pytest.mark.parametrize("id", [7, "seven", 12345678901])
def test_the_id_comes_back(url: str, client: httpx.Client, id: int | str) -> None:
    assert client.post(url, json={"jsonrpc": "2.0", "id": id, "method": "core.version"}).json()["id"] == id


def test_what_is_no_json_gets_no_answer(url: str, client: httpx.Client) -> None:
    with pytest.raises(httpx.ReadTimeout):
        client.post(url, content=b"{nope", timeout=0.3)


def test_another_path_is_not_found(url: str, client: httpx.Client) -> None:
    assert client.post(url.replace("/RPC", "/elsewhere"), content=b"{}").status_code == 404


def test_a_dump_names_every_key_with_value_and_type(url: str, client: httpx.Client) -> None:
    def call(method: str, *params: str | int) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        return client.post(url, content=json.dumps(body)).json()["result"]

    call("htable.sets", TABLE, "+34910000001", MARKED)
    call("htable.seti", TABLE, "n", 5)
    slots = call("htable.dump", TABLE)
    assert all(set(slot) == {"entry", "size", "slot"} and slot["size"] == len(slot["slot"]) for slot in slots)
    items = sorted((item for slot in slots for item in slot["slot"]), key=lambda item: str(item["name"]))
    assert items == [
        {"name": "+34910000001", "value": MARKED, "type": "str"},
        {"name": "n", "value": 5, "type": "int"},
    ]


def test_the_tables_are_listed_with_their_database_side(url: str, client: httpx.Client) -> None:
    listed = client.post(url, json={"jsonrpc": "2.0", "id": 1, "method": "htable.listTables"}).json()["result"]
    own = next(table for table in listed if table["name"] == TABLE)
    assert (own["dbtable"], own["dbmode"], own["expire"]) == (TABLE, 0, 0)
    assert set(own) == {"name", "dbtable", "dbmode", "expire", "updateexpire", "size", "dmqreplicate"}
