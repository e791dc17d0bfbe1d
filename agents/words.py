"""What devices and errors say, as it goes into a report: a text that no controller and no screen stumbles over."""

import unicodedata
from collections.abc import Collection

from enforcement.access import Rate

LONGEST = 1000


def plain(text: str) -> str:
    """`text` without control characters and lone surrogates, a space for each, and cut to LONGEST characters."""
    cut = str(text) if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    if cut.isprintable():
        return cut
    return "".join(" " if unicodedata.category(each) in ("Cc", "Cs") else each for each in cut)


def unknown_rates(rates: Collection[Rate]) -> list[str]:
    """A sentence about rates that entries ask for and the device's settings do not name; none without any."""
    named = ", ".join(map(str, sorted(rates, key=str)))
    why = "which the device's settings do not name: those customers are throttled at its own rate"
    return [f"policies ask for {named} kbit/s, {why}"] if rates else []
