"""How the command ends: exit codes for scripts, one sentence for a person, never a traceback for a person's error."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes, as the help tells them."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    FORBIDDEN = 4


class Failed(Exception):
    """Ends the command with `code`, after saying one sentence on standard error."""

    def __init__(self, words: str, code: Exit) -> None:
        super().__init__(words)
        self.code = code
