"""How long to wait before trying again: doubling, capped, and never in step with the other agents."""

import random

_dice = random.SystemRandom()


def pause(failures: int, first: float, longest: float) -> float:
    """Seconds to wait after `failures` failures in a row: between half and all of `first` doubled each time."""
    whole = min(longest, first * 2.0 ** min(max(failures - 1, 0), 30))
    return whole * _dice.uniform(0.5, 1.0)


def about(seconds: float) -> float:
    """`seconds`, a tenth more or less, so that devices are not all swept at one instant."""
    return seconds * _dice.uniform(0.9, 1.1)


def spread(seconds: float) -> float:
    """Anything from half of `seconds` to all of it: for what began together and shall not go on together."""
    return seconds * _dice.uniform(0.5, 1.0)
