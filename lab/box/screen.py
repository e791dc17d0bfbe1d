"""What the lab shows in a terminal. With `--json` all of it goes to stderr, and stdout carries the one JSON object."""

from typing import Any

from rich.console import Console
from rich.table import Table


class Screen:
    """Chapters, lines as things happen, and small tables."""

    def __init__(self, *, to_stderr: bool) -> None:
        self._console = Console(stderr=to_stderr, highlight=False, soft_wrap=True)

    def chapter(self, title: str) -> None:
        self._console.print(f"\n[bold cyan]{title}[/]")

    def line(self, text: str) -> None:
        self._console.print(f"  {text}")

    def decided(self, service: str, who: str, access: str, why: str) -> None:
        self._console.print(f"  [yellow]{service:<10}[/] {who:<22} [bold]{access:<13}[/] {why}")

    def spared(self, service: str, who: str, why: str) -> None:
        self._console.print(f"  [green]{service:<10}[/] {who:<22} [dim]stays open[/]    {why}")

    def read_back(self, service: str, device: str, seen: str, key: str) -> None:
        self._console.print(f"  [yellow]{service:<10}[/] read back on {device:<9} [bold]{seen:<13}[/] {key}")

    def restored(self, service: str, device: str, ms: float) -> None:
        self._console.print(f"  [green]{service:<10}[/] paid; open again on {device:<20} [bold]{ms:6.0f} ms[/]")

    def result(self, result: dict[str, Any]) -> None:
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
        for key, value in result.items():
            shown = "  ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)
            table.add_row(key.replace("_", " "), f"[bold]{shown}[/]")
        self._console.print(table)

    def plain(self, text: str) -> None:
        self._console.print(text, markup=False)
