"""NOC verbs: what they say, what they do, and the exit codes that scripts rely on."""

import json
import threading
from pathlib import Path

import pytest

from tests.cli.conftest import Grifo, environment, run
from tests.controller.billing import DEVICE
from tests.controller.live import Live
from tests.servers.ports import free_port

pytestmark = pytest.mark.slow


def keep_verified(live: Live, end: threading.Event) -> threading.Thread:
    """An agent that reads its device to be as wanted, whatever is wanted."""

    def loop() -> None:
        while not end.wait(0.02):
            live.report("verified", *live.entries())

    thread = threading.Thread(target=loop)
    thread.start()
    return thread


def test_why_tells_reason_evidence_device_and_what_restores_it_on_one_screen(live: Live, grifo: Grifo) -> None:
    live.report("verified", *live.entries())
    done = grifo("why", "u1")
    assert done.code == 0
    for part in ("s1", "throttled", "billing", "invoice f1", "notice n1", DEVICE, "verified", "restore it", "a test"):
        assert part in done.out, part
    assert len(done.out.splitlines()) <= 40


def test_times_are_shown_in_the_operators_zone(grifo: Grifo) -> None:
    done = grifo("timeline", "s1")
    assert "2026-03-03 11:00:00" in done.out, "10:00 UTC is 11:00 in Madrid"


def test_status_shows_stop_and_devices(live: Live, grifo: Grifo) -> None:
    assert grifo("stop", "--note", "looking at billing").code == 0
    done = grifo("status")
    assert "STOPPED" in done.out
    assert "looking at billing" in done.out
    assert DEVICE in done.out
    assert grifo("stop", "--end").code == 0
    assert "STOPPED" not in grifo("status").out


def test_a_site_is_frozen_and_thawed_and_the_status_says_so(grifo: Grifo) -> None:
    assert "restores go on" in grifo("freeze", "--site", "porto", "--until", "12h", "--note", "a storm").out
    assert "porto IS FROZEN until 2026-03-03 23:00:00 by admin: a storm" in grifo("status").out
    assert grifo("freeze", "--site", "porto", "--end").code == 0
    assert "FROZEN" not in grifo("status").out


@pytest.mark.parametrize(
    "verb",
    [
        ["status"],
        ["why", "s1"],
        ["timeline", "s1"],
        ["drift"],
        ["device", "list"],
        ["device", "show", DEVICE],
        ["device", "mode", DEVICE, "enforce"],
        ["device", "adopt-epoch", DEVICE],
        ["brake", "list"],
        ["conflict", "list"],
        ["stop", "--note", "why"],
        ["freeze", "--site", "porto", "--until", "3d", "--note", "why"],
        ["suspend", "s2", "--reason", "abuse", "--note", "why"],
        ["restore", "s1", "--no-wait", "--note", "why"],
    ],
    ids=lambda verb: " ".join(verb),
)
def test_every_verb_prints_the_apis_json_when_asked(grifo: Grifo, verb: list[str]) -> None:
    done = grifo(*verb, "--json")
    assert done.code == 0, done.err
    assert isinstance(done.json, (dict, list))


def test_restore_waits_until_it_was_read_back_and_says_in_how_many_milliseconds(live: Live, grifo: Grifo) -> None:
    end = threading.Event()
    agent = keep_verified(live, end)
    done = grifo("restore", "s1", "--for", "3d", "--note", "promised")
    end.set()
    agent.join()
    assert done.code == 0, done.err
    assert "read back in" in done.out
    assert " ms" in done.out
    assert live.service("s1")["holds"][0]["note"] == "promised"


def test_restore_that_is_never_read_back_says_so_and_fails(grifo: Grifo) -> None:
    done = grifo("restore", "s1", "--note", "promised", "--timeout", "0.2")
    assert done.code == 1
    assert "not yet read back" in done.err


def test_restore_does_not_wait_for_a_device_that_is_withheld(live: Live, grifo: Grifo) -> None:
    end = threading.Event()

    def withhold() -> None:
        while not end.wait(0.02):
            live.report("withheld", *live.entries())

    agent = threading.Thread(target=withhold)
    agent.start()
    done = grifo("restore", "s1", "--note", "promised", "--timeout", "60")
    end.set()
    agent.join()
    assert done.code == 1
    assert "withheld" in done.err


def test_restore_that_another_reason_forbids_names_it(live: Live, grifo: Grifo) -> None:
    live.order("suspend", "s1", reason="court")
    done = grifo("restore", "s1", "--note", "promised")
    assert done.code == 1
    assert "court" in done.err


def test_suspending_for_billing_that_the_policy_blocks_says_what_blocks_it(grifo: Grifo) -> None:
    done = grifo("suspend", "s2", "--reason", "billing", "--note", "please")
    assert done.code == 1
    assert "not restricted" in done.err


def test_suspend_until_takes_a_length_of_time(live: Live, grifo: Grifo) -> None:
    done = grifo("suspend", "s2", "--reason", "technical", "--until", "2h", "--note", "works")
    assert done.code == 0, done.err
    assert live.service("s2")["orders"][0]["until"] == "2026-03-03T12:00:00Z"


def test_a_key_of_two_accounts_lists_their_services_and_is_wrong_usage(live: Live, grifo: Grifo) -> None:
    live.tell(live.billing.service("a2", "s3", (DEVICE, "username:u1")))
    done = grifo("why", "u1")
    assert done.code == 2
    assert "s1" in done.err
    assert "s3" in done.err


def test_a_key_that_names_nothing_is_refused(grifo: Grifo) -> None:
    done = grifo("why", "nobody")
    assert (done.code, done.out) == (1, "")
    assert "Nothing is known by 'nobody'" in done.err


def test_a_role_that_does_not_suffice_is_told_which_does(grifo: Grifo) -> None:
    done = grifo("stop", "--note", "why", role="read")
    assert done.code == 4
    assert "admin or noc" in done.err


def test_a_wrong_token_and_an_absent_controller_have_codes_of_their_own(live: Live, tmp_path: Path) -> None:
    wrong = run("status", env=environment(tmp_path, GRIFO_URL=live.url, GRIFO_TOKEN="wrong"))
    assert wrong.code == 4
    nowhere = f"http://127.0.0.1:{free_port()}"
    absent = run("status", env=environment(tmp_path, GRIFO_URL=nowhere, GRIFO_TOKEN="x"))
    assert absent.code == 3
    assert nowhere in absent.err


def test_without_url_or_token_it_says_what_to_set(tmp_path: Path) -> None:
    nothing = run("status", env=environment(tmp_path))
    assert (nothing.code, "GRIFO_URL" in nothing.err) == (2, True)
    no_token = run("status", env=environment(tmp_path, GRIFO_URL="http://127.0.0.1:1"))
    assert (no_token.code, "GRIFO_TOKEN" in no_token.err) == (2, True)


def test_url_and_token_may_stand_in_the_persons_file(live: Live, tmp_path: Path) -> None:
    folder = tmp_path / ".config/grifo"
    folder.mkdir(parents=True)
    (folder / "token").write_text(live.secrets["read"] + "\n")
    (folder / "cli.toml").write_text(f'url = "{live.url}"\ntoken_file = "{folder / "token"}"\n')
    assert run("status", env=environment(tmp_path)).code == 0


def test_events_are_sent_from_a_file_a_list_or_lines(live: Live, grifo: Grifo, tmp_path: Path) -> None:
    one, two = live.billing.account("a7"), live.billing.account("a8")
    lines = tmp_path / "events.jsonl"
    lines.write_text(f"{json.dumps(one)}\n{json.dumps(two)}\n")
    assert "2 accepted" in grifo("event", "send", str(lines)).out
    assert "1 known already" in grifo("event", "send", "-", stdin=json.dumps(one)).out


def test_refused_events_are_named_and_the_others_stay(live: Live, grifo: Grifo) -> None:
    done = grifo("event", "send", "-", stdin=json.dumps([live.billing.account("a7"), {"id": "bad"}]))
    assert done.code == 1
    assert "1 accepted" in done.out
    assert "#1" in done.out


def test_a_mode_is_set_for_one_kind(live: Live, grifo: Grifo) -> None:
    done = grifo("device", "mode", DEVICE, "restore_only", "--kind", "fixed_voice", "--note", "new switch")
    assert done.code == 0, done.err
    modes = live.as_("read").get(f"/v1/devices/{DEVICE}").json()["modes"]
    assert (modes["fixed_voice"], modes["internet"]) == ("restore_only", "enforce")


def test_adopting_an_epoch_needs_a_yes(live: Live, grifo: Grifo) -> None:
    before = live.standing()
    assert "Nothing was changed" in grifo("device", "adopt-epoch", DEVICE).out
    assert live.standing() == before
    assert grifo("device", "adopt-epoch", DEVICE, "--yes").code == 0
    assert live.standing()[0] != before[0]


@pytest.mark.parametrize(
    "arguments",
    [
        ["restore", "s1", "--for", "soon", "--note", "x"],
        ["suspend", "s2", "--reason", "technical", "--until", "someday", "--note", "x"],
        ["stop"],
        ["stop", "--end", "--note", "x"],
        ["freeze", "--site", "porto"],
        ["freeze", "--site", "porto", "--note", "x"],
        ["freeze", "--site", "porto", "--end", "--note", "x"],
        ["event", "send", "/no/such/file"],
        ["nonsense"],
    ],
    ids=" ".join,
)
def test_a_command_that_is_wrong_ends_with_two(grifo: Grifo, arguments: list[str]) -> None:
    done = grifo(*arguments)
    assert done.code == 2
    assert done.err
