"""What a person sees: status, devices, drift, brakes. Each function draws one answer of the API."""

from collections.abc import Iterator

from rich.text import Text

from cli.session import Session
from cli.words import Data, section, seen, word


def status(screen: Session, data: Data) -> None:
    """`grifo status`: the state of everything."""
    say = screen.console.print
    say(Text.assemble((data["installation"], "bold"), f"  grifo {data['version']}, {screen.local(data['now'])}"))
    if data["stopped"]:
        stop = data["stopped"]
        words = f"ALL RESTRICTING IS STOPPED since {screen.local(stop['since'])} by {stop['by']}: {stop['note']}"
        say(Text(words, style="bold red"))
    for freeze in data["frozen"]:
        words = f"{freeze['site']} IS FROZEN until {screen.local(freeze['until'])} by {freeze['by']}: {freeze['note']}"
        say(Text(words, style="bold yellow"))
    due = f", {data['due']} wait for their review" if data["due"] else ""
    conflicts = f", {data['conflicts']} conflicts to settle (grifo conflict list)" if data["conflicts"] else ""
    say(Text(f"{data['accounts']} accounts{due}{conflicts}"))
    for words in _for_people(data):
        say(Text(words, style="yellow"))
    table = screen.table("kind", "access", "services")
    for row in data["services"]:
        table.add_row(row["kind"], word(row["access"]), str(row["services"]))
    say(table)
    devices(screen, data["devices"])
    drift_counts(screen, data["drift"], "drift")
    drift_counts(screen, data["withheld"], "withheld")


def _for_people(data: Data) -> Iterator[str]:
    """One line for each thing that waits for people."""
    waiting = data["waiting"]
    people = waiting.get("approval", 0) + waiting.get("person", 0)
    if people:
        yield f"{people} services wait for people (grifo tasks)"
    if waiting.get("payments"):
        yield f"{waiting['payments']} services wait for news of payments: nobody of them is newly restricted"
    if data["unmatched"]:
        yield f"{data['unmatched']} payments belong to nobody yet (grifo unmatched)"
    if data["holds_overdue"]:
        yield f"{data['holds_overdue']} holds are past their review date (grifo hold list --overdue)"
    for outage in data["outages"]:
        where = outage["device"] or f"site {outage['site']}"
        yield f"outage {outage['outage']} of {where}: {outage['services']} services held (grifo outage list)"


def devices(screen: Session, data: list[Data]) -> None:
    """`grifo device list`."""
    table = screen.table("device", "agent", "driver", "modes", "entries", "read in full", "agent heard", "")
    for device in data:
        states = " ".join(f"{state}:{count}" for state, count in sorted(device["states"].items()))
        shown = _modes(device["modes"])
        alarm = Text("HALTED" if device["halted"] else "; ".join(device["problems"][:1]), style="bold red")
        who = (device["device"], device["agent"] or "-", device["driver"] or "-")
        table.add_row(
            *who, shown, states, screen.ago(device["full_read_at"]), screen.ago(device["last_contact_at"]), alarm
        )
    screen.console.print(table)


def _modes(modes: dict[str, str]) -> Text:
    """One word where all kinds are in one mode; else a line for each mode, with its kinds."""
    if len(set(modes.values())) == 1:
        return word(next(iter(modes.values())))
    lines = []
    for mode in sorted(set(modes.values())):
        kinds = ", ".join(kind for kind in sorted(modes) if modes[kind] == mode)
        lines.append(Text.assemble(word(mode), f": {kinds}"))
    return Text("\n").join(lines)


def device(screen: Session, data: Data) -> None:
    """`grifo device show`."""
    devices(screen, [data])
    say = screen.console.print
    reported = f"reported {data['reported_epoch']}:{data['reported_revision']} {screen.ago(data['reported_at'])}"
    say(Text(f"epoch {data['epoch']}, revision {data['revision']}; {reported if data['reported_at'] else 'no report'}"))
    say(Text.assemble("modes: ", *_one_a_kind(data["modes"])))
    for kind, access in sorted(data["access"].items()):
        say(Text(f"can enforce for {kind}: {', '.join(access)}"))
    say(Text(f"keys: {', '.join(data['keys']) or 'none told'}"))
    if data["halted"]:
        say(Text(f"HALTED: {data['halted']}", style="bold red"))
    if data["site"]:
        say(Text(f"site: {data['site']}"))
    section(screen, "problems", data["problems"])


def _one_a_kind(modes: dict[str, str]) -> list[Text | str]:
    parts: list[Text | str] = []
    for kind, mode in sorted(modes.items()):
        parts += [", " if parts else "", f"{kind} ", word(mode)]
    return parts


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
    if data["still_cut"]:
        screen.console.print(Text("still cut: should be open, were last seen restricted", style="bold red"))
        drift_entries(screen, data["still_cut"])
    section(screen, "never read in full, so nothing is known of", data["unread_devices"])


def drift_entries(screen: Session, entries: list[Data]) -> None:
    """Entries that differ, one a line."""
    table = screen.table("device", "direction", "service", "key", "wanted", "seen", "since", "detail")
    for entry in entries:
        where = (entry["device"], word(entry["direction"]), entry["service"] or "-", entry["key"])
        table.add_row(*where, word(entry["access"]), seen(screen, entry), _age(screen, entry), Text(entry["detail"]))
    screen.console.print(table)


def _age(screen: Session, entry: Data) -> str:
    return screen.ago(entry["since"]) if entry["since"] else "-"


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
    table = screen.table("policy", "device", "reserved", "may pass", "of these approved", "by", "until")
    for brake in data:
        numbers = (str(brake["reserved"]), str(brake["cap"] + brake["approved_extra"]))
        approval = ("-", "-", "-")
        if brake["approved_extra"]:
            approval = (
                str(brake["approved_extra"]),
                brake["approved_by"] or "-",
                screen.local(brake["approved_until"]),
            )
        table.add_row(brake["policy"], brake["device"], *numbers, *approval)
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
