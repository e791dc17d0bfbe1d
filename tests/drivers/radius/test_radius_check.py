"""check() reads the setup and says, before it matters, what would keep a restriction from reaching a login."""

from collections.abc import Iterator
from typing import Any

import pytest

from drivers.base import StepState
from enforcement.access import Access
from tests.drivers.radius.radius_lab import TABLES, Enforcer, RadiusLab, entry

ANA = "ana@isp"


def said(lab: RadiusLab, *nases: dict[str, Any]) -> str:
    return "\n".join(lab.driver(*nases).check())


def test_a_plan_that_would_overwrite_a_restriction_is_named_and_it_truly_would(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    radius_lab.set_item("radgroupreply", "groupname", "grifo-throttled", "Fall-Through", "=", "Yes")
    words = said(radius_lab)
    assert "group grifo-throttled has Fall-Through = Yes" in words
    assert "overwritten by plan-100 (Framed-Pool, Mikrotik-Rate-Limit)" in words
    Enforcer(radius_lab.driver()).enforce(entry(ANA, Access.THROTTLED))
    assert "Mikrotik-Rate-Limit = 100M/100M" in radius_lab.login(ANA)


def test_users_whose_own_reply_goes_before_a_weak_group_are_named_and_it_truly_does(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    radius_lab.sql(
        "UPDATE radgroupreply SET op = '=' WHERE groupname = 'grifo-throttled' AND attribute = 'Mikrotik-Rate-Limit'"
    )
    radius_lab.set_item("radreply", "username", ANA, "Mikrotik-Rate-Limit", ":=", "300M/300M")
    assert "sets Mikrotik-Rate-Limit with =" in said(radius_lab)
    assert f"1 users have their own: {ANA}" in said(radius_lab)
    Enforcer(radius_lab.driver()).enforce(entry(ANA, Access.THROTTLED))
    assert "Mikrotik-Rate-Limit = 300M/300M" in radius_lab.login(ANA)


def test_a_strong_group_goes_before_a_users_own_reply(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    radius_lab.set_item("radreply", "username", ANA, "Mikrotik-Rate-Limit", ":=", "300M/300M")
    assert said(radius_lab) == ""
    Enforcer(radius_lab.driver()).enforce(entry(ANA, Access.THROTTLED))
    assert "Mikrotik-Rate-Limit = 1M/1M" in radius_lab.login(ANA)


def test_a_user_without_a_password_row_is_restricted_all_the_same(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    radius_lab.set_item("radgroupcheck", "groupname", "grifo-portal", "Cleartext-Password", ":=", "pw")
    radius_lab.sql("DELETE FROM radcheck")
    Enforcer(radius_lab.driver()).enforce(entry(ANA, Access.PORTAL))
    assert "Mikrotik-Address-List = portal" in radius_lab.login(ANA)


def test_a_customer_with_an_address_of_his_own_escapes_a_walled_pool(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    radius_lab.set_item("radreply", "username", ANA, "Framed-IP-Address", ":=", "198.51.100.9")
    assert f"the pool of grifo-portal does not move them: {ANA}" in said(radius_lab)


def test_a_group_that_some_logins_go_past_is_shown_with_its_condition(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    radius_lab.set_item("radgroupcheck", "groupname", "grifo-portal", "NAS-Identifier", "==", "far")
    assert "group grifo-portal applies only where NAS-Identifier == far" in said(radius_lab)
    Enforcer(radius_lab.driver()).enforce(entry(ANA, Access.PORTAL))
    assert "Mikrotik-Address-List = portal" not in radius_lab.login(ANA)


def test_what_is_repeated_from_a_plan_as_the_plan_has_it_is_no_problem(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    for group in ("plan-100", "grifo-portal", "grifo-throttled"):
        radius_lab.set_item("radgroupreply", "groupname", group, "Idle-Timeout", "=", "600")
    assert said(radius_lab) == ""


def test_an_ipv6_nas_whose_address_the_column_cuts_off_is_told(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    (radius_lab.folder / "secret").write_text("hush")
    where = {"address": "2001:db8:aaaa:bbbb::1", "secret_file": str(radius_lab.folder / "secret")}
    nas = where | {"timeout_seconds": 0.1, "tries": 1}
    words = said(radius_lab, nas)
    cut = radius_lab.engine.dialect.name == "mysql"
    assert ("radacct.nasipaddress holds 15 characters" in words) is cut


@pytest.fixture
def bare(radius_lab: RadiusLab) -> Iterator[dict[str, str]]:
    """Tables of the operator's that were copied by hand, without their indexes; the settings that name them."""
    copies = {table: f"bare_{table}" for table in ("radusergroup", "radcheck", "radreply", "radacct")}
    for table, copy in copies.items():
        radius_lab.sql(f"CREATE TABLE {copy} AS SELECT * FROM {table}")
    yield {table: radius_lab.prefix + table for table in TABLES} | copies
    for copy in copies.values():
        radius_lab.sql(f"DROP TABLE {copy}")


def test_a_table_without_the_index_that_finds_one_customer_is_told_until_it_has_it(
    radius_lab: RadiusLab, bare: dict[str, str]
) -> None:
    slow = [words for words in radius_lab.driver(tables=bare).check() if "no index" in words]
    assert [words.partition(" ")[0] for words in slow] == [
        "bare_radusergroup",
        "bare_radcheck",
        "bare_radreply",
        "bare_radacct",
    ]
    steps = radius_lab.driver(tables=bare).prepare(install=True)
    with radius_lab.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as by_hand:
        for step in steps:
            if step.text.startswith("CREATE INDEX"):
                assert step.state is StepState.BY_HAND
                by_hand.exec_driver_sql(step.text)
    assert not [words for words in radius_lab.driver(tables=bare).check() if "no index" in words]
