"""Sentences come back from the store as they were said, with what they were made of."""

import json
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from controller.core.wording import At, Money, Said, say
from controller.said import from_json, to_json


def test_a_sentence_comes_back_with_its_template_and_values() -> None:
    at = datetime(2026, 3, 3, 10, tzinfo=UTC)
    inner = say("since {day}", day=date(2026, 3, 1))
    values = {
        "n": 3,
        "owed": (Money(2990, "EUR"),),
        "at": At(at, ZoneInfo("Europe/Madrid")),
        "inner": inner,
        "id": "F-1",
    }
    said = say("{n} invoices ({id}) of {owed} at {at}, {inner}", **values)  # type: ignore[arg-type]
    found = from_json(json.loads(json.dumps(to_json(said))))
    assert isinstance(found, Said)
    assert (found, found.template, dict(found.values)) == (said, said.template, values)
    assert isinstance(found.values["inner"], Said)


def test_a_plain_text_stays_one() -> None:
    assert to_json("as it is") == {"text": "as it is"}
    assert from_json({"text": "as it is"}) == "as it is"
