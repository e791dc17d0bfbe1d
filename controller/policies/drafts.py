"""Policies of countries for whose law there are no floors here: used under a person's name, and said to be drafts.

Nothing but prudence keeps such a file from being unlawful. Its table `draft` says who takes that on, when and why.
"""

from datetime import date

from controller.core.policy import Draft
from controller.policies.law import LAW
from controller.policies.overrides import NAME, REASON
from controller.policies.table import Table
from controller.policies.values import DAY

_NEEDED = (
    "is missing: nobody has written floors of law for country {country}. A person who answers for this policy says so: "
    "[draft] with accepted_by, accepted_on and reason"
)


def read_draft(table: Table, country: str) -> Draft | None:
    """Who accepted the file as a draft; complains where nobody did and the country has no floors, and where it has."""
    found = table.table_or_none("draft")
    draft = _draft(found)
    if country and country not in LAW and found is None:
        table.complain("draft", _NEEDED.format(country=country))
    if country in LAW and found is not None:
        table.complain("draft", f"is for countries without floors of law; {country} has them: remove it")
    return draft


def _draft(table: Table | None) -> Draft | None:
    if table is None:
        return None
    draft = Draft(
        accepted_by=table.read("accepted_by", NAME, "", "Who answers for it."),
        accepted_on=table.read("accepted_on", DAY, date.min, "When."),
        reason=table.read("reason", REASON, "", "What was looked at: the law, and by whom."),
    )
    table.done()
    return draft
