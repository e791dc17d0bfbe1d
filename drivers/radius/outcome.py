"""What came of telling a slice: what NASes said and what radacct then showed, as the outcome of each change. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from drivers.radius.telling import Word, Worth
from enforcement.changes import Change, Outcome, Result, key_of


@dataclass(slots=True)
class Telling:
    """What came of telling one customer's sessions."""

    words: list[Word] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)
    """The NASes that did, as radacct calls them."""
    obeys: bool = False
    """All sessions were read to have taken it."""
    pending: bool = False
    """Some could still show that they took it."""
    disowned: bool = False
    """Of some it is not known whose they are: their NAS has no such session, and radacct holds them open."""

    @property
    def all_taken(self) -> bool:
        """Whether nothing more is to be said to any of them."""
        return bool(self.words) and all(word.worth in (Worth.TAKEN, Worth.GONE) for word in self.words)

    @property
    def all_proven(self) -> bool:
        """Whether radacct will show what each of them took."""
        return all(word.proven for word in self.words)


def outcome_of(change: Change, refused: str | None, told: Mapping[str, Telling]) -> Outcome:
    """The outcome of one change; `refused` is why its row was not written."""
    if refused is not None:
        return Outcome(change, Result.REFUSED, refused)
    telling = told[key_of(change).value]
    detail = "; ".join(dict.fromkeys(word.detail for word in telling.words if word.detail))
    if telling.obeys:
        return Outcome(change, Result.DONE, detail)
    if any(word.worth is Worth.REFUSED for word in telling.words):
        return Outcome(change, Result.REFUSED, detail, effect_done=False)
    if telling.disowned:
        return Outcome(change, Result.UNKNOWN, f"{detail}, but radacct holds it open", effect_done=False)
    if not telling.pending or (telling.all_taken and not telling.all_proven):
        return Outcome(change, Result.DONE, detail or "acknowledged; this NAS offers no way to read it back")
    if telling.all_taken:
        detail = f"{detail}; " if detail else ""
        return Outcome(change, Result.UNKNOWN, f"{detail}acknowledged, but radacct shows no effect", effect_done=False)
    return Outcome(change, Result.UNKNOWN, detail, effect_done=False)
