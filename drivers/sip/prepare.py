"""What a switch needs before it can bar, each step as it stands: `grifo agent prepare`, for this driver.

The tables and the care lines are installed where they are missing; the dial plan is a file of the operator's on another
machine, and only a person can put it there. Kamailio's htable looks at no version table: ours need no row there.
"""

from collections.abc import Sequence

from drivers.base import Step, StepState
from drivers.sip.allowlist import Block, Numbers, unproven
from drivers.sip.fragments import ALLOWED, BARRED, FRAGMENTS, calls_of, ddl, text_of
from drivers.sip.node import Node
from drivers.sip.rows import Rows


def steps_of(nodes: Sequence[Node], rows: Rows | None, install: bool) -> list[Step]:
    """Database first, as in everything: a node loads its tables from there."""
    steps: list[Step] = []
    if rows is not None:
        steps += [_table(rows, BARRED, rows.name, install), _table(rows, ALLOWED, ALLOWED, install)]
        steps += [_allowed(rows, install)] if rows.allowed else []
    for node in nodes:
        steps += node.steps(install)
    return steps


def fragment_steps(
    node: str, numbers: Numbers, needed: Sequence[Block], *, tables: bool, passed: frozenset[Block] | None
) -> list[Step]:
    """The two files and the lines that call them. `passed` are the blocks that calls were seen to pass, None where the
    fragment does not answer: a file is present once it is in use, the lines once calls have passed all that are needed.
    """
    used = dict(zip(FRAGMENTS, (tables, passed is not None), strict=True))
    files = [
        Step(f"node {node}: {name} beside kamailio.cfg", text_of(name), _by_hand(there), "" if there else _RESTART)
        for name, there in used.items()
    ]
    notes = [] if all(used.values()) else ["define GRIFO_DBURL and GRIFO_AGENTS too before the includes"]
    notes += [] if passed is None else unproven(node, needed, passed)
    calls = Step(f"node {node}: kamailio.cfg", calls_of(numbers.defines), _by_hand(not notes), "; ".join(notes))
    return [*files, calls]


_RESTART = "copy it there and restart Kamailio: htables are defined at its start"


def _by_hand(there: bool) -> StepState:
    return StepState.PRESENT if there else StepState.BY_HAND


def _table(rows: Rows, table: str, name: str, install: bool) -> Step:
    statement = ddl(rows.dialect, table, name)
    state = StepState.PRESENT if rows.has(name) else StepState.MISSING
    if install and state is StepState.MISSING:
        rows.run([statement])
        state = StepState.INSTALLED if rows.has(name) else state
    return Step(f"the switch's database: table {name}", statement, state)


def _allowed(rows: Rows, install: bool) -> Step:
    """The lines that must pass, as rows: the agent tries each of them before it bars anybody."""
    missing = rows.not_allowed()
    installed = bool(install and missing)
    if installed:
        rows.allow(missing)
        missing = rows.not_allowed()
    shown = missing or rows.allowed
    text = "\n".join(
        f"INSERT INTO {ALLOWED} (key_name, key_value) VALUES ('{number}', '{value}');"  # noqa: S608 - to be read
        for number, value in shown.items()
    )
    state = StepState.MISSING if missing else StepState.INSTALLED if installed else StepState.PRESENT
    return Step(f"the switch's database: rows of {ALLOWED}", text, state, _RELOAD if installed else "")


_RELOAD = f"nodes read them at their start, and by `kamcmd htable.reload {ALLOWED}`"
