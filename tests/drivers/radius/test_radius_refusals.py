"""Logins that the operator's own groups refuse: the commonest suspension by hand, found without being told of it."""

import pytest

from enforcement.access import Access
from enforcement.keys import Key, KeyType
from enforcement.plan import State
from tests.drivers.radius.radius_lab import Enforcer, RadiusLab, entry

pytestmark = pytest.mark.slow

ANA = "ana@isp"
KEY = Key(KeyType.USERNAME, ANA)
PAID = entry(ANA, Access.FULL)


def refuse(lab: RadiusLab, group: str, priority: int, op: str = ":=") -> None:
    """Ana is put into a group that refuses logins, as an operator's own tool would."""
    lab.seed(ANA)
    lab.put_into(ANA, group, priority)
    lab.set_item("radgroupcheck", "groupname", group, "Auth-Type", op, "Reject")


def said(lab: RadiusLab) -> str:
    return "\n".join(lab.driver().check())


@pytest.mark.parametrize(("group", "priority"), [("daloRADIUS-Disabled-Users", 0), ("cortados", 1), ("cortados", 10)])
def test_a_group_that_refuses_logins_obstructs_a_paid_customer_though_no_setting_names_it(
    radius_lab: RadiusLab, group: str, priority: int
) -> None:
    refuse(radius_lab, group, priority)
    enforcer = Enforcer(radius_lab.driver())
    assert radius_lab.login(ANA) == ["rejected"] or priority == 10
    assert enforcer.state(PAID, full=True) is State.OBSTRUCTED
    (words,) = enforcer.driver.observe({KEY}).of(KEY).obstructions
    assert words.startswith(f"radusergroup has group {group} at priority {priority}, which refuses every login")
    assert f"group {group} refuses every login" in said(radius_lab)


def test_what_our_own_restriction_hid_is_seen_once_it_is_lifted(radius_lab: RadiusLab) -> None:
    refuse(radius_lab, "cortados", 1)
    enforcer = Enforcer(radius_lab.driver())
    enforcer.enforce(entry(ANA, Access.PORTAL))
    assert "Mikrotik-Address-List = portal" in radius_lab.login(ANA)
    enforcer.enforce(entry(ANA, Access.FULL, 2))
    assert radius_lab.login(ANA) == ["rejected"]
    assert enforcer.state(entry(ANA, Access.FULL, 2)) is State.OBSTRUCTED


def test_a_refusing_group_behind_the_plan_obstructs_only_where_the_plan_falls_through(radius_lab: RadiusLab) -> None:
    refuse(radius_lab, "cortados", 99)
    enforcer = Enforcer(radius_lab.driver())
    assert radius_lab.login(ANA) != ["rejected"]
    assert enforcer.state(PAID, full=True) is State.VERIFIED
    radius_lab.set_item("radgroupreply", "groupname", "plan-100", "Fall-Through", "=", "Yes")
    assert radius_lab.login(ANA) == ["rejected"]
    assert enforcer.state(PAID, full=True) is State.OBSTRUCTED


def test_a_group_that_refuses_some_logins_is_named_with_its_condition_and_obstructs_nobody(
    radius_lab: RadiusLab,
) -> None:
    refuse(radius_lab, "no-vpn", 1)
    radius_lab.set_item("radgroupcheck", "groupname", "no-vpn", "NAS-Identifier", "==", "vpn")
    assert radius_lab.login(ANA) != ["rejected"]
    assert Enforcer(radius_lab.driver()).state(PAID, full=True) is State.VERIFIED
    assert "group no-vpn refuses logins with NAS-Identifier == vpn (radgroupcheck" in said(radius_lab)


@pytest.mark.servers
@pytest.mark.parametrize("radius_lab", ["freeradius"], indirect=True)
def test_a_comparison_with_reject_refuses_nobody(radius_lab: RadiusLab) -> None:
    """So a real FreeRADIUS has it, in radgroupcheck and in radcheck."""
    refuse(radius_lab, "odd", 1, op="==")
    radius_lab.set_item("radcheck", "username", ANA, "Auth-Type", "==", "Reject")
    assert radius_lab.login(ANA) != ["rejected"]
    assert Enforcer(radius_lab.driver()).state(PAID, full=True) is State.VERIFIED


def test_a_group_that_the_settings_name_is_no_problem_of_the_setup(radius_lab: RadiusLab) -> None:
    refuse(radius_lab, "suspended", 1)
    assert said(radius_lab) == ""
    assert Enforcer(radius_lab.driver()).state(PAID, full=True) is State.OBSTRUCTED


def test_the_plan_is_the_group_that_does_not_refuse(radius_lab: RadiusLab) -> None:
    refuse(radius_lab, "cortados", 1)
    radius_lab.set_item("radgroupreply", "groupname", "grifo-portal-100", "Framed-Pool", ":=", "pool-100")
    plans = {"plan-100": {"portal": "grifo-portal-100"}}
    Enforcer(radius_lab.driver(groups_for_plan=plans)).enforce(entry(ANA, Access.PORTAL))
    assert "Framed-Pool = pool-100" in radius_lab.login(ANA)
