"""What devices and errors say, as it goes into a report: a text that no controller and no screen stumbles over."""

import unicodedata

LONGEST = 1000


def plain(text: str) -> str:
    """`text` without control characters and lone surrogates, a space for each, and cut to LONGEST characters."""
    cut = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    if cut.isprintable():
        return cut
    return "".join(" " if unicodedata.category(each) in ("Cc", "Cs") else each for each in cut)
