"""Misbehaviour on command: what may go wrong between a device and whoever manages it."""

from dataclasses import dataclass
from typing import Literal

Hang = Literal["", "login", "reply"]


@dataclass(frozen=True, slots=True)
class Faults:
    """How the device misbehaves from now on; the default is a device that works.

    `refuse`     text of the trap that answers every write
    `lie`        every write is answered `!done` and changes nothing
    `only`       limits `refuse` and `lie` to sentences that have this text in one of their words
    `hang`       `login`: the login is answered, nothing after it; `reply`: half a reply sentence, then silence
    `drop`       half a reply sentence, then the connection is reset
    `garble`     a reserved control byte where a reply should be
    `after`      reply sentences of a logged-in session that pass before `hang="reply"`, `drop` or `garble` strikes
    `delay_ms`   each reply leaves that much later; many commands may wait at once (latency, not throughput)
    """

    refuse: str = ""
    lie: bool = False
    only: str = ""
    hang: Hang = ""
    drop: bool = False
    garble: bool = False
    after: int = 0
    delay_ms: float = 0.0

    @property
    def breaks_replies(self) -> bool:
        """Whether a reply sentence may be cut off."""
        return self.drop or self.garble or self.hang == "reply"

    def hits(self, words: list[str]) -> bool:
        """Whether `refuse` and `lie` apply to this sentence."""
        return not self.only or any(self.only in word for word in words)
