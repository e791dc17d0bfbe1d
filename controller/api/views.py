"""What the API answers about everything at once: status, drift, devices, brakes, conflicts."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field


class StopOut(BaseModel):
    """`grifo stop` is in force: nothing is restricted; restores go on."""

    since: datetime
    by: str
    note: str


class FreezeOut(BaseModel):
    """`grifo freeze` is in force at a site: nobody is newly restricted there; restores go on."""

    site: str
    since: datetime
    until: datetime
    by: str
    note: str


class OutageOut(BaseModel):
    """An outage: nobody who is bound there is newly restricted meanwhile."""

    outage: int
    device: str | None
    site: str | None
    since: datetime
    until: datetime
    author: str
    note: str
    services: int = Field(default=0, description="How many services it holds.")


class ServiceCount(BaseModel):
    """How many services of a kind have an access."""

    kind: str
    access: str
    services: int


class DriftCount(BaseModel):
    """How many entries of a device differ from what is wanted, in one direction."""

    device: str
    kind: str = Field(description="Kind of service; empty for strays.")
    direction: str = Field(description="wrongful, missing, stray, obstructed or unknown; withheld or refused.")
    why: str = Field(default="", description="In a word, why those are withheld, as agents report it.")
    entries: int


class DriftEntry(BaseModel):
    """One entry that differs from what is wanted."""

    device: str
    direction: str
    service: str | None
    account: str | None
    key: str
    access: str | None = Field(description="What is wanted.")
    seen: str | None
    last_seen: str | None = Field(default=None, description="What it was last read to enforce, at any revision.")
    last_seen_at: datetime | None = None
    since: datetime | None = Field(description="Since when it is in this state; null until it is reported.")
    detail: str
    why: str = Field(default="", description="In a word, what withholds it or holds it open; empty where nothing does.")
    obstructions: list[str]


class DriftOut(BaseModel):
    """What differs, after everything that could be done was done. Withheld changes are told apart: no drift."""

    counts: list[DriftCount]
    entries: list[DriftEntry] = Field(description="At most 1000, the wrongful and obstructed first.")
    withheld: list[DriftCount] = Field(description="Not done because mode, stop, guard or permit forbade it.")
    withheld_entries: list[DriftEntry] = Field(
        description="Those that a person may have to look at: all but what the mode or the stop switch withholds. "
        "At most 1000, unsafe, flapping and pinned first."
    )
    still_cut: list[DriftEntry] = Field(
        description="Should be open, was last read to be restricted, and not read to be open since; its direction is "
        "its state. At most 1000, the oldest first."
    )
    unread_devices: list[str] = Field(description="Devices never read in full: nothing is known of them.")


class DeviceOut(BaseModel):
    """A network element, as its agent tells and reads it."""

    device: str
    agent: str | None = Field(description="The agent that owns it; null until one enrols it.")
    driver: str | None
    site: str = Field(description="The place's name in its agent's settings; empty where none is given.")
    modes: dict[str, str] = Field(description="Mode for each kind of service.")
    epoch: str
    revision: int
    reported_epoch: str | None
    reported_revision: int | None
    reported_at: datetime | None
    full_read_at: datetime | None
    last_contact_at: datetime | None = Field(description="When its agent was last heard of.")
    halted: str = Field(description="Why the agent changes nothing there; empty when it works.")
    problems: list[str] = Field(description="What in the device's setup would defeat grifo, in words.")
    unsafe: list[str] = Field(
        description="Those of them that endanger people: who is restricted there can't reach every emergency number. "
        "The agent opens them until they can."
    )
    keys: list[str] = Field(description="The key types that it understands.")
    access: dict[str, list[str]] = Field(description="What it can enforce, for each kind of service.")
    states: dict[str, int] = Field(description="Entries in each state.")


class StatusOut(BaseModel):
    """The state of everything on one screen."""

    installation: str
    version: str
    now: datetime = Field(description="The controller's clock.")
    timezone: str = Field(description="The operator's time zone, for showing times.")
    stopped: StopOut | None
    frozen: list[FreezeOut] = Field(description="Sites where nobody is newly restricted at this moment.")
    accounts: int
    due: int = Field(description="Accounts that wait for their review at this moment.")
    services: list[ServiceCount]
    devices: list[DeviceOut]
    drift: list[DriftCount]
    withheld: list[DriftCount]
    conflicts: int
    holds_overdue: int = Field(
        description="Holds that somebody should have looked at by now: GET /v1/holds?overdue=true."
    )
    unmatched: int = Field(description="Payments that nobody has attributed: GET /v1/unmatched.")
    pinned: int = Field(description="Entries that hands at sites hold open: GET /v1/tasks.")
    outages: list[OutageOut] = Field(description="Outages that are not over.")
    waiting: dict[str, int] = Field(description="Services whose next stage waits for payments, people or the brake.")


class BrakeOut(BaseModel):
    """First impositions in a rolling 24 h of one policy on one device, and how many may pass."""

    policy: str
    device: str
    reserved: int
    cap: int = Field(description="How many may pass by the policy alone.")
    approved_extra: int = Field(description="How many more may pass, while an approval is in force.")
    approved_by: str | None
    approved_until: datetime | None


class ConflictOut(BaseModel):
    """An event that was refused because the same source and id had come before with other content."""

    id: int
    account: str | None
    source: str
    event: str
    seen_at: datetime
    refused: dict[str, Any] = Field(description="The event that was refused.")
    kept: dict[str, Any] | None = Field(description="The event that stands.")


class AdoptOut(BaseModel):
    """What a new epoch of a device would change for customers, from what its agent last read there."""

    device: str
    epoch: str
    revision: int
    reported_epoch: str | None
    reported_revision: int | None
    halted: str
    restricts: list[DriftEntry] = Field(description="Keys that would be restricted.")
    restores: list[DriftEntry] = Field(description="Keys that would be restored.")
    unread: int = Field(description="Entries of which it is not known what the device enforces.")
    adopted: bool = Field(description="Whether this answer made the new epoch.")
