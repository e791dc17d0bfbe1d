"""The feed: agents hear of what concerns them as it is committed, and waiting costs neither thread nor connection."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from controller.api.wake import Board
from controller.store.engine import open_database
from controller.store.queries.devices import set_stop
from controller.store.queries.standing import Standing
from tests.controller.billing import DEVICE, NOW
from tests.controller.live import AGENT, Live, told

pytestmark = pytest.mark.slow

FOR_LONG_S = 55.0
"""Longer than any test may take: an answer before that was woken."""


def waiting(live: Live, **more: Any) -> Callable[[], dict[str, Any]]:
    """Begin to wait for news of what the agent knows now; the result of it is the feed's answer."""
    ask = told(live.feed()) | more
    found: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: found.append(live.feed(FOR_LONG_S, **ask)))
    thread.start()

    def result() -> dict[str, Any]:
        thread.join(30)
        assert found, "nobody woke the agent"
        return found[0]

    return result


async def _shows_nothing(board: Board, standing: Standing) -> None:
    """A poller that is still on its way."""


@pytest.fixture(autouse=True)
def _nobody_looks_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The poller's look once a second would hide a bell that does not ring."""
    monkeypatch.setattr("controller.api.wake.LOOK_AGAIN_S", 3600.0)


@pytest.fixture
def enrolled(live_anywhere: Live) -> Live:
    live_anywhere.enrol()
    return live_anywhere


def test_an_agent_hears_of_a_new_revision(enrolled: Live) -> None:
    _, revision = enrolled.standing()
    news = waiting(enrolled)
    enrolled.debtor()
    assert news()["devices"][DEVICE]["revision"] > revision


def test_an_agent_hears_of_stop_and_of_its_end(enrolled: Live) -> None:
    news = waiting(enrolled)
    enrolled.as_("noc").put("/v1/stop", json={"note": "wait"})
    assert news()["stopped"] is True
    news = waiting(enrolled)
    enrolled.as_("noc").delete("/v1/stop")
    assert news()["stopped"] is False


def test_an_agent_hears_of_a_mode_and_not_of_one_that_it_knows(enrolled: Live) -> None:
    news = waiting(enrolled)
    enrolled.as_("noc").put(f"/v1/devices/{DEVICE}/mode", json={"mode": "observe", "kind": "internet"})
    heard = news()
    assert heard["devices"][DEVICE]["modes"]["internet"] == "observe"
    assert enrolled.feed(0.3, **told(heard)) == heard


def test_an_agent_that_lost_an_answer_is_told_the_mode_again(enrolled: Live) -> None:
    before = told(enrolled.feed())
    enrolled.as_("noc").put(f"/v1/devices/{DEVICE}/mode", json={"mode": "observe", "kind": "internet"})
    enrolled.feed(FOR_LONG_S, **before)
    again = enrolled.feed(FOR_LONG_S, **before)
    assert again["devices"][DEVICE]["modes"]["internet"] == "observe"


def test_another_process_wakes_our_agents_too(enrolled: Live) -> None:
    news = waiting(enrolled)
    other = open_database(enrolled.database.engine.url.render_as_string(hide_password=False))
    with other.write() as tx:
        set_stop(tx, NOW, "somebody", "in another process")
    other.close()
    assert news()["stopped"] is True


def test_what_another_agent_has_wakes_nobody(enrolled: Live) -> None:
    before = told(enrolled.feed())
    enrolled.enrol("other", agent="agent2")
    found = enrolled.feed(0.3, **before)
    assert list(found["devices"]) == [DEVICE]


def test_sixty_waiting_agents_hold_no_connection_and_all_wake(enrolled: Live) -> None:
    pool: Any = enrolled.server.config.app.state.context.database.engine.pool  # type: ignore[union-attr]
    client = enrolled.as_(AGENT)
    ask = {"wait": FOR_LONG_S, **told(enrolled.feed())}
    with ThreadPoolExecutor(60) as threads:
        waiters = [threads.submit(client.post, "/v1/agent/feed", json=ask) for _ in range(60)]
        enrolled.until(lambda: len(enrolled.server.server_state.connections) >= 60)
        enrolled.until(lambda: pool.checkedout() == 0)
        assert not any(waiter.done() for waiter in waiters)
        # The application still answers, with every waiter in place: they hold no thread of its pool of forty either.
        assert enrolled.as_("read").get("/v1/status").status_code == 200
        enrolled.as_("noc").put("/v1/stop", json={"note": "wait"})
        assert all(waiter.result(30).json()["stopped"] for waiter in waiters)


def test_a_feed_that_learns_nothing_answers_the_same_in_time(enrolled: Live) -> None:
    before = enrolled.feed()
    assert enrolled.feed(0.2, **told(before)) == before


def test_the_end_of_the_controller_waits_for_no_agent(enrolled: Live) -> None:
    news = waiting(enrolled)
    enrolled.until(lambda: len(enrolled.server.server_state.tasks) >= 1)
    enrolled.server.should_exit = True
    assert DEVICE in news()["devices"]


@pytest.mark.parametrize(
    "body",
    [{"known": {"d1": "e:1"}}, {"known": {"d1": ["e", "x"]}}, {"modes": {"d1": "observe"}}, {"wait": -1}, {"wait": 61}],
)
def test_a_badly_written_ask_is_refused_saying_where(live: Live, body: dict[str, Any]) -> None:
    answer = live.as_(AGENT).post("/v1/agent/feed", json=body)
    assert answer.status_code == 422
    assert f"body.{next(iter(body))}" in answer.json()["detail"]


def test_an_agent_of_a_thousand_devices_is_answered(enrolled: Live) -> None:
    known = {f"router-{each:04d}.example": ["a" * 32, each] for each in range(1000)}
    assert list(enrolled.feed(known=known)["devices"]) == [DEVICE]


def test_the_feed_never_answers_with_less_than_it_has_just_told(
    enrolled: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Board, "_show", _shows_nothing)
    enrolled.debtor()
    present = enrolled.feed()
    assert enrolled.feed(0.5, **told(present)) == present


def test_entries_of_another_epoch_or_ahead_of_us_are_a_conflict(enrolled: Live) -> None:
    epoch, revision = enrolled.standing()
    path = f"/v1/agent/devices/{DEVICE}/entries"
    assert enrolled.as_(AGENT).get(path, params={"epoch": "other", "after": 0}).status_code == 409
    ahead = enrolled.as_(AGENT).get(path, params={"epoch": epoch, "after": revision + 1})
    assert ahead.status_code == 409
    assert "adopt-epoch" in ahead.json()["detail"]


def test_entries_after_a_revision_are_what_changed_since(enrolled: Live) -> None:
    enrolled.debtor(1)
    epoch, revision = enrolled.standing()
    enrolled.debtor(2)
    answer = enrolled.as_(AGENT).get(f"/v1/agent/devices/{DEVICE}/entries", params={"epoch": epoch, "after": revision})
    assert [entry["service"] for entry in answer.json()["entries"]] == ["s2"]


def test_entries_come_page_by_page_in_the_order_of_their_revisions_and_bindings(enrolled: Live) -> None:
    for number in range(5):
        enrolled.debtor(number)
    epoch, revision = enrolled.standing()
    ask: dict[str, str | int] = {"epoch": epoch, "after": 0, "limit": 2}
    pages: list[dict[str, Any]] = []
    while not pages or pages[-1]["more"]:
        pages.append(enrolled.as_(AGENT).get(f"/v1/agent/devices/{DEVICE}/entries", params=ask).json())
        last = pages[-1]["entries"][-1]
        ask |= {"after": last["changed_revision"], "past": last["binding"]}
    whole = enrolled.as_(AGENT).get(f"/v1/agent/devices/{DEVICE}/entries", params={"epoch": epoch, "after": 0}).json()
    assert [entry for page in pages for entry in page["entries"]] == whole["entries"]
    assert [(len(page["entries"]), page["revision"]) for page in pages] == [(2, revision), (2, revision), (1, revision)]


def test_another_agents_device_cannot_be_read_nor_enrolled(enrolled: Live) -> None:
    epoch, _ = enrolled.standing()
    other = enrolled.as_("agent2")
    assert other.get(f"/v1/agent/devices/{DEVICE}/entries", params={"epoch": epoch}).status_code == 403
    able = {"version": 1, "driver": "radius", "keys": [], "access": {}}
    assert other.put(f"/v1/agent/devices/{DEVICE}", json=able).status_code == 403


def test_a_released_device_may_be_enrolled_by_another_agent(enrolled: Live) -> None:
    assert enrolled.as_("admin").delete(f"/v1/devices/{DEVICE}/agent").status_code == 204
    able = {"version": 1, "driver": "radius", "keys": ["username"], "access": {}}
    assert enrolled.as_("agent2").put(f"/v1/agent/devices/{DEVICE}", json=able).status_code == 204
    assert enrolled.feed()["devices"] == {}
