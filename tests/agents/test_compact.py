"""What the agent keeps small comes out as it went in."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agents.compact import Entries, Reports
from enforcement.access import Access, Kind, Rate, Reason
from enforcement.entries import BindingId, Entry, ServiceId
from enforcement.keys import Key, KeyType
from enforcement.plan import State
from enforcement.wire import EntryReport

keys = st.builds(
    Key, st.sampled_from(KeyType), st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=20)
)
entries = st.builds(
    Entry,
    binding=st.sampled_from([BindingId(f"b{number}") for number in range(8)]),
    service=st.text(max_size=9).map(ServiceId),
    kind=st.sampled_from(Kind),
    key=keys | st.sampled_from([Key(KeyType.USERNAME, "ana"), Key(KeyType.IPV6_PREFIX, "2001:db8::/56")]),
    access=st.sampled_from(Access),
    reasons=st.lists(st.sampled_from(Reason), max_size=3).map(tuple),
    changed_revision=st.integers(0, 2**40),
    ended=st.booleans(),
    first=st.booleans(),
    rate=st.none() | st.builds(Rate, st.integers(1, 9), st.integers(1, 9)),
)
reports = st.builds(
    EntryReport,
    binding=st.just("b1"),
    changed_revision=st.integers(-1, 2**40),
    state=st.sampled_from([*map(str, State), "withheld", "refused", "of a later version"]),
    seen=st.none() | st.sampled_from([*map(str, Access), "of a later version"]),
    obstructions=st.lists(st.text(max_size=5), max_size=2),
    detail=st.just("") | st.text(max_size=9),
)


@given(st.lists(entries, max_size=12))
def test_entries_come_out_as_they_went_in_and_by_their_keys(given: list[Entry]) -> None:
    kept = Entries()
    wanted: dict[BindingId, Entry] = {}
    for entry in given:
        assert kept.drop(entry.binding) == wanted.pop(entry.binding, None)
        kept.put(entry)
        wanted[entry.binding] = entry
    assert dict(kept) == wanted
    for key in {entry.key for entry in given}:
        assert kept.of(key) == tuple(entry.binding for entry in wanted.values() if entry.key == key)
    in_pieces = [key for piece in kept.keys_in_pieces(2) for key in piece]
    assert sorted(in_pieces) == sorted({entry.key for entry in wanted.values()})


@given(reports)
def test_reports_come_out_as_they_went_in(report: EntryReport) -> None:
    kept = Reports()
    kept[BindingId("b1")] = report
    assert kept[BindingId("b1")] == report


@given(reports, reports)
def test_only_the_very_same_report_is_shared(one: EntryReport, other: EntryReport) -> None:
    kept, acknowledged = Reports(), Reports()
    kept[BindingId("b1")], acknowledged[BindingId("b1")] = one, other
    assert kept.share(BindingId("b1"), acknowledged) == (one == other)
    assert kept[BindingId("b1")] == one
    acknowledged[BindingId("b1")] = replace(one)
    assert kept.share(BindingId("b1"), acknowledged)
