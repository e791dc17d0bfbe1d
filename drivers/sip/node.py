"""What one node of a switch offers, however it is spoken to: by RPC (kamailio.py) or in a shell (shell/)."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from drivers.base import Step
from enforcement.access import Access


class Node(Protocol):
    """One node. Every method may raise a DriverError; construction opens nothing."""

    @property
    def name(self) -> str: ...

    def read(self, names: Collection[str] | None) -> dict[str, str]:
        """The rows that bar here and now: all, or those of `names` that there are."""
        ...

    def unfit(self, name: str) -> str:
        """Why a row of that name can't be written here, in words; empty where it can."""
        ...

    def set_all(self, values: Mapping[str, str]) -> None:
        """Give every name its value. After an error nothing is known of any of them."""
        ...

    def delete_all(self, names: Collection[str]) -> None:
        """Take every name away; absent already is done. After an error nothing is known of any of them."""
        ...

    def up_seconds(self) -> float | None:
        """For how long it has been up, None where it does not say."""
        ...

    def doubts(self, accesses: Collection[Access]) -> list[str]:
        """Why it is not proved here that these accesses take away what they should, and nothing else."""
        ...

    def unproven(self) -> list[str]:
        """What of its dial plan no call has shown to be in use since it started, in words."""
        ...

    def setup(self) -> list[str]:
        """What in its setup would defeat us, in words."""
        ...

    def steps(self, install: bool) -> Sequence[Step]:
        """What it needs, as `Driver.prepare` tells it."""
        ...

    def close(self) -> None:
        """Drop every connection. Safe to call twice."""
        ...
