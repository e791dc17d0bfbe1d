"""Profiles are data, and data can be wrong: what is refused before a switch is ever spoken to."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.sip import build
from drivers.sip.shell.commands import clearing, listing, proving, setting, typeable, verifying
from drivers.sip.shell.profile import load, rows_in
from drivers.sip.shell.settings import settings_from
from tests.drivers.sip_shells import PROFILES
from tests.drivers.sip_switches import INSTALLATION, value

KAMCMD = load(PROFILES / "kamcmd.toml")
ALL = sorted(PROFILES.glob("*.toml"))


@pytest.mark.parametrize("file", ALL, ids=lambda file: file.stem)
def test_every_shipped_profile_reads_its_own_list_back(file: Path) -> None:
    profile = load(file)
    assert profile.name == file.stem
    assert profile.experimental is (file.stem != "kamcmd")


@pytest.mark.parametrize("file", ALL, ids=lambda file: file.stem)
def test_no_profile_takes_nonsense_for_an_empty_list(file: Path) -> None:
    with pytest.raises(ValueError, match=r"neither rows nor empty|says that it has"):
        rows_in(load(file), "connection to the daemon was lost")


@pytest.mark.parametrize("file", [file for file in ALL if load(file).count], ids=lambda file: file.stem)
def test_a_list_that_was_cut_short_is_not_believed(file: Path) -> None:
    profile = load(file)
    example = re.search(r'(?ms)^list = """\n(.*?)"""', file.read_text().partition("[example]")[2])
    assert example is not None
    lines = example[1].splitlines(keepends=True)
    without = [line for line in lines if "34910000001" not in line]
    assert len(without) == len(lines) - 1
    with pytest.raises(ValueError, match=r"says that it has 2 rows, and 1 were read"):
        rows_in(profile, "".join(without))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (r"name: (?P<name>\S+)", r"nombre: (?P<name>\S+)", "2 rows, and 0 were read"),
        ("(?P<value>", "(", "row must have the group value"),
        ("(?P<name>", "((?P<name>", "row is no regular expression"),
        ("set = \"{program} htable.sets grifo_barred 's:{name}'", 'set = "true', "commands.set must use"),
        ('list = "', 'lst = "', "commands.lst is no command"),
        ('list = "{program}', 'list = "\\u0003{program}', "commands.list must be a line"),
        ('fraud"', 'Fraud"', "can't be read back"),
        ("[example.rows]", "[example.other]", "must show a list"),
        ('shell = "posix"', 'shell = "fish"', "shell must be one of"),
        ('"released"', '"throttled"', "access must be one of"),
        ('"sip_aor"', '"ipv4"', "keys must be one of"),
        ("experimental = false", "experimental = 0", "experimental must be true or false"),
        ('proof = "probe"', "", "proof must say"),
        ('proof = "probe"', 'proof = "hope"', "proof must be a table"),
        ("slice_size = 100", "slice_size = 0", "slice_size must be"),
        ("errors = [", "errs = [", "patterns.errors must list"),
        ('name = "kamcmd"', "name = ", "can't be read"),
        ("device_type", "type", "type is no key of a profile"),
    ],
)
def test_a_profile_with_a_mistake_is_refused_by_name(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = (PROFILES / "kamcmd.toml").read_text()
    assert old in text
    file = tmp_path / "kamcmd.toml"
    file.write_text(text.replace(old, new))
    with pytest.raises(ValueError, match=words) as refusal:
        load(file)
    assert str(file) in str(refusal.value)


@given(st.text(max_size=40), st.sampled_from([setting, verifying, clearing]))
def test_a_name_is_one_plain_word_of_the_line_or_is_not_typed(name: str, compose: Any) -> None:
    more = (value(),) if compose is setting else ()
    if not typeable(name):
        with pytest.raises(ValueError, match="can't be typed"):
            compose(KAMCMD, "kamcmd", name, *more)
        return
    words = [shlex.split(line) for line in compose(KAMCMD, "kamcmd", name, *more)]
    assert [word for line in words for word in line][3:] == [f"s:{name}", *(f"s:{one}" for one in more)]


@given(st.text(max_size=40))
def test_a_value_is_one_plain_word_of_the_line_or_is_not_typed(text: str) -> None:
    for given_value in (text, f"incoming_only;grifo:v1:{text}"):
        try:
            (line,) = setting(KAMCMD, "kamcmd", "+34910000001", given_value)
        except ValueError:
            continue
        assert shlex.split(line) == ["kamcmd", "htable.sets", "grifo_barred", "s:+34910000001", f"s:{given_value}"]


@pytest.mark.parametrize(
    "name", ["+34910000001", "ana@isp.lab", "34910000001@voice.example", "+34910000001@isp.lab", "pbx-7"]
)
def test_what_lines_are_called_can_be_typed(name: str) -> None:
    assert typeable(name)


@pytest.mark.parametrize("number", ["112; reboot", "urn:service:sos", "$(id)", "", "+"])
def test_only_numbers_are_asked_for_in_a_shell(number: str) -> None:
    with pytest.raises(ValueError, match="not a number that can be typed"):
        proving("show dialplan number {number}", "", number)


def test_the_list_takes_the_program_that_the_settings_name() -> None:
    assert listing(KAMCMD, "sudo kamcmd") == ("sudo kamcmd htable.dump grifo_barred",)


@pytest.fixture
def right(tmp_path: Path) -> dict[str, Any]:
    for name in ("key", "hosts"):
        (tmp_path / name).write_text("")
    return {
        "profile": str(PROFILES / "kamcmd.toml"),
        "nodes": [{"ssh": "127.0.0.1", "sip": "127.0.0.1"}],
        "username": "grifo",
        "private_key_file": str(tmp_path / "key"),
        "known_hosts_file": str(tmp_path / "hosts"),
        "country": "es",
        "care_numbers": ["900123456"],
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"profile": "/nonexistent.toml"}, "can't be read"),
        ({"profile": str(PROFILES / "asterisk.toml"), "nodes": [{"ssh": "a"}]}, "asterisk is experimental"),
        ({"profile": str(PROFILES / "asterisk.toml"), "experimental": True}, r"is not {ssh = 'host:port'}"),
        ({"nodes": []}, "nodes must list"),
        ({"nodes": [{"ssh": "a"}]}, "nodes: "),
        ({"nodes": [{"ssh": "a:b:c", "sip": "a"}]}, "is not host:port"),
        ({"nodes": [{"ssh": "a", "sip": "a"}, {"ssh": "a:22", "sip": "b"}]}, "twice"),
        ({"known_hosts_file": "/nonexistent"}, "known_hosts_file /nonexistent does not exist"),
        ({"private_key_file": "/nonexistent"}, "private_key: /nonexistent does not exist"),
        ({"password_env": "HOME"}, "give either private_key_file"),
        ({"password": "word"}, "password is no setting"),
        ({"username": ""}, "username must be a text"),
        ({"program": "kamcmd\nreboot"}, "program must be a command line"),
        ({"access": ["blocked"]}, "access must list some of"),
        ({"care_numbers": []}, "care_numbers must list"),
        ({"read_timeout_s": 0}, "read_timeout_s must be seconds"),
    ],
    ids=lambda given: "-".join(given) if isinstance(given, dict) else "",
)
def test_a_wrong_setting_is_named_in_one_sentence(right: dict[str, Any], change: dict[str, Any], words: str) -> None:
    build(right, INSTALLATION).close()
    with pytest.raises(ValueError, match=words):
        build({**right, **change}, INSTALLATION)


def test_a_password_is_shown_nowhere(right: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCH_WORD", "sesame")
    given = {key: one for key, one in right.items() if key != "private_key_file"}
    settings = settings_from({**given, "password_env": "SWITCH_WORD"})
    assert settings.login.password is not None
    assert settings.login.password.reveal() == "sesame"
    assert "sesame" not in repr(settings)
