"""What a person sees: status, devices, drift, brakes. Each function draws one answer of the API."""

from collections.abc import Iterator

from rich.text import Text

from cli.session import Session
from cli.words import Data, section, seen, word


def status(screen: Session, data: Data) -> None:
    """`grifo status`: the state of everything."""
    say = screen.console.print
    say(Text.assemble((data["installation"], "bold"), f"  grifo {data['version']}, {screen.local(data['now'])}"))
    _in_the_way(screen, data)
    say(Text(", ".join(_counted(screen, data))))
    for words in _for_people(screen, data):
        say(Text(words, style="yellow"))
    table = screen.table("kind", "access", "services")
    for row in data["services"]:
        table.add_row(row["kind"], word(row["access"]), str(row["services"]))
    say(table)
    devices(screen, data["devices"])
    drifting(screen, data["drift"])
    withheld(screen, data["withheld"])


def _in_the_way(screen: Session, data: Data) -> None:
    """What stops restricting, everywhere or at a site."""
    if data["stopped"]:
        stop = data["stopped"]
        words = screen.phrase(
            "ALL RESTRICTING IS STOPPED since {since} by {who}: {note}",
            since=screen.local(stop["since"]),
            who=stop["by"],
            note=stop["note"],
        )
        screen.console.print(Text(words, style="bold red"))
    for device in data["devices"]:
        _endangered(screen, device)
    for freeze in data["frozen"]:
        words = screen.phrase(
            "{site} IS FROZEN until {until} by {who}: {note}",
            site=freeze["site"],
            until=screen.local(freeze["until"]),
            who=freeze["by"],
            note=freeze["note"],
        )
        screen.console.print(Text(words, style="bold yellow"))


def _endangered(screen: Session, device: Data) -> None:
    for why in device["unsafe"]:
        words = screen.phrase(
            "EMERGENCY NUMBERS CAN'T BE REACHED by who is restricted on {device}: {why}",
            device=device["device"],
            why=why,
        )
        screen.console.print(Text(words, style="bold red"))


def _counted(screen: Session, data: Data) -> Iterator[str]:
    yield screen.phrase("{n} accounts", n=data["accounts"])
    if data["due"]:
        yield screen.phrase("{n} wait for their review", n=data["due"])
    if data["conflicts"]:
        yield screen.phrase("{n} conflicts to settle (grifo conflict list)", n=data["conflicts"])


def _for_people(screen: Session, data: Data) -> Iterator[str]:
    """One line for each thing that waits for people."""
    waiting = data["waiting"]
    people = waiting.get("approval", 0) + waiting.get("person", 0)
    if people:
        yield screen.phrase("{n} services wait for people (grifo tasks)", n=people)
    if waiting.get("payments"):
        n = waiting["payments"]
        yield screen.phrase("{n} services wait for news of payments: nobody of them is newly restricted", n=n)
    if data["unmatched"]:
        yield screen.phrase("{n} payments belong to nobody yet (grifo unmatched)", n=data["unmatched"])
    if data["pinned"]:
        yield screen.phrase("{n} customers are held open at their sites (grifo tasks)", n=data["pinned"])
    if data["holds_overdue"]:
        n = data["holds_overdue"]
        yield screen.phrase("{n} holds are past their review date (grifo hold list --overdue)", n=n)
    for outage in data["outages"]:
        yield screen.phrase(
            "outage {number} of {where}: {n} services held (grifo outage list)",
            number=outage["outage"],
            where=outage["device"] or outage["site"],
            n=outage["services"],
        )


def devices(screen: Session, data: list[Data]) -> None:
    """`grifo device list`."""
    table = screen.table("device", "agent", "driver", "modes", "entries", "read in full", "agent heard", "")
    for device in data:
        states = " ".join(f"{state}:{count}" for state, count in sorted(device["states"].items()))
        shown = _modes(device["modes"])
        alarm = Text(
            screen.phrase("HALTED") if device["halted"] else "; ".join(device["problems"][:1]), style="bold red"
        )
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
    _endangered(screen, data)
    say = screen.console.print
    where = screen.phrase("epoch {epoch}, revision {revision}", epoch=data["epoch"], revision=data["revision"])
    say(Text(f"{where}; {_reported(screen, data)}"))
    say(Text.assemble(screen.phrase("modes: "), *_one_a_kind(data["modes"])))
    for kind, access in sorted(data["access"].items()):
        say(Text(screen.phrase("can enforce for {kind}: {access}", kind=kind, access=", ".join(access))))
    say(Text(screen.phrase("keys: {keys}", keys=", ".join(data["keys"]) or "-")))
    if data["halted"]:
        say(Text(screen.phrase("HALTED: {why}", why=data["halted"]), style="bold red"))
    if data["site"]:
        say(Text(screen.phrase("site: {site}", site=data["site"])))
    section(screen, screen.phrase("problems"), data["problems"])


def _reported(screen: Session, data: Data) -> str:
    if not data["reported_at"]:
        return screen.phrase("no report")
    known = f"{data['reported_epoch']}:{data['reported_revision']}"
    return screen.phrase("reported {known} {ago}", known=known, ago=screen.ago(data["reported_at"]))


def _one_a_kind(modes: dict[str, str]) -> list[Text | str]:
    parts: list[Text | str] = []
    for kind, mode in sorted(modes.items()):
        parts += [", " if parts else "", f"{kind} ", word(mode)]
    return parts


def drifting(screen: Session, counts: list[Data]) -> None:
    """How many entries differ after all that could be done, by device and direction."""
    if not counts:
        screen.console.print(Text(screen.phrase("drift: none"), style="green"))
        return
    table = screen.table("drift", "kind", "direction", "entries")
    for row in counts:
        table.add_row(row["device"], row["kind"], word(row["direction"]), str(row["entries"]))
    screen.console.print(table)


def withheld(screen: Session, counts: list[Data]) -> None:
    """How many entries are held back, by device and why."""
    if not counts:
        screen.console.print(Text(screen.phrase("withheld: none")))
        return
    table = screen.table("withheld", "kind", "direction", "by", "entries")
    for row in counts:
        table.add_row(row["device"], row["kind"], word(row["direction"]), row["why"] or "-", str(row["entries"]))
    screen.console.print(table)


def drift(screen: Session, data: Data) -> None:
    """`grifo drift`."""
    if data["entries"]:
        drift_entries(screen, data["entries"])
    drifting(screen, data["counts"])
    withheld(screen, data["withheld"])
    if data["withheld_entries"]:
        drift_entries(screen, data["withheld_entries"])
    if data["still_cut"]:
        words = screen.phrase("still cut: should be open, were last seen restricted")
        screen.console.print(Text(words, style="bold red"))
        drift_entries(screen, data["still_cut"])
    section(screen, screen.phrase("never read in full, so nothing is known of"), data["unread_devices"])


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
    what = {"device": data["device"], "here": f"{data['epoch']}:{data['revision']}"}
    what["there"] = f"{data['reported_epoch']}:{data['reported_revision']}"
    if data["adopted"]:
        say(Text(screen.phrase("{device} now is at {here}; its agent reported {there}", **what)))
    else:
        say(Text(screen.phrase("{device} is at {here}; its agent reported {there}", **what)))
    if data["halted"]:
        say(Text(screen.phrase("HALTED: {why}", why=data["halted"]), style="bold red"))
    restores, restricts = len(data["restores"]), len(data["restricts"])
    _would(screen, screen.phrase("restores: {n}", n=restores), data["restores"])
    _would(screen, screen.phrase("restricts: {n}", n=restricts), data["restricts"])
    say(Text(screen.phrase("not known what the device enforces: {n}", n=data["unread"])))


def _would(screen: Session, title: str, entries: list[Data]) -> None:
    screen.console.print(Text(title, style="bold"))
    if entries:
        drift_entries(screen, entries)


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
    counts = {"accepted": data["accepted"], "known": data["duplicates"], "refused": len(data["refused"])}
    screen.say(screen.phrase("{accepted} accepted, {known} known already, {refused} refused", **counts))
    for refused in data["refused"]:
        screen.say(f"  #{refused['index']} {refused['id'] or ''}: {refused['problem']}", "red")
