"""`grifo why` and `grifo timeline`: one service on one screen. What is told in one place is not repeated in another."""

import re

from rich.text import Text

from cli.session import Session
from cli.words import Data, obstructed_open, section, seen, word

_OUR_ID = re.compile(r" ?\b[oh]-[0-9a-f]{32}\b")
"""The ids that the controller gives to orders and holds: nobody asks for them by it."""

SHORTCOMINGS = ("contested", "device_cannot", "no_binding")
"""The blocks that keep what was decided from being enforced; the others keep the next stage from being decided."""


def service(screen: Session, data: Data) -> None:
    """`grifo why`: everything about one service on one screen."""
    say = screen.console.print
    title = Text.assemble((data["service"], "bold"), f"  {data['kind']}, account {data['account']}: ")
    say(Text.assemble(title, word(data["access"]), _standing(screen, data), _alarm(data)))
    for reason in data["reasons"]:
        say(
            Text.assemble(
                "  because ", (reason["reason"], "bold"), f" ({reason['access']}): {_why(screen, data, reason)}"
            )
        )
    _evidence(screen, data)
    told = {reason["ref"] for reason in data["reasons"]}
    orders = [order for order in data["orders"] if order["order"] not in told]
    section(screen, "orders in force", [f"{one['reason']} ({one['access']}) {_order(screen, one)}" for one in orders])
    section(screen, "holds", [_hold(screen, hold) for hold in data["holds"]])
    _entries(screen, data["entries"])
    _next(screen, data)
    section(screen, "what would restore it", data["restored_by"])
    if data["decided_at"]:
        version = f"policy {data['policy']} ({data['policy_version'][:12]})"
        say(Text(f"decided {screen.local(data['decided_at'])} by {version}", style="dim"))


def _standing(screen: Session, data: Data) -> str:
    parts = []
    if data["stage"]:
        parts.append(f"stage {data['stage']} since {screen.local(data['stage_since'])}")
    if data["ended_at"]:
        parts.append(f"ended {screen.local(data['ended_at'])}")
    if data["being_reviewed"]:
        parts.append("being reviewed")
    parts.append(_applied(data) if data["entries"] else "bound to no device")
    return "; " + "; ".join(parts)


def _applied(data: Data) -> str:
    if data["applied"]:
        return "read back from every device"
    if unenforced(data):
        return "ENFORCED NOWHERE"
    return "not on every device" if shortcomings(data) else "not yet so on every device"


def unenforced(data: Data) -> bool:
    """Decided to be restricted, and no device is even told to restrict it."""
    live = [entry for entry in data["entries"] if not entry["ended"]]
    return data["access"] != "full" and all(entry["access"] == "full" for entry in live)


def shortcomings(data: Data) -> list[str]:
    """What keeps the decision from being enforced, in words."""
    if data["access"] == "full":
        return []
    return [block["text"] for block in data["blocks"] if block["code"] in SHORTCOMINGS]


def _alarm(data: Data) -> Text:
    cut = any(obstructed_open(entry) for entry in data["entries"])
    return Text("; SOMETHING THAT IS NOT GRIFO'S RESTRICTS IT" if cut else "", style="bold red")


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
    facts = [fact for fact in data["evidence"] if fact["ref"] not in known]
    section(screen, "it stands on", [f"{fact['kind']} {fact['ref']}: {fact['text']}" for fact in facts])


def _order(screen: Session, order: Data) -> str:
    return f"since {screen.local(order['since'])}{_until(screen, order)} by {order['author']}: {order['note']}"


def _hold(screen: Session, hold: Data) -> str:
    since = f"{hold['kind']} since {screen.local(hold['since'])}"
    return f"{since}{_until(screen, hold)} by {hold['author']}: {hold['note']}"


def _until(screen: Session, data: Data) -> str:
    return f" until {screen.local(data['until'])}" if data["until"] else ""


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
    screen.console.print(Text(f"devices last read in full: {told_of}", style="dim"))


def _next(screen: Session, data: Data) -> None:
    say = screen.console.print
    for text in shortcomings(data):
        say(Text(f"not enforced: {text}", style="red"))
    if data["next_stage"]:
        say(Text.assemble(("what comes next: ", "bold"), data["next_stage"]))
    for block in data["blocks"]:
        if block["text"] not in shortcomings(data):
            until = "" if " until " in block["text"] else _until(screen, block)
            say(Text(f"  not yet: {without_our_ids(block['text'])}{until}"))
    if data["review_at"] and not data["being_reviewed"]:
        say(Text(f"looked at again {screen.local(data['review_at'])}"))


def timeline(screen: Session, data: Data) -> None:
    """`grifo timeline KEY`: oldest first, as one reads."""
    table = screen.table("at", "what", "who", "")
    for item in reversed(data["items"]):
        table.add_row(screen.local(item["at"]), item["kind"], Text(item["actor"]), Text(without_our_ids(item["text"])))
    screen.console.print(table)


def timeline_named(screen: Session, data: Data) -> None:
    """One of several timelines, under its service's name."""
    screen.console.print(Text(f"{data['service']}  account {data['account']}", style="bold"))
    timeline(screen, data)


def happened(screen: Session, data: Data) -> None:
    """`grifo timeline --all` or `--device`: newest first, as one looks for what has just been done."""
    table = screen.table("at", "what", "who", "device", "service", "")
    for item in data["items"]:
        where = (item["device"] or "-", item["service"] or item["account"] or "-")
        words = Text(without_our_ids(item["text"]))
        table.add_row(screen.local(item["at"]), item["kind"], Text(item["actor"]), *where, words)
    screen.console.print(table)
