"""The vocabulary as it is drawn: what every screen shows in the same words and colours."""

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


def marked(text: str) -> str:
    """A label that is looked up before it is shown: in English as it is; translators find it here."""
    return text


def word(text: str | None) -> Text:
    """A word of the vocabulary in its colour; restricting accesses are yellow."""
    return Text(text or "-", style=_STYLES.get(text or "", "" if not text else "yellow"))


def obstructed_open(entry: Data) -> bool:
    """Whether something that is not grifo's restricts a customer who should be open."""
    return bool(entry["access"] == "full" and entry["obstructions"])


def seen(screen: Session, entry: Data) -> Text:
    """What a device gives a customer: as last read, by whom it is restricted, or what was so before it changed."""
    if entry["obstructions"]:
        words = Text(screen.phrase("restricted by: {what}", what="; ".join(entry["obstructions"])), style="bold red")
        return Text.assemble(word(entry["seen"]), ", ", words) if entry["seen"] not in (None, "full") else words
    if entry["seen"] is None and entry["last_seen"] is not None:
        at = screen.local(entry["last_seen_at"])
        return Text(screen.phrase("was {access} at {at}", access=entry["last_seen"], at=at), style="yellow")
    return word(entry["seen"])


def section(screen: Session, title: str, lines: list[str]) -> None:
    """Lines under a title; nothing where there are none."""
    if lines:
        screen.console.print(Text(f"{title}:", style="bold"))
        for line in lines:
            screen.console.print(Text(f"  {line}"))
