"""What the agent keeps of entries and reports comes out of its file as it went in; a fetch in pages leaves no gap."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents import entries as kept
from agents import link as line
from agents.device_memory import DeviceMemory
from agents.entries import Entries
from agents.known import Known
from agents.link import ControllerGarbled, Link
from agents.memory import Memory, MemoryUnusable
from agents.rows import report_of, written
from enforcement.access import Access, Kind, Rate, Reason
from enforcement.entries import BindingId, Entry, ServiceId
from enforcement.keys import Key, KeyType
from enforcement.plan import State
from enforcement.wire import EntryReport
from tests.agents.conftest import Site, until
from tests.agents.controller import TOKEN, Controller

keys = st.builds(
    Key, st.sampled_from(KeyType), st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=20)
)
entries = st.builds(
    Entry,
    binding=st.sampled_from([BindingId(f"b{number}") for number in range(8)]),
    service=st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=9).filter(str.isprintable).map(ServiceId),
    kind=st.sampled_from(Kind),
    key=keys | st.sampled_from([Key(KeyType.USERNAME, "ana"), Key(KeyType.IPV6_PREFIX, "2001:db8::/56")]),
    access=st.sampled_from(Access),
    reasons=st.lists(st.sampled_from(Reason), max_size=3).map(tuple),
    changed_revision=st.integers(0, 2**63 - 1),
    ended=st.booleans(),
    first=st.booleans(),
    rate=st.none() | st.builds(Rate, st.integers(1, 9), st.integers(1, 9)),
)
reports = st.builds(
    EntryReport,
    binding=st.just("b1"),
    changed_revision=st.integers(-1, 2**70),
    state=st.sampled_from([*map(str, State), "withheld", "refused", "of a later version"]),
    seen=st.none() | st.sampled_from([*map(str, Access), "of a later version"]),
    obstructions=st.lists(st.text(max_size=5), max_size=2),
    detail=st.just("") | st.text(max_size=9),
)
DEVICES = count()
ANA = {
    "binding": "b1",
    "service": "s1",
    "kind": "internet",
    "key": "username:ana",
    "access": "blocked",
    "reasons": ["billing"],
    "changed_revision": 3,
}
VERIFIED = EntryReport("b1", 3, "verified", "blocked")


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Memory]:
    memory = Memory(tmp_path_factory.mktemp("memory") / "agent.db", 0.0)
    yield memory
    memory.close()


def a_device(memory: Memory) -> DeviceMemory:
    """The memory of a device of which nothing is known."""
    return DeviceMemory(memory, f"box-{next(DEVICES)}")


def of_everything(known: Entries) -> list[Entry]:
    return [entry for some in known.keys_in_pieces() for entry in known.of_keys(some)]


@given(st.lists(entries, max_size=12))
def test_entries_come_out_as_they_went_in_and_by_their_keys(memory: Memory, given: list[Entry]) -> None:
    known = a_device(memory).entries
    wanted: dict[BindingId, Entry] = {}
    with memory.writing() as db:
        for entry in given:
            assert known.get(entry.binding) == wanted.get(entry.binding)
            known.put(db, entry)
            wanted[entry.binding] = entry
    assert known.some([*wanted, BindingId("unknown")]) == wanted
    for key in {entry.key for entry in given}:
        own = {entry.binding: entry for entry in wanted.values() if entry.key == key}
        assert set(known.of(key)) == own.keys()
        assert known.of_keys({key}) == sorted(own.values(), key=lambda each: (each.changed_revision, each.binding))
    restricted = {entry.key for entry in wanted.values() if entry.restricts}
    assert known.restricted({entry.key for entry in given}) == restricted
    assert known.ended() == {entry.binding: entry.changed_revision for entry in wanted.values() if entry.ended}


def test_a_sweep_comes_to_every_entry_once_and_parts_no_key(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "AT_ONCE", 3)
    device = a_device(memory)
    bodies = [{**ANA, "binding": f"b{number}", "key": f"username:u{number // 2}"} for number in range(20)]
    device.merge("e1", 3, bodies)
    assert sorted(entry.binding for entry in of_everything(device.entries)) == sorted(str(b["binding"]) for b in bodies)
    assert [len(device.entries.of_keys(some)) for some in device.entries.keys_in_pieces()] == [6, 6, 6, 2]


@given(reports)
def test_reports_come_out_as_they_went_in(report: EntryReport) -> None:
    assert report_of(written(report)) == report


def test_what_the_controller_has_is_known_after_a_new_decision_and_after_a_start(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "AT_ONCE", 2)
    device = DeviceMemory(memory, "acknowledged")
    device.merge("e1", 3, [{**ANA, "binding": f"b{number}"} for number in range(5)])
    said = {BindingId(f"b{number}"): replace(VERIFIED, binding=f"b{number}") for number in range(1, 5)}
    device.acknowledge(list(said.values()))
    device.merge("e1", 4, [{**ANA, "changed_revision": 4, "key": "username:eva"}])
    again = DeviceMemory(memory, "acknowledged").entries
    assert dict(again.every_acknowledged()) == {binding: written(report) for binding, report in said.items()}
    assert again.acknowledged([BindingId("b1"), BindingId("b0")]) == {"b1": written(VERIFIED)}


def test_only_what_the_controller_lacks_is_unsent(memory: Memory) -> None:
    device = a_device(memory)
    device.merge("e1", 3, [ANA, {**ANA, "binding": "b2"}])
    device.acknowledge([VERIFIED])
    known = Known(device.entries)
    other = replace(VERIFIED, binding="b2")
    for report in (VERIFIED, other):
        known.put(report)
    assert known.unsent(10) == [other]
    assert list(known.everything()) == [written(VERIFIED), written(other)]
    known.put(replace(VERIFIED, detail="as the device puts it"))
    assert [report.binding for report in known.unsent(10)] == ["b2", "b1"]
    device.acknowledge([other])
    known.sent([other])
    assert list(known.everything()) == [written(other), written(replace(VERIFIED, detail="as the device puts it"))]


@pytest.mark.parametrize(
    "odd",
    [{"service": 7}, {"service": "s\n1"}, {"service": "\ud800"}, {"changed_revision": 2**63}, {"changed_revision": -1}],
    ids=["an id that is a number", "of two lines", "of no character", "a revision too high", "too low"],
)
def test_what_no_row_holds_is_refused_and_spoils_no_other_entry(memory: Memory, odd: dict[str, object]) -> None:
    device = a_device(memory)
    device.merge("e1", 3, [ANA | odd, {**ANA, "binding": "b2"}])
    assert [entry.binding for entry in of_everything(device.entries)] == ["b2"]
    assert device.unreadable[BindingId("b1")].state == "refused"


def test_an_entry_that_becomes_unreadable_is_no_longer_obeyed_and_both_its_keys_are_looked_at(memory: Memory) -> None:
    device = DeviceMemory(memory, "unreadable")
    device.merge("e1", 3, [ANA])
    assert device.merge("e1", 4, [{**ANA, "access": "slow_motion"}]) == {Key.parse("username:ana")}
    assert of_everything(device.entries) == []
    assert DeviceMemory(memory, "unreadable").unreadable == device.unreadable
    assert device.merge("e1", 5, [{**ANA, "key": "username:eva"}]) == {Key.parse("username:eva")}
    assert device.merge("e1", 6, [ANA]) == {Key.parse("username:eva"), Key.parse("username:ana")}
    assert device.unreadable == DeviceMemory(memory, "unreadable").unreadable == {}


def test_what_a_former_version_could_not_read_is_read_by_one_that_can(memory: Memory) -> None:
    device = DeviceMemory(memory, "of a former version")
    device.merge("e1", 3, [{**ANA, "binding": "b2", "access": "slow_motion"}])
    with memory.writing() as db:
        device.entries.put_unread(db, BindingId("b1"), ANA)
    again = DeviceMemory(memory, "of a former version")
    assert [entry.binding for entry in of_everything(again.entries)] == ["b1"]
    assert set(again.unreadable) == {"b2"}


def test_a_file_of_a_former_version_is_refused_not_misread(tmp_path: Path) -> None:
    path = tmp_path / "agent.db"
    with sqlite3.connect(path) as former:
        former.execute("PRAGMA user_version=1")
    former.close()
    with pytest.raises(MemoryUnusable, match=r"it is of version 1, this agent writes 2; move the file away"):
        Memory(path, 0.0)


# --- the way from the controller and back ----------------------------------------------------------------------------


@pytest.fixture
def link(controller: Controller, monkeypatch: pytest.MonkeyPatch) -> Iterator[Link]:
    monkeypatch.setattr(line, "PAGE", 3)
    link = Link(controller.url, TOKEN)
    yield link
    link.close()


def test_a_fetch_in_pages_brings_everything_although_entries_share_a_revision(
    controller: Controller, link: Link
) -> None:
    for number in range(10):
        controller.want("box", f"b{number}", Access.BLOCKED)
    desk = controller.desks["box"]
    desk.entries.update({name: replace(entry, changed_revision=5) for name, entry in desk.entries.items()})
    fetched = link.entries("box", "e1", 0)
    assert sorted(entry["binding"] for entry in fetched.entries) == sorted(desk.entries)
    assert (fetched.revision, len(fetched.entries)) == (10, 10)


def test_what_changes_during_a_fetch_arrives_as_it_is_at_its_end(controller: Controller, link: Link) -> None:
    for number in range(5):
        controller.want("box", f"b{number}", Access.BLOCKED)
    pages = count()

    def pay() -> None:
        if next(pages) == 1:
            controller.want("box", "b0", Access.FULL)

    controller.before_page = pay
    fetched = link.entries("box", "e1", 0)
    last = {entry["binding"]: entry["access"] for entry in fetched.entries}
    assert last == {"b0": "full", "b1": "blocked", "b2": "blocked", "b3": "blocked", "b4": "blocked"}
    assert fetched.revision == 6


def test_pages_that_lead_nowhere_are_garbled_not_asked_for_ever(
    controller: Controller, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        controller.want("box", f"b{number}", Access.BLOCKED)
    genuine = controller.entries
    monkeypatch.setattr(controller, "entries", lambda device, epoch, *_: genuine(device, epoch, 0, "", 3))
    with pytest.raises(ControllerGarbled, match="a page ends where it began"):
        link.entries("box", "e1", 0)


def test_an_agent_that_starts_again_tells_of_every_entry_although_nothing_has_changed(site: Site) -> None:
    names = {f"b{number}" for number in range(20)}
    for name in names:
        site.controller.want("box", name, Access.BLOCKED)
    site.start()
    until(lambda: {site.state(name) for name in names} == {"verified"})
    until(lambda: site.agent.devices["box"].parts.known.unsent(10) == [])
    site.stop()
    with site.controller.changed:
        site.controller.desks["box"].reports.clear()
    site.start()
    until(lambda: bool(site.controller.last_report("box").get("whole")))
    assert {entry["binding"] for entry in site.controller.last_report("box")["entries"]} == names
