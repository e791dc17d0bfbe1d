"""What a person sees: services, devices, drift. Each function draws one answer of the API."""

from typing import Any

from rich.text import Text

from cli.session import Session

Data = dict[str, Any]

_STYLES = {
    "full": "green",
    "verified": "green",
    "armed": "green",
    "enforce": "green",
    "wrongful": "bold red",
    "obstructed": "bold red",
    "missing": "yellow",
    "stray": "yellow",
    "unknown": "yellow",
    "pending": "cyan",
    "withheld": "cyan",
    "refused": "red",
    "observe": "cyan",
    "restore_only": "cyan",
}


def word(text: str | None) -> Text:
    """A word of the vocabulary in its colour; restricting accesses are yellow."""
    return Text(text or "-", style=_STYLES.get(text or "", "" if not text else "yellow"))


def service(screen: Session, data: Data) -> None:
    """`grifo why`: everything about one service on one screen."""
    say = screen.console.print
    title = Text.assemble((data["service"], "bold"), f"  {data['kind']}, account {data['account']}: ")
    say(Text.assemble(title, word(data["access"]), _standing(screen, data)))
    for reason in data["reasons"]:
        say(Text.assemble("  because ", (reason["reason"], "bold"), f" ({reason['access']}): {reason['text']}"))
    _section(screen, "it stands on", [f"{item['kind']} {item['ref']}: {item['text']}" for item in data["evidence"]])
    _section(screen, "orders in force", [_order(screen, order) for order in data["orders"]])
    _section(screen, "holds", [_hold(screen, hold) for hold in data["holds"]])
    _entries(screen, data["entries"])
    _next(screen, data)
    _section(screen, "what would restore it", data["restored_by"])
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
    parts.append("read back from every device" if data["applied"] else "not yet so on every device")
    return "; " + "; ".join(parts) if data["entries"] else "; bound to no device"


def _section(screen: Session, title: str, lines: list[str]) -> None:
    if lines:
        screen.console.print(Text(f"{title}:", style="bold"))
        for line in lines:
            screen.console.print(Text(f"  {line}"))


def _order(screen: Session, order: Data) -> str:
    until = f" until {screen.local(order['until'])}" if order["until"] else ""
    who = f"by {order['author']}: {order['note']}"
    return f"{order['reason']} ({order['access']}) since {screen.local(order['since'])}{until} {who}"


def _hold(screen: Session, hold: Data) -> str:
    until = f" until {screen.local(hold['until'])}" if hold["until"] else ""
    return f"{hold['kind']} since {screen.local(hold['since'])}{until} by {hold['author']}: {hold['note']}"


def _entries(screen: Session, entries: list[Data]) -> None:
    if not entries:
        return
    table = screen.table("device", "key", "wanted", "seen", "state", "mode", "as of", "detail")
    for entry in entries:
        detail = "; ".join([*entry["obstructions"], *([entry["detail"]] if entry["detail"] else [])])
        told = (entry["device"], entry["key"], word(entry["access"]), word(entry["seen"]), word(entry["state"]))
        table.add_row(*told, word(entry["mode"]), screen.ago(entry["state_at"]), Text(detail))
    screen.console.print(table)


def _next(screen: Session, data: Data) -> None:
    if data["next_stage"]:
        screen.console.print(Text.assemble(("what comes next: ", "bold"), data["next_stage"]))
        for block in data["blocks"]:
            until = f" (until {screen.local(block['until'])})" if block["until"] else ""
            screen.console.print(Text(f"  not yet: {block['text']}{until}"))
    if data["review_at"] and not data["being_reviewed"]:
        screen.console.print(Text(f"looked at again {screen.local(data['review_at'])}"))


def timeline(screen: Session, data: Data) -> None:
    """`grifo timeline`: oldest first, as one reads."""
    table = screen.table("at", "what", "who", "")
    for item in reversed(data["items"]):
        table.add_row(screen.local(item["at"]), item["kind"], Text(item["actor"]), Text(item["text"]))
    screen.console.print(table)


def status(screen: Session, data: Data) -> None:
    """`grifo status`: the state of everything."""
    say = screen.console.print
    say(Text.assemble((data["installation"], "bold"), f"  grifo {data['version']}, {screen.local(data['now'])}"))
    if data["stopped"]:
        stop = data["stopped"]
        words = f"ALL RESTRICTING IS STOPPED since {screen.local(stop['since'])} by {stop['by']}: {stop['note']}"
        say(Text(words, style="bold red"))
    due = f", {data['due']} wait for their review" if data["due"] else ""
    conflicts = f", {data['conflicts']} conflicts to settle (grifo conflict list)" if data["conflicts"] else ""
    say(Text(f"{data['accounts']} accounts{due}{conflicts}"))
    table = screen.table("kind", "access", "services")
    for row in data["services"]:
        table.add_row(row["kind"], word(row["access"]), str(row["services"]))
    say(table)
    devices(screen, data["devices"])
    drift_counts(screen, data["drift"], "drift")
    drift_counts(screen, data["withheld"], "withheld")


def devices(screen: Session, data: list[Data]) -> None:
    """`grifo device list`."""
    table = screen.table("device", "agent", "driver", "modes", "entries", "read in full", "agent heard", "")
    for device in data:
        states = " ".join(f"{state}:{count}" for state, count in sorted(device["states"].items()))
        modes = set(device["modes"].values())
        shown = word(modes.pop()) if len(modes) == 1 else Text(_modes(device["modes"]))
        alarm = Text("HALTED" if device["halted"] else "; ".join(device["problems"][:1]), style="bold red")
        who = (device["device"], device["agent"] or "-", device["driver"] or "-")
        table.add_row(
            *who, shown, states, screen.ago(device["full_read_at"]), screen.ago(device["last_contact_at"]), alarm
        )
    screen.console.print(table)


def _modes(modes: dict[str, str]) -> str:
    return " ".join(f"{kind}:{mode}" for kind, mode in sorted(modes.items()))


def device(screen: Session, data: Data) -> None:
    """`grifo device show`."""
    devices(screen, [data])
    say = screen.console.print
    reported = f"reported {data['reported_epoch']}:{data['reported_revision']} {screen.ago(data['reported_at'])}"
    say(Text(f"epoch {data['epoch']}, revision {data['revision']}; {reported if data['reported_at'] else 'no report'}"))
    say(Text(f"modes: {_modes(data['modes'])}"))
    for kind, access in sorted(data["access"].items()):
        say(Text(f"can enforce for {kind}: {', '.join(access)}"))
    say(Text(f"keys: {', '.join(data['keys']) or 'none told'}"))
    if data["halted"]:
        say(Text(f"HALTED: {data['halted']}", style="bold red"))
    _section(screen, "problems", data["problems"])


def drift_counts(screen: Session, counts: list[Data], title: str) -> None:
    """How many entries differ, by device and direction."""
    if not counts:
        screen.console.print(Text(f"{title}: none", style="green" if title == "drift" else ""))
        return
    table = screen.table(title, "kind", "direction", "entries")
    for row in counts:
        table.add_row(row["device"], row["kind"], word(row["direction"]), str(row["entries"]))
    screen.console.print(table)


def drift(screen: Session, data: Data) -> None:
    """`grifo drift`."""
    if data["entries"]:
        drift_entries(screen, data["entries"])
    drift_counts(screen, data["counts"], "drift")
    drift_counts(screen, data["withheld"], "withheld")
    _section(screen, "never read in full, so nothing is known of", data["unread_devices"])


def drift_entries(screen: Session, entries: list[Data]) -> None:
    """Entries that differ, one a line."""
    table = screen.table("device", "direction", "service", "key", "wanted", "seen", "since", "detail")
    for entry in entries:
        detail = "; ".join([*entry["obstructions"], *([entry["detail"]] if entry["detail"] else [])])
        where = (entry["device"], word(entry["direction"]), entry["service"] or "-", entry["key"])
        table.add_row(*where, word(entry["access"]), word(entry["seen"]), screen.ago(entry["since"]), Text(detail))
    screen.console.print(table)


def adoption(screen: Session, data: Data) -> None:
    """`grifo device adopt-epoch`: what would change, or did."""
    say = screen.console.print
    verb = "now is" if data["adopted"] else "is"
    theirs = f"its agent reported {data['reported_epoch']}:{data['reported_revision']}"
    say(Text(f"{data['device']} {verb} at {data['epoch']}:{data['revision']}; {theirs}"))
    if data["halted"]:
        say(Text(f"HALTED: {data['halted']}", style="bold red"))
    for name in ("restores", "restricts"):
        say(Text(f"{name}: {len(data[name])}", style="bold"))
        if data[name]:
            drift_entries(screen, data[name])
    say(Text(f"not known what the device enforces: {data['unread']}"))


def brakes(screen: Session, data: list[Data]) -> None:
    """`grifo brake list`."""
    table = screen.table("policy", "device", "reserved", "may pass", "approved", "by", "until")
    for brake in data:
        approved = str(brake["approved_extra"]) if brake["approved_extra"] else "-"
        numbers = (str(brake["reserved"]), str(brake["cap"]), approved)
        until = screen.local(brake["approved_until"])
        table.add_row(brake["policy"], brake["device"], *numbers, brake["approved_by"] or "-", until)
    screen.console.print(table)


def conflicts(screen: Session, data: list[Data]) -> None:
    """`grifo conflict list`."""
    table = screen.table("number", "account", "source", "event", "seen")
    for conflict in data:
        told = (str(conflict["id"]), conflict["account"] or "-", conflict["source"], conflict["event"])
        table.add_row(*told, screen.local(conflict["seen_at"]))
    screen.console.print(table)


def sent(screen: Session, data: Data) -> None:
    """`grifo event send`."""
    screen.say(f"{data['accepted']} accepted, {data['duplicates']} known already, {len(data['refused'])} refused")
    for refused in data["refused"]:
        screen.say(f"  #{refused['index']} {refused['id'] or ''}: {refused['problem']}", "red")
