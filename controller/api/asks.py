"""What people ask for and order: bodies of requests. A field that is not known is refused, not lost."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from enforcement.access import Access, Kind, Reason

NOTE = Field(
    min_length=1, max_length=2000, description="Why, for whoever reads the timeline.", examples=["Ticket 4711"]
)


class Ask(BaseModel):
    """Requests refuse what they do not know: a misspelt field must not be lost."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class SuspendAsk(Ask):
    """Suspend a service by name."""

    reason: Reason = Field(description="`billing` has the account reviewed now, and goes around no rule of the policy.")
    note: str = NOTE
    until: AwareDatetime | None = Field(default=None, description="When the order ends by itself, with its offset.")
    access: Access | None = Field(
        default=None, description="Default: internet `blocked`, voice `incoming_only`. Not for `billing`."
    )


class RestoreAsk(Ask):
    """Restore a service by name."""

    reason: Reason = Field(
        default=Reason.BILLING,
        description="`billing` opens it as a courtesy until `until`; others end the orders given for that reason.",
    )
    note: str = NOTE
    until: AwareDatetime | None = Field(
        default=None, description="Courtesy's end; default: the policy's courtesy_days."
    )


class ModeAsk(Ask):
    """How far grifo may go on a device."""

    mode: str = Field(pattern="^(observe|restore_only|enforce)$", description="observe, restore_only or enforce.")
    kind: Kind | None = Field(default=None, description="For this kind of service only; default: all.")
    note: str = Field(default="", max_length=2000)


class NoteAsk(Ask):
    """A note for the timeline."""

    note: str = NOTE


class FreezeAsk(Ask):
    """Let nobody be newly restricted at a site."""

    until: AwareDatetime = Field(description="Until when, with its offset; at most 31 days ahead.")
    note: str = NOTE


class ApproveAsk(Ask):
    """Let more first impositions pass than the brake would."""

    extra: int = Field(ge=1, le=1_000_000, description="How many more.")
    until: AwareDatetime = Field(description="Until when, with its offset; at most 7 days ahead.")
    note: str = NOTE
