"""Throttled to a rate of the policy's own: what a login gets then, and what a session that is live already has."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from drivers.base import StepState
from drivers.radius.settings_file import settings_from
from enforcement.access import Access, Rate
from enforcement.entries import Entry
from enforcement.plan import State
from lab.nas.nas import Nas
from tests.drivers.radius.radius_lab import Enforcer, RadiusLab, entry, given, subscribers, wait_for
from tests.drivers.radius.test_radius_coa import coa

ANA = "ana@isp"
SLOW, FAST = Rate(512, 128), Rate(1024, 512)
GROUPS = {
    "throttled": "grifo-throttled",
    "portal": "grifo-portal",
    "512/128": "grifo-slow",
    "1024/512": "grifo-fast",
}
LIMITS = {SLOW: "128k/512k", FAST: "512k/1024k", None: "1M/1M"}


def of_rate(rate: Rate | None, revision: int) -> Entry:
    return replace(entry(ANA, Access.THROTTLED, revision), rate=rate)


def prepared(lab: RadiusLab) -> None:
    """The operator's plan, and groups of rates as somebody wrote them."""
    lab.seed(ANA)
    for group, limit in (("grifo-slow", "128k/512k"), ("grifo-fast", "512k/1024k")):
        for attribute, value in (("Mikrotik-Rate-Limit", limit), ("Framed-Pool", "pool-active"), ("Class", group)):
            lab.set_item("radgroupreply", "groupname", group, attribute, ":=", value)


def test_a_login_gets_the_rate_of_the_policy_and_another_when_it_changes(radius_lab: RadiusLab) -> None:
    prepared(radius_lab)
    before = radius_lab.dump()
    driver = radius_lab.driver(groups=GROUPS)
    enforcer = Enforcer(driver)
    assert driver.capabilities.rates == {SLOW, FAST}
    for revision, rate in enumerate((FAST, SLOW, None, FAST), start=1):
        assert enforcer.enforce(of_rate(rate, revision)).changes == ()
        assert f"Mikrotik-Rate-Limit = {LIMITS[rate]}" in radius_lab.login(ANA)
        seen = driver.observe({entry(ANA, Access.FULL).key}).of(entry(ANA, Access.FULL).key)
        assert (seen.access, seen.rate) == (Access.THROTTLED, rate)
    enforcer.enforce(entry(ANA, Access.FULL, 9))
    assert radius_lab.dump() == before


def test_a_live_session_is_given_another_rate_by_coa_without_being_cut(radius_lab: RadiusLab) -> None:
    prepared(radius_lab)
    nas = radius_lab.nas()
    nas.dial(subscribers([ANA]))
    (session,) = nas.sessions(ANA)
    enforcer = Enforcer(radius_lab.driver(coa(radius_lab, nas), groups=GROUPS))
    for revision, rate in enumerate((FAST, SLOW, None), start=1):
        assert enforcer.enforce(of_rate(rate, revision)).changes == ()
        assert enforcer.state(of_rate(rate, revision)) is State.VERIFIED
        assert given(nas, ANA, "Mikrotik-Rate-Limit") == LIMITS[rate]
    assert [one.id for one in nas.sessions(ANA)] == [session.id]


def _has(nas: Nas, enforcer: Enforcer, wanted: Entry) -> bool:
    told = given(nas, ANA, "Mikrotik-Rate-Limit") == LIMITS[wanted.rate]
    return told and enforcer.state(wanted) is State.VERIFIED


def test_where_only_a_new_login_brings_it_the_session_of_another_rate_is_ended(radius_lab: RadiusLab) -> None:
    prepared(radius_lab)
    nas = radius_lab.nas()
    nas.dial(subscribers([ANA]))
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas), groups=GROUPS))
    for revision, rate in enumerate((SLOW, FAST), start=1):
        enforcer.enforce(of_rate(rate, revision))
        wait_for(partial(_has, nas, enforcer, of_rate(rate, revision)))


def test_groups_of_rates_are_prepared_as_their_nas_writes_a_rate(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas()
    settings = radius_lab.nas_settings(nas, profile="mikrotik")
    replies = {"throttled": {"Mikrotik-Rate-Limit": "1M/1M", "Idle-Timeout": "600"}}
    driver = radius_lab.driver(settings, groups=GROUPS, replies=replies)
    driver.prepare(install=True)
    assert all(step.state is not StepState.MISSING for step in driver.prepare(install=True))
    Enforcer(driver).enforce(of_rate(FAST, 1))
    login = radius_lab.login(ANA)
    for line in ("Mikrotik-Rate-Limit = 512k/1024k", "Idle-Timeout = 600", "Framed-Pool = pool-active"):
        assert line in login


def test_where_no_nas_says_how_it_is_told_a_rate_a_person_writes_the_group(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    replies = {"throttled": {"Mikrotik-Rate-Limit": "1M/1M"}}
    steps = radius_lab.driver(groups=GROUPS, replies=replies).prepare(install=True)
    step = next(step for step in steps if "group grifo-fast (1024/512)" in step.where)
    assert step.state is StepState.BY_HAND
    assert "'grifo-fast', 'Mikrotik-Rate-Limit', ':=', '512k/1024k'" in step.text
    assert radius_lab.sql("SELECT COUNT(*) FROM radgroupreply WHERE groupname = 'grifo-fast'") == [(0,)]


def test_a_plan_may_have_its_own_group_for_a_rate(radius_lab: RadiusLab) -> None:
    prepared(radius_lab)
    radius_lab.set_item("radgroupreply", "groupname", "fast-100", "Mikrotik-Rate-Limit", ":=", "512k/1025k")
    driver = radius_lab.driver(groups=GROUPS, groups_for_plan={"plan-100": {"1024/512": "fast-100"}})
    Enforcer(driver).enforce(of_rate(FAST, 1))
    assert "Mikrotik-Rate-Limit = 512k/1025k" in radius_lab.login(ANA)
    assert driver.observe().of(entry(ANA, Access.FULL).key).rate == FAST


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"groups": {"throttled": "a", "fast/slow": "b"}}, "groups: rate 'fast/slow' is not written down/up"),
        ({"groups": {"portal": "a", "1/2": "b"}}, "a rate needs a group for throttled too"),
        ({"groups": {"throttled": "a", "1/2": "a"}}, "a stands for both throttled and 1/2"),
        ({"groups": {"throttled": "a"}, "groups_for_plan": {"p": {"1/2": "b"}}}, "p: 1/2 has no group under groups"),
        ({"groups": {"throttled": "a", "1/2": ""}}, "groups.1/2 must name a group"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_wrong_rate_is_named(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        settings_from({"database": "sqlite://", **wrong})
