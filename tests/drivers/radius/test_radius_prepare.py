"""What RADIUS needs before it can restrict: told exactly, installed where it is rows, never touching the operator's."""

from drivers.base import Step, StepState
from enforcement.access import Access
from tests.drivers.radius.radius_lab import Enforcer, RadiusLab, entry

ANA = "ana@isp"
REPLIES = {
    "throttled": {"Mikrotik-Rate-Limit": "1M/1M"},
    "portal": {"Mikrotik-Rate-Limit": "512k/512k", "Mikrotik-Address-List": "portal"},
}


def by_place(steps: object) -> dict[str, Step]:
    return {step.where: step for step in steps}  # type: ignore[attr-defined]


def plan_only(lab: RadiusLab) -> None:
    """A customer of a plan with a pool, a limit of sessions and a timeout; grifo's groups have no rows yet."""
    lab.seed(ANA)
    lab.sql("DELETE FROM radgroupreply WHERE groupname <> 'plan-100'")
    lab.set_item("radgroupreply", "groupname", "plan-100", "Acct-Interim-Interval", "=", "600")
    lab.set_item("radgroupcheck", "groupname", "plan-100", "Simultaneous-Use", ":=", "1")


def test_what_is_missing_is_told_and_nothing_is_written(radius_lab: RadiusLab) -> None:
    plan_only(radius_lab)
    before = radius_lab.dump()
    steps = by_place(radius_lab.driver(replies=REPLIES).prepare(install=False))
    assert steps["table grifo_marks"].state is StepState.MISSING
    assert steps["table grifo_marks"].text.startswith("CREATE TABLE grifo_marks ( username ")
    throttled = steps[f"{radius_lab.prefix}radgroupreply, group grifo-throttled (throttled)"]
    table = f"INSERT INTO {radius_lab.prefix}radgroupreply (groupname, attribute, op, value) VALUES "
    assert throttled.state is StepState.MISSING
    assert throttled.text.splitlines() == [
        f"{table}('grifo-throttled', 'Class', ':=', 'grifo-throttled');",
        f"{table}('grifo-throttled', 'Mikrotik-Rate-Limit', ':=', '1M/1M');",
        f"{table}('grifo-throttled', 'Framed-Pool', ':=', 'pool-active');",
        f"{table}('grifo-throttled', 'Acct-Interim-Interval', '=', '600');",
    ]
    check = steps[f"{radius_lab.prefix}radgroupcheck, group grifo-portal (portal)"]
    assert "'Simultaneous-Use', ':=', '1'" in check.text
    assert radius_lab.dump() == before


def test_what_is_installed_makes_a_login_restricted_and_keeps_the_rest_of_its_plan(radius_lab: RadiusLab) -> None:
    plan_only(radius_lab)
    before = radius_lab.dump()
    driver = radius_lab.driver(replies=REPLIES)
    steps = driver.prepare(install=True)
    assert {step.state for step in steps} == {StepState.INSTALLED, StepState.BY_HAND}
    again = driver.prepare(install=True)
    assert {step.state for step in again} == {StepState.PRESENT, StepState.BY_HAND}
    after = radius_lab.dump()
    assert all(row in after[table] for table, rows in before.items() for row in rows)
    Enforcer(driver).enforce(entry(ANA, Access.PORTAL))
    login = radius_lab.login(ANA)
    for given in ("Mikrotik-Address-List = portal", "Mikrotik-Rate-Limit = 512k/512k", "Framed-Pool = pool-active"):
        assert given in login
    assert driver.check() == []


def test_plans_that_differ_ask_for_a_group_each(radius_lab: RadiusLab) -> None:
    plan_only(radius_lab)
    radius_lab.set_item("radgroupreply", "groupname", "plan-300", "Framed-Pool", ":=", "pool-300")
    radius_lab.put_into("bea@isp", "plan-300", 10)
    steps = by_place(radius_lab.driver(replies=REPLIES).prepare(install=True))
    step = steps[
        f"settings, for {radius_lab.prefix}radgroupreply, group grifo-portal (portal)".replace(" (portal)", "")
    ]
    assert step.state is StepState.BY_HAND
    assert 'groups_for_plan."plan-300" = { portal = "grifo-portal-plan-300" }' in step.text
    assert "Framed-Pool" in step.note
    asked = "SELECT value FROM radgroupreply WHERE attribute = 'Framed-Pool' AND groupname LIKE 'grifo-portal%'"
    assert radius_lab.sql(asked) == []
    own = {plan: {"portal": f"grifo-portal-{plan}"} for plan in ("plan-100", "plan-300")}
    radius_lab.driver(replies=REPLIES, groups_for_plan=own).prepare(install=True)
    assert sorted(radius_lab.sql(asked)) == [("pool-300",), ("pool-active",)]


def test_a_group_that_the_operator_wrote_is_only_given_what_it_lacks(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    radius_lab.sql("DELETE FROM radgroupreply WHERE groupname = 'grifo-portal' AND attribute = 'Class'")
    radius_lab.sql("UPDATE radgroupreply SET op = '=' WHERE groupname = 'grifo-portal'")
    before = radius_lab.dump()["radgroupreply"]
    radius_lab.driver().prepare(install=True)
    after = radius_lab.dump()["radgroupreply"]
    assert [row[1:] for row in after if row not in before] == [("grifo-portal", "Class", ":=", "grifo-portal")]
    assert [row for row in before if row not in after] == []


def test_a_group_that_nobody_described_asks_for_its_description(radius_lab: RadiusLab) -> None:
    plan_only(radius_lab)
    steps = by_place(radius_lab.driver(session_class=False).prepare(install=True))
    step = steps[f"{radius_lab.prefix}radgroupreply, group grifo-throttled (throttled)"]
    assert step.state is StepState.BY_HAND
    assert "replies.throttled" in step.text
    assert [row for row in radius_lab.dump()["radgroupreply"] if row[1] != "plan-100"] == []


def test_files_and_routers_are_for_a_person(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas()
    settings = radius_lab.nas_settings(nas, profile="mikrotik", coa_class=True)
    steps = by_place(radius_lab.driver(settings).prepare(install=True))
    router = steps["NAS 127.0.0.1 (MikroTik RouterOS 7 (PPP, hotspot))"]
    assert (router.state, router.text) == (StepState.BY_HAND, f"/radius incoming set accept=yes port={nas.port}")
    assert "column_name" in steps["queries.conf, section class"].text
    assert "%{Class}" in steps["queries.conf, section interim-update"].text
