"""What would happen: `POST /v1/simulations` for any policy and time, `GET /v1/today` for today's cuts. Nothing changes.

Both answer line by line (newline-delimited JSON), so that whoever asks sees the progress of long ones: lines with
`progress`, lines with `found`, and one with `end` as the last. An answer without `end` was cut off, and proves nothing.
"""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, Field

from controller.api.asks import Ask
from controller.api.auth import Operator, Reader
from controller.api.context import Context
from controller.api.paths import Given
from controller.api.problems import Problem, responses
from controller.api.telling import Tongue, headers_of, told
from controller.core.foresight import Assume, What
from controller.core.policy import Policy
from controller.policies import BadPolicy, read_policy
from controller.simulation import Found, Progress, Question, simulate
from controller.store.queries.foreseeing import Chosen
from controller.store.queries.freezing import sites_named
from languages.language import Language

router = APIRouter(prefix="/v1", tags=["foresight"], responses=responses(401, 403, 422, 503))

NDJSON = "application/x-ndjson"

LONGEST_WALK = timedelta(days=400)

_LINES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Lines of JSON: `progress` {done, of}, `found` {...}, and last `end` {counts, from, until}.",
        "content": {NDJSON: {"schema": {"type": "string"}}},
    }
}


class PolicyAsk(Ask):
    """A policy file, as it would be installed."""

    name: str = Field(min_length=1, max_length=64, description="The file's name without `.toml`.")
    content: str = Field(min_length=1, max_length=1_000_000, description="The file's content (TOML).")


class SimulationAsk(Ask):
    """What would happen, if nobody told of anything new."""

    at: AwareDatetime | None = Field(default=None, description="From when; default: now.")
    until: AwareDatetime | None = Field(default=None, description="Until when; default: at that instant alone.")
    policy: PolicyAsk | None = Field(default=None, description="Instead of the loaded one of that name, or of all.")
    against: PolicyAsk | None = Field(default=None, description="Tell only what this one would do otherwise.")
    account: str = Field(default="", max_length=64, description="Of this account alone.")
    site: str = Field(default="", max_length=64, description="Of services at this site alone.")
    notices: bool = Field(default=True, description="Assume that each notice is sent and delivered when it is due.")


@router.post("/simulations", response_class=StreamingResponse, responses=_LINES)
def simulation(context: Given, caller: Operator, ask: SimulationAsk, language: Tongue) -> StreamingResponse:
    """Who would be warned, cut and released, and what blocks the others; of live data, changing nothing."""
    start = ask.at or context.clock()
    until = ask.until or start
    if not start <= until <= start + LONGEST_WALK:
        raise Problem(422, f"body.until must not be before body.at, and at most {LONGEST_WALK.days} days after it")
    policy, against = _given(context, ask.policy, "policy"), _given(context, ask.against, "against")
    chosen = Chosen(_policies_of(context, policy), context.book.default, ask.account, _site(context, ask.site))
    assume = Assume(notices=ask.notices, fresh=True)
    question = Question(chosen, start, until, assume, policy, against, compare=ask.against is not None)
    return _told(context, question, language)


@router.get("/today", response_class=StreamingResponse, responses=_LINES)
def today(
    context: Given,
    caller: Reader,
    language: Tongue,
    site: Annotated[str, Query(max_length=64, description="Of services at this site alone.")] = "",
) -> StreamingResponse:
    """Who is to be cut before midnight in the operator's time zone, when and why, as all facts stand now."""
    now = context.clock()
    until = _midnight(context, now)
    chosen = Chosen(default=context.book.default, site=_site(context, site), by=until)
    wanted = frozenset({What.CUT, What.RELEASE})
    return _told(context, Question(chosen, now, until, Assume(notices=False, fresh=False)), language, wanted)


def _midnight(context: Context, now: datetime) -> datetime:
    local = now.astimezone(ZoneInfo(context.settings.timezone))
    start = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return start - timedelta(microseconds=1)


def _given(context: Context, ask: PolicyAsk | None, where: str) -> Policy | None:
    if ask is None:
        return None
    try:
        return read_policy(ask.name, ask.content.encode(), context.settings.policies)
    except BadPolicy as wrong:
        raise Problem(422, f"body.{where} is no policy that can be used:\n{wrong}") from None


def _policies_of(context: Context, policy: Policy | None) -> frozenset[str]:
    """Whose accounts: those of the policy of that name; of a new name, all."""
    return frozenset({policy.name}) if policy is not None and policy.name in context.book.policies else frozenset()


def _site(context: Context, site: str) -> str:
    if not site:
        return ""
    with context.database.read() as tx:
        known = sites_named(tx)
    if site not in known:
        named = ", ".join(sorted(known)) or "none yet"
        raise Problem(422, f"No device is at a site {site!r}; the sites are: {named}.")
    return site


def _told(
    context: Context, question: Question, language: Language, wanted: frozenset[What] = frozenset(What)
) -> StreamingResponse:
    lines = _lines(context, question, language, wanted)
    return StreamingResponse(lines, media_type=NDJSON, headers=headers_of(language))


def _lines(context: Context, question: Question, language: Language, wanted: frozenset[What]) -> Iterator[str]:
    counts: Counter[str] = Counter()
    for one in simulate(context.database, context.book, question):
        if isinstance(one, Progress):
            yield _line("progress", {"done": one.done, "of": one.of})
        elif one.foreseen.what in wanted:
            counts[one.foreseen.what] += 1
            yield _line("found", _shown(one, language))
    ends = {"from": question.start.isoformat(), "until": question.until.isoformat()}
    yield _line("end", {"counts": {what.value: counts[what] for what in What if what in wanted}, **ends})


def _line(kind: str, body: dict[str, Any]) -> str:
    return json.dumps({kind: body}, ensure_ascii=False) + "\n"


def _shown(found: Found, language: Language) -> dict[str, Any]:
    one = found.foreseen
    blocks = [
        {"code": str(block.code), "text": told(language, block.text), "until": _text(block.until)}
        for block in one.blocks
    ]
    return {
        "account": found.account,
        "service": one.service,
        "kind": one.kind.value,
        "sites": sorted(found.sites),
        "policy": found.policy,
        "what": one.what.value,
        "at": _text(one.at) if found.here else None,
        "against_at": _text(found.against_at),
        "stage": one.stage,
        "access": one.access.value,
        "text": told(language, one.text),
        "blocks": blocks,
    }


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
