"""Traps: what the device says when it does not do what it was told (manual, API, "!trap").

The manual gives the categories; real devices often leave them out, and so do the texts below where reports show none.
"""

MISSING = 0
BAD_ARGUMENT = 1
INTERRUPTED = 2


class Trap(Exception):
    """A `!trap` sentence: `message`, and `category` 0 to 7 where the device gives one."""

    def __init__(self, message: str, category: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.category = category

    def words(self) -> tuple[str, ...]:
        """The words of the sentence, without a tag."""
        category = () if self.category is None else (f"=category={self.category}",)
        return ("!trap", *category, f"=message={self.message}")


def no_such_command() -> Trap:
    return Trap("no such command", MISSING)


def no_such_prefix() -> Trap:
    return Trap("no such command prefix", MISSING)


def no_such_item() -> Trap:
    return Trap("no such item", MISSING)


def unknown_parameter(name: str) -> Trap:
    return Trap(f"unknown parameter {name}")


def missing_values(names: list[str]) -> Trap:
    return Trap(f"missing value(s) of argument(s) {' '.join(names)}")


def no_match(name: str) -> Trap:
    return Trap(f"input does not match any value of {name}", BAD_ARGUMENT)


def invalid_value(name: str) -> Trap:
    return Trap(f"invalid value for argument {name}", BAD_ARGUMENT)


def already_there() -> Trap:
    return Trap("failure: already have such entry")


def not_permitted() -> Trap:
    return Trap("not enough permissions (9)")
