"""`grifo why` and `grifo timeline`: one service on one screen. What is told in one place is not repeated in another."""

import re
from collections.abc import Iterator

from rich.text import Text

from cli.session import Session
from cli.words import Data, marked, obstructed_open, section, seen, word

_OUR_ID = re.compile(r" ?\b[oh]-[0-9a-f]{32}\b")
"""The ids that the controller gives to orders and holds: nobody asks for them by it."""

SHORTCOMINGS = ("contested", "device_cannot", "no_binding")
"""The blocks that keep what was decided from being enforced; the others keep the next stage from being decided."""

_TELL_WHEN = frozenset(
    {
        "hold",
        "part_payment",
        "payment_clearing",
        "window",
        "notice_lead",
        "notice_date",
        "too_young",
        "rule_not_in_force",
    }
)
"""The blocks whose words say themselves when they end."""

AT_MOST = 8
"""Facts of one kind that fit on a screen; `--json` has them all."""

_KINDS = {
    "invoice": marked("invoice"),
    "return": marked("return"),
    "notice": marked("notice"),
    "approval": marked("approval"),
    "suspension": marked("suspension"),
    "payment": marked("payment"),
    "hold": marked("hold"),
    "order": marked("order"),
    "port": marked("port"),
    "rule": marked("rule"),
}


def service(screen: Session, data: Data) -> None:
    """`grifo why`: everything about one service on one screen."""
    say = screen.console.print
    title = screen.phrase("{kind}, account {account}: ", kind=data["kind"], account=data["account"])
    head = Text.assemble((data["service"], "bold"), f"  {title}", word(data["access"]))
    say(Text.assemble(head, *(f"; {part}" for part in _standing(screen, data)), _alarm(screen, data)))
    for reason in data["reasons"]:
        because = screen.phrase("because {reason}", reason=reason["reason"])
        say(Text.assemble("  ", (because, "bold"), f" ({reason['access']}): {_why(screen, data, reason)}"))
    _evidence(screen, data)
    _orders_and_holds(screen, data)
    _entries(screen, data["entries"])
    _next(screen, data)
    section(screen, screen.phrase("what would restore it"), data["restored_by"])
    if data["decided_at"]:
        at, version = screen.local(data["decided_at"]), data["policy_version"][:12]
        words = screen.phrase(
            "decided {at} by policy {policy} ({version})", at=at, policy=data["policy"], version=version
        )
        say(Text(words, style="dim"))


def _standing(screen: Session, data: Data) -> Iterator[str]:
    if data["stage"]:
        since = screen.local(data["stage_since"])
        yield screen.phrase("stage {stage} since {since}", stage=data["stage"], since=since)
    if data["ended_at"]:
        yield screen.phrase("ended {at}", at=screen.local(data["ended_at"]))
    if data["being_reviewed"]:
        yield screen.phrase("being reviewed")
    yield _applied(screen, data) if data["entries"] else screen.phrase("bound to no device")


def _applied(screen: Session, data: Data) -> str:
    if data["applied"]:
        return screen.phrase("read back from every device")
    if unenforced(data):
        return screen.phrase("ENFORCED NOWHERE")
    if shortcomings(data):
        return screen.phrase("not on every device")
    return screen.phrase("not yet so on every device")


def unenforced(data: Data) -> bool:
    """Decided to be restricted, and no device is even told to restrict it."""
    live = [entry for entry in data["entries"] if not entry["ended"]]
    return data["access"] != "full" and all(entry["access"] == "full" for entry in live)


def shortcomings(data: Data) -> list[str]:
    """What keeps the decision from being enforced, in words."""
    if data["access"] == "full":
        return []
    return [block["text"] for block in data["blocks"] if block["code"] in SHORTCOMINGS]


def _alarm(screen: Session, data: Data) -> Text:
    cut = any(obstructed_open(entry) for entry in data["entries"])
    words = "; " + screen.phrase("SOMETHING THAT IS NOT GRIFO'S RESTRICTS IT")
    return Text(words if cut else "", style="bold red")


def _why(screen: Session, data: Data, reason: Data) -> str:
    """A reason in words; for an order's the order itself, whose instants are then in the operator's zone."""
    for order in data["orders"]:
        if order["order"] == reason["ref"]:
            return _order(screen, order)
    return without_our_ids(str(reason["text"]))


def without_our_ids(text: str) -> str:
    """The same words without the ids of our own making."""
    return _OUR_ID.sub("", text)


def _evidence(screen: Session, data: Data) -> None:
    known = {order["order"] for order in data["orders"]} | {hold["hold"] for hold in data["holds"]}
    facts: dict[str, list[str]] = {}
    for fact in data["evidence"]:
        if fact["ref"] not in known:
            facts.setdefault(fact["kind"], []).append(_fact(screen, fact))
    lines = []
    for kind, told in facts.items():
        lines += told[:AT_MOST]
        if len(told) > AT_MOST:
            more = screen.phrase("and {n} more (--json shows them)", n=len(told) - AT_MOST)
            lines.append(f"{_kind(screen, kind)}: {more}")
    section(screen, screen.phrase("it stands on"), lines)


def _fact(screen: Session, fact: Data) -> str:
    """A rule's text begins with its stage, which is its ref."""
    kind = _kind(screen, fact["kind"])
    return f"{kind} {fact['text']}" if fact["kind"] == "rule" else f"{kind} {fact['ref']}: {fact['text']}"


def _kind(screen: Session, kind: str) -> str:
    return screen.client.language.word(_KINDS.get(kind, kind))


def _orders_and_holds(screen: Session, data: Data) -> None:
    told = {reason["ref"] for reason in data["reasons"]}
    orders = [one for one in data["orders"] if one["order"] not in told]
    lines = [f"{one['reason']} ({one['access']}) {_order(screen, one)}" for one in orders]
    section(screen, screen.phrase("orders in force"), lines)
    holding = [_hold(screen, one) for one in data["holds"] if not one["why_not"]]
    section(screen, screen.phrase("holds"), holding)
    broken = [f"{_hold(screen, one)} - {one['why_not']}" for one in data["holds"] if one["why_not"]]
    section(screen, screen.phrase("holds that do not hold"), broken)


def _order(screen: Session, order: Data) -> str:
    since = screen.phrase("since {at}", at=screen.local(order["since"]))
    return f"{since}{_until(screen, order)} {_by(screen, order)}"


def _hold(screen: Session, hold: Data) -> str:
    since = screen.phrase("since {at}", at=screen.local(hold["since"]))
    return f"{hold['kind']} {since}{_until(screen, hold)} {_by(screen, hold)}"


def _by(screen: Session, data: Data) -> str:
    return screen.phrase("by {author}: {note}", author=data["author"], note=data["note"])


def _until(screen: Session, data: Data) -> str:
    return " " + screen.phrase("until {at}", at=screen.local(data["until"])) if data["until"] else ""


def _entries(screen: Session, entries: list[Data]) -> None:
    if not entries:
        return
    table = screen.table("device", "key", "wanted", "seen", "state", "since", "mode", "detail")
    for entry in entries:
        told = (entry["device"], entry["key"], word(entry["access"]), seen(screen, entry), word(entry["state"]))
        ages = (screen.ago(entry["state_at"]) if entry["state_at"] else "-", word(entry["mode"]))
        table.add_row(*told, *ages, Text(entry["detail"]))
    screen.console.print(table)
    read = {entry["device"]: screen.ago(entry["full_read_at"]) for entry in entries}
    told_of = "; ".join(f"{device} {age}" for device, age in read.items())
    screen.console.print(Text(screen.phrase("devices last read in full: {devices}", devices=told_of), style="dim"))


def _next(screen: Session, data: Data) -> None:
    say = screen.console.print
    for text in shortcomings(data):
        say(Text(screen.phrase("not enforced: {why}", why=text), style="red"))
    if data["next_stage"]:
        say(Text.assemble((screen.phrase("what comes next: "), "bold"), data["next_rule"] or data["next_stage"]))
    for block in data["blocks"]:
        if block["text"] not in shortcomings(data):
            until = "" if block["code"] in _TELL_WHEN else _until(screen, block)
            say(Text("  " + screen.phrase("not yet: {why}", why=without_our_ids(block["text"]) + until)))
    _due(screen, data)
    if data["waits_for"] == "approval":
        asked = {"service": data["service"], "stage": data["next_stage"]}
        say(
            Text(
                "  " + screen.phrase("to say yes: grifo approve {service} {stage} --note ...", **asked), style="yellow"
            )
        )
    if data["review_at"] and not data["being_reviewed"]:
        say(Text(screen.phrase("looked at again {at}", at=screen.local(data["review_at"]))))


def _due(screen: Session, data: Data) -> None:
    due = data["notice_due"]
    if due:
        what = {"stage": due["stage"], "message": due["template"] or "-", "day": due["names_date"]}
        words = screen.phrase(
            "notice of {stage} to send ({message}) from {at}; it can name {day}",
            **what,
            at=screen.local(due["send_at"]),
        )
        screen.console.print(Text(f"  {words}"))


def timeline(screen: Session, data: Data) -> None:
    """`grifo timeline KEY`: oldest first, as one reads."""
    table = screen.table("at", "what", "who", "")
    for item in reversed(data["items"]):
        table.add_row(screen.local(item["at"]), item["kind"], Text(item["actor"]), Text(without_our_ids(item["text"])))
    screen.console.print(table)


def timeline_named(screen: Session, data: Data) -> None:
    """One of several timelines, under its service's name."""
    account = screen.phrase("account {account}", account=data["account"])
    screen.console.print(Text(f"{data['service']}  {account}", style="bold"))
    timeline(screen, data)


def happened(screen: Session, data: Data) -> None:
    """`grifo timeline --all` or `--device`: newest first, as one looks for what has just been done."""
    table = screen.table("at", "what", "who", "device", "service", "")
    for item in data["items"]:
        where = (item["device"] or "-", item["service"] or item["account"] or "-")
        words = Text(without_our_ids(item["text"]))
        table.add_row(screen.local(item["at"]), item["kind"], Text(item["actor"]), *where, words)
    screen.console.print(table)
