"""What a person sees of holds, outages, tasks, notices and numbers. Each function draws one answer of the API."""

from rich.text import Text

from cli import screens
from cli.session import Session
from cli.words import Data, word


def ordered(screen: Session, data: Data) -> None:
    """An account after an order about it."""
    table = screen.table("service", "kind", "access")
    for service in data["services"]:
        table.add_row(service["service"], service["kind"], word(service["access"]))
    screen.console.print(table)
    screen.say(data["told"])


def holds(screen: Session, data: list[Data]) -> None:
    """`grifo hold list`."""
    table = screen.table("hold", "kind", "account", "service", "until", "look again", "by", "note")
    for hold in data:
        review = Text(str(hold["review_on"] or "-"), style="bold red" if hold["overdue"] else "")
        beyond = ", " + screen.phrase("beyond the policy") if hold["beyond"] else ""
        whose = (hold["hold"], hold["kind"] + beyond, hold["account"], hold["service"] or screen.phrase("all"))
        table.add_row(*whose, screen.local(hold["until"]), review, hold["author"], Text(hold["note"]))
    screen.console.print(table)


def outages(screen: Session, data: list[Data]) -> None:
    """`grifo outage list`."""
    table = screen.table("number", "where", "services", "since", "until", "by", "note")
    for one in data:
        where = one["device"] or screen.phrase("site {site}", site=one["site"])
        when = (screen.local(one["since"]), screen.local(one["until"]))
        table.add_row(str(one["outage"]), where, str(one["services"]), *when, one["author"], Text(one["note"]))
    screen.console.print(table)


def tasks(screen: Session, data: Data) -> None:
    """`grifo tasks`."""
    if not any(data.values()):
        screen.say(screen.phrase("Nothing waits for people."), "green")
        return
    _waiting(screen, screen.phrase("to approve or refuse (grifo approve KEY STAGE)"), data["approvals"])
    _waiting(screen, screen.phrase("for a person"), data["persons"])
    if data["unmatched"]:
        _unmatched(screen, data["unmatched"], len(data["unmatched"]))
    if data["conflicts"]:
        _title(screen, screen.phrase("conflicts to settle (grifo conflict settle NUMBER)"))
        screens.conflicts(screen, data["conflicts"])
    if data["holds"]:
        _title(screen, screen.phrase("holds to look at again"))
        holds(screen, data["holds"])
    if data["pins"]:
        _title(screen, screen.phrase("held open at their sites (grifo restore KEY --for 3d makes it a hold)"))
        pins(screen, data["pins"])
    if data["brakes"]:
        waiting = sum(brake["waiting"] for brake in data["brakes"])
        _title(screen, screen.phrase("{n} services wait for a brake (grifo brake approve POLICY DEVICE)", n=waiting))
        screens.brakes(screen, data["brakes"])


def pins(screen: Session, data: list[Data]) -> None:
    """What hands at sites hold open."""
    table = screen.table("device", "service", "account", "key", "state", "since", "detail")
    for row in data:
        whose = (row["device"], row["service"], row["account"], row["key"], word(row["state"]))
        table.add_row(*whose, screen.local(row["since"]), Text(row["detail"]))
    screen.console.print(table)


def _title(screen: Session, words: str) -> None:
    screen.console.print(Text(words, style="bold"))


def _waiting(screen: Session, title: str, rows: list[Data]) -> None:
    if not rows:
        return
    _title(screen, title)
    table = screen.table("service", "account", "stage", "since", "")
    for row in rows:
        table.add_row(row["service"], row["account"], row["stage"], screen.local(row["since"]), Text(row["text"]))
    screen.console.print(table)


def nobodys(screen: Session, data: Data) -> None:
    """`grifo unmatched`."""
    if not data["payments"] and not data["returns"]:
        screen.say(screen.phrase("Everything is attributed."), "green")
    if data["payments"]:
        _unmatched(screen, data["payments"], data["payments_in_all"])
    if data["returns"]:
        _title(screen, screen.phrase("{n} returns of collections that nobody has told of", n=data["returns_in_all"]))
        table = screen.table("collection", "code", "returned on", "amount", "source")
        for row in data["returns"]:
            table.add_row(row["collection"], row["code"], row["returned_on"], str(row["amount"]), row["source"])
        screen.console.print(table)


def _unmatched(screen: Session, rows: list[Data], in_all: int) -> None:
    title = screen.phrase(
        "{n} payments that nobody has attributed: who may have made them is not newly restricted", n=in_all
    )
    _title(screen, title)
    table = screen.table("payment", "amount", "received", "source", "may be of")
    for row in rows:
        amount = f"{row['amount']} {row['currency']}"
        what = (row["payment"], amount, screen.local(row["received_at"]), row["source"])
        table.add_row(*what, ", ".join(row["candidates"]) or "-")
    screen.console.print(table)


def notices(screen: Session, data: list[Data]) -> None:
    """`grifo notices due`."""
    table = screen.table("account", "service", "stage", "template", "send at", "names")
    for row in data:
        whose = (row["account"], row["service"], row["stage"], row["template"] or "-")
        table.add_row(*whose, screen.local(row["send_at"]), row["names_date"])
    screen.console.print(table)


def numbers(screen: Session, data: list[Data]) -> None:
    """`grifo number list`."""
    table = screen.table("number", "state", "since", "service", "account")
    for row in data:
        table.add_row(row["number"], word(row["state"]), screen.local(row["since"]), row["service"], row["account"])
    screen.console.print(table)


def number(screen: Session, data: Data) -> None:
    """`grifo number show`."""
    numbers(screen, [data])
    table = screen.table("at", "state", "service", "account", "")
    for row in data["history"]:
        whose = (row["service"], row["account"])
        table.add_row(screen.local(row["at"]), word(row["state"]), *whose, Text(row["text"]))
    screen.console.print(table)


def cycle(screen: Session, data: list[Data]) -> None:
    """`grifo brake cycle`."""
    table = screen.table("policy", "device", "day", "most seen", "approved", "by")
    for brake in data:
        for row in brake["days"]:
            where = (brake["policy"], brake["device"], str(row["day"]))
            table.add_row(*where, str(row["seen"]), str(row["cap"] or "-"), row["approved_by"] or "-")
    screen.console.print(table)
