"""The words that travel: keys are one thing however they are written, marks and entries come back as they went."""

import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enforcement.access import LADDERS, Access, Kind, Rate, Reason, least, lowers, rank
from enforcement.changes import Restore, Restrict, needs_permit
from enforcement.entries import ID_PATTERN, BindingId, Entry, Mark, ServiceId
from enforcement.keys import Key
from enforcement.modes import Mode, lets
from enforcement.wire import Unreadable, entry_from_wire, entry_to_wire

IDS = st.from_regex(rf"\A{ID_PATTERN}\Z")
MARKS = st.builds(Mark, IDS, IDS.map(ServiceId), IDS.map(BindingId))
KEYS = st.one_of(
    st.ip_addresses(v=4).map(lambda ip: Key.of("ipv4", str(ip))),
    st.ip_addresses(v=6).map(lambda ip: Key.of("ipv6_prefix", str(ip))),
    st.from_regex(r"\A\+[1-9][0-9]{6,14}\Z").map(lambda text: Key.of("msisdn", text)),
    st.binary(min_size=6, max_size=6).map(lambda octets: Key.of("mac", octets.hex())),
    st.from_regex(r"\A[a-zñ0-9:@._-]{1,40}\Z").map(lambda text: Key.of("username", text)),
)
RATES = st.builds(Rate, st.integers(1, 10**8), st.integers(1, 10**8))
ENTRIES = st.builds(
    Entry,
    binding=IDS.map(BindingId),
    service=IDS.map(ServiceId),
    kind=st.sampled_from(Kind),
    key=KEYS,
    access=st.sampled_from(Access),
    reasons=st.lists(st.sampled_from(Reason), unique=True).map(tuple),
    changed_revision=st.integers(0, 2**53),
    ended=st.booleans(),
    first=st.booleans(),
    rate=st.none() | RATES,
)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("ipv4:192.0.2.7", "ipv4:192.0.2.7"),
        ("ipv4:192.0.2.7/32", "ipv4:192.0.2.7"),
        ("ipv4: 192.0.2.0/30 ", "ipv4:192.0.2.0/30"),
        ("ipv6_prefix:2001:DB8:0:1::/64", "ipv6_prefix:2001:db8:0:1::/64"),
        ("ipv6_prefix:2001:db8::7", "ipv6_prefix:2001:db8::7/128"),
        ("mac:aa-bb-cc-00-11-22", "mac:AA:BB:CC:00:11:22"),
        ("mac:aabb.cc00.1122", "mac:AA:BB:CC:00:11:22"),
        ("msisdn:0034 910 000 001", "msisdn:+34910000001"),
        ("msisdn:+34 (910) 00-00-01", "msisdn:+34910000001"),
        ("username:ana@isp", "username:ana@isp"),
        ("sip_aor:ana@sip.example:5060", "sip_aor:ana@sip.example:5060"),
    ],
)
def test_a_key_is_the_same_however_it_is_written(written: str, normal: str) -> None:
    assert str(Key.parse(written)) == normal


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("ana@isp", "type:value"),
        ("user:ana", "is not one of"),
        ("ipv4:192.0.2.300", "192.0.2.300"),
        ("ipv4:192.0.2.1/24", "host bits"),
        ("ipv6_prefix:192.0.2.1", "192.0.2.1"),
        ("mac:aa:bb:cc", "six octets"),
        ("msisdn:910000001", "international number"),
        ("username:", "1 to 253"),
        ("username:ana\x00", "1 to 253"),
    ],
)
def test_a_key_that_names_nobody_is_refused_in_words(written: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Key.parse(written)


@given(KEYS)
def test_a_key_survives_being_written(key: Key) -> None:
    assert Key.parse(str(key)) == key


@given(MARKS)
def test_a_mark_survives_being_written_on_a_device(mark: Mark) -> None:
    assert Mark.parse(str(mark)) == mark
    assert str(mark).isascii()
    assert not str(mark).isdigit()


@pytest.mark.parametrize(
    "comment", ["", "moroso 2024", "grifo:v1:isp:s1", "grifo:v2:isp:s1:b1", "grifo:v1:isp:s1:b1:x"]
)
def test_somebody_elses_comment_is_no_mark(comment: str) -> None:
    assert Mark.parse(comment) is None


@given(ENTRIES)
def test_an_entry_survives_the_wire(entry: Entry) -> None:
    assert entry_from_wire(json.loads(json.dumps(asdict(entry_to_wire(entry))))) == entry


def test_an_entry_of_a_controller_that_knows_no_rates_is_understood() -> None:
    entry = Entry(BindingId("b1"), ServiceId("s1"), Kind.INTERNET, Key.parse("username:ana"), Access.THROTTLED, (), 1)
    former = {name: value for name, value in asdict(entry_to_wire(entry)).items() if name != "rate"}
    assert entry_from_wire(former) == entry


@pytest.mark.parametrize("rate", [[1024], [0, 512], "fast", {"down": 1}, [1024, -1], [1.5, 2]], ids=repr)
def test_a_rate_that_cannot_be_read_is_refused(rate: object) -> None:
    entry = Entry(BindingId("b1"), ServiceId("s1"), Kind.INTERNET, Key.parse("username:ana"), Access.THROTTLED, (), 1)
    with pytest.raises(Unreadable, match="b1"):
        entry_from_wire(asdict(entry_to_wire(entry)) | {"rate": rate})


@given(RATES)
def test_a_rate_survives_being_written(rate: Rate) -> None:
    assert Rate.parse(str(rate)) == rate


@pytest.mark.parametrize("field", ["access", "kind", "key", "reasons"])
def test_what_a_reader_does_not_know_is_refused_and_never_guessed(field: str) -> None:
    entry = Entry(BindingId("b1"), ServiceId("s1"), Kind.INTERNET, Key.parse("username:ana"), Access.FULL, (), 1)
    body = asdict(entry_to_wire(entry)) | {field: ["quantum"] if field == "reasons" else "quantum"}
    with pytest.raises(Unreadable, match="b1"):
        entry_from_wire(body)


def test_a_reader_ignores_fields_that_it_does_not_know() -> None:
    entry = Entry(BindingId("b1"), ServiceId("s1"), Kind.INTERNET, Key.parse("username:ana"), Access.FULL, (), 1)
    assert entry_from_wire(asdict(entry_to_wire(entry)) | {"colour": "red"}) == entry


@given(st.sampled_from(Kind), st.data())
def test_the_least_of_several_accesses_is_lower_than_none_of_them(kind: Kind, data: st.DataObject) -> None:
    several = data.draw(st.lists(st.sampled_from(LADDERS[kind])))
    lowest = least(kind, several)
    assert lowest in (*several, Access.FULL)
    assert not any(lowers(kind, lowest, access) for access in several)


def test_an_access_of_another_kind_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="internet has no access incoming_only; it has full, throttled"):
        rank(Kind.INTERNET, Access.INCOMING_ONLY)


@pytest.mark.parametrize("mode", Mode)
def test_only_enforce_restricts_and_observe_writes_nothing(mode: Mode) -> None:
    entry = Entry(BindingId("b1"), ServiceId("s1"), Kind.INTERNET, Key.parse("username:ana"), Access.PORTAL, (), 1)
    mark = Mark("isp", entry.service, entry.binding)
    restrict, restore = Restrict(entry, mark, Access.FULL), Restore(entry, mark, Access.BLOCKED)
    assert needs_permit(restrict)
    assert lets(mode, restrict) is (mode is Mode.ENFORCE)
    assert lets(mode, restore) is (mode is not Mode.OBSERVE)
