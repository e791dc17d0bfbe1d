"""What of an imposed stage still stands, with what is owed now: it outlives neither its debt nor what it asks of it.

Between the case and the next stage. Who pays a part of a debt that had led far is taken back as far as what is left
would have led: to a rung that was passed on the way, which needs no notice any more, or to none.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from controller.core.calendar import start_of
from controller.core.case import Case
from controller.core.conditions import has_ground
from controller.core.facts import Imposed
from controller.core.policy import Stage, Track
from controller.core.stages import is_rung, ladder, stage_named
from enforcement.access import Access, lowers


def standing(case: Case) -> Imposed | None:
    """What is imposed, or the last rung before it, as far as what is owed on its own track is still enough for it.

    A rung whose law is over, or that is for other customers by now, stands while its track is owed: if paying a part
    lifted it, that payment could make way for a stage after it.
    """
    imposed = case.imposed
    if imposed is None or not any(case.owes(track) for track in _tracks(case, imposed)):
        return None
    stage = stage_named(case, imposed.stage)
    if stage is None or not is_rung(case, stage) or has_ground(case, stage):
        return imposed
    left = next((one for one in _passed(case, imposed, stage) if has_ground(case, one)), None)
    return replace(imposed, stage=left.name, access=left.access) if left is not None else None


def _tracks(case: Case, imposed: Imposed) -> Iterable[Track]:
    """Whose debt keeps it in force.

    An adopted bar of premium calls stands while anything is owed: nobody knows for what it was imposed, and if paying a
    part lifted it, that payment could make way for a stage of the policy's that takes more.
    """
    stage = stage_named(case, imposed.stage)
    if stage is None and imposed.access is Access.NO_PREMIUM:
        return Track
    return (stage.track if stage is not None else Track.SERVICE,)


def _passed(case: Case, imposed: Imposed, stage: Stage) -> Iterator[Stage]:
    """The rungs before the imposed one that leave more, from the last to the first, whose rules are in force."""
    stages = ladder(case)
    for one in reversed(stages[: stages.index(stage)]):
        if one.track is not stage.track or not lowers(case.service.kind, one.access, imposed.access):
            continue
        if is_rung(case, one) and _has_begun(case, one):
            yield one


def _has_begun(case: Case, stage: Stage) -> bool:
    begins = stage.source.valid_from
    if begins is None:
        return True
    case.horizon.note(start_of(case.zone, begins))
    return begins <= case.today
