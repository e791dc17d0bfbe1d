"""One run of a verb: its client, its way of answering (tables or JSON), and the operator's clock and time zone."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from cli import times
from cli.client import Client, client_from_environment
from cli.errors import Exit, Failed

AsJson = Annotated[bool, typer.Option("--json", help="Print the API's JSON instead of tables.")]
KEY_HELP = "A phone, user name, IP address, account or service id."
KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help=KEY_HELP)]


@dataclass
class Session:
    """Asks the controller, and shows what it says."""

    client: Client
    as_json: bool
    console: Console = field(default_factory=lambda: Console(highlight=False, soft_wrap=True))

    @cached_property
    def status(self) -> dict[str, Any]:
        """GET /v1/status, asked once."""
        found: dict[str, Any] = self.client.get("status")
        return found

    @property
    def zone(self) -> ZoneInfo:
        """The operator's time zone."""
        return ZoneInfo(self.status["timezone"])

    @property
    def now(self) -> datetime:
        """The controller's clock: a laptop's may be wrong."""
        return times.instant(self.status["now"])

    def local(self, text: str | None) -> str:
        """An instant of the API in the operator's time zone."""
        return times.local(text, self.zone)

    def phrase(self, template: str, **values: object) -> str:
        """A label or a sentence of the command in the operator's language, filled in. The template is a literal."""
        return self.client.language.sentence(template, {name: str(value) for name, value in values.items()})

    def ago(self, text: str | None) -> str:
        """How long ago an instant of the API was."""
        number, unit = times.age(text, self.now)
        match unit:
            case "d":
                return self.phrase("{n} d ago", n=number)
            case "h":
                return self.phrase("{n} h ago", n=number)
            case "min":
                return self.phrase("{n} min ago", n=number)
            case "s":
                return self.phrase("{n} s ago", n=number)
        return self.phrase("never")

    def answer(self, data: Any, show: Callable[["Session", Any], None]) -> None:
        """Print the API's JSON, or have `show` draw it."""
        if self.as_json:
            typer.echo(json.dumps(data, indent=2, ensure_ascii=False))
        else:
            show(self, data)

    def answer_all(self, data: list[Any], show: Callable[["Session", Any], None]) -> None:
        """The same of several: in JSON the one alone, or a list; drawn one after the other, a line between."""
        if self.as_json:
            self.answer(data[0] if len(data) == 1 else data, show)
            return
        for number, one in enumerate(data):
            if number:
                self.console.print()
            show(self, one)

    def say(self, words: str, style: str | None = None) -> None:
        """One line for a person; nothing where JSON is wanted."""
        if words and not self.as_json:
            self.console.print(words, style=style, markup=False)

    def table(self, *columns: str) -> Table:
        """An empty table of the house's kind; its columns are labels in English."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(self.client.language.word(column) if column else "", overflow="fold")
        return table

    def service_named(self, key: str) -> str:
        """The id of the one service that `key` names. Raises Failed: none, or several, which are listed."""
        found = self._found(key)
        if len(found) > 1:
            raise _several(key, found)
        return str(found[0]["service"])

    def services_named(self, key: str) -> list[str]:
        """The ids of the services of one account that `key` names, for looking at. Raises Failed as above."""
        found = self._found(key)
        if len({service["account"] for service in found}) > 1:
            raise _several(key, found)
        return [str(service["service"]) for service in found]

    def _found(self, key: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.get("find", key=key)["services"]
        if not found:
            words = f"Nothing is known by {key!r}: no service, account, phone, user name or address."
            raise Failed(words, Exit.REFUSED)
        return found


def _several(key: str, found: list[dict[str, Any]]) -> Failed:
    lines = "\n".join(f"  {_in_short(service)}" for service in found)
    return Failed(f"{key!r} names {len(found)} services; say which:\n{lines}", Exit.USAGE)


def _in_short(service: dict[str, Any]) -> str:
    keys = " ".join(service["keys"]) or "bound nowhere"
    return f"{service['service']}  {service['kind']}  {service['access']}  account {service['account']}  {keys}"


@contextmanager
def session(as_json: bool) -> Iterator[Session]:
    """A session with the controller that the environment names."""
    client = client_from_environment()
    try:
        yield Session(client, as_json)
    finally:
        client.close()
