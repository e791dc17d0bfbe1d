"""Whatever happens, in whatever order: the loop converges, and nobody is cut whom the controller would not permit."""

import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enforcement.access import Access
from enforcement.changes import Change, Refresh, Restrict
from enforcement.keys import Key
from tests.agents.conftest import Site, until
from tests.agents.controller import Controller
from tests.agents.device import Box, Faults

pytestmark = pytest.mark.slow

NAMES = ("ana", "eva", "lia", "noa")
ACCESSES = (Access.FULL, Access.THROTTLED, Access.PORTAL, Access.BLOCKED)

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("want"), st.sampled_from(NAMES), st.sampled_from(ACCESSES)),
        st.tuples(st.just("wipe"), st.sampled_from(NAMES), st.none()),
        st.tuples(st.just("impose"), st.sampled_from(NAMES), st.sampled_from(ACCESSES[1:])),
        st.tuples(st.just("fault"), st.sampled_from(["unreachable", "garbled", "lies", "drops"]), st.none()),
        st.tuples(st.just("heal"), st.just(""), st.none()),
        st.tuples(st.just("crash"), st.just(""), st.none()),
        st.tuples(st.just("away"), st.just(""), st.none()),
        st.tuples(st.just("back"), st.just(""), st.none()),
        st.tuples(st.just("settle"), st.just(""), st.none()),
    ),
    max_size=12,
)

FAULTS = {
    "unreachable": lambda: Faults(unreachable=True),
    "garbled": lambda: Faults(garbled=True),
    "lies": lambda: Faults(lies=True),
    "drops": lambda: Faults(drops_after=1),
}


class World:
    """A site, and what is checked at each write on its box."""

    def __init__(self, folder: Path, effects: bool) -> None:
        self.controller = Controller("box")
        self.controller.come()
        self.away = False
        self.box = Box(effects=effects, slice_size=2)
        self.unpermitted: list[Change] = []
        self.box.after_write = self._judge
        self.site = Site(folder, self.controller, {"box": self.box})
        self.site.sweep_seconds = 0.1
        for name in NAMES:
            self.controller.want("box", name, Access.FULL)
            self.box.login(f"username:{name}")
        self.site.start()

    def _judge(self, change: Change) -> None:
        if isinstance(change, Restrict) or (isinstance(change, Refresh) and change.lowers):
            asked = (str(change.entry.binding), change.entry.changed_revision)
            if asked not in self.controller.permitted:
                self.unpermitted.append(change)

    def step(self, what: str, name: str, access: Access | None) -> None:
        match what:
            case "want":
                assert access is not None
                self.controller.want("box", name, access)
            case "wipe":
                self.box.wipe(f"username:{name}")
            case "impose":
                assert access is not None
                self.box.impose(f"username:{name}", name, access)
            case "fault":
                self.box.faults = FAULTS[name]()
            case "heal":
                self.box.faults = Faults()
            case "crash":
                self._crash()
            case "away":
                self.controller.go()
                self.away = True
            case "back":
                self._back()
            case _:
                sweeps = len(self.box.reads)
                threading.Event().wait(0.02 if sweeps else 0.05)

    def _crash(self) -> None:
        now = threading.Event()
        now.set()
        self.site.crash(now, threading.Event())

    def _back(self) -> None:
        if self.away:
            self.controller.come()
            self.away = False

    def is_as_wanted(self, name: str) -> bool:
        """On the device, for the live session, and in the controller's books; a quarrel may end in giving way."""
        key = Key.parse(f"username:{name}")
        entry = self.controller.desks["box"].entries[name]
        wanted, has = Access(entry.access), self.box.access(key)
        if self.controller.detail("box", name).startswith("flapping"):
            return has is Access.FULL and wanted is not Access.FULL
        session = self.box.sessions[key] if self.box.effects else has
        return has is wanted and session is wanted and self.site.state(name) == "verified"

    def end(self) -> None:
        self.box.faults = Faults()
        self._back()
        try:
            until(lambda: all(self.is_as_wanted(name) for name in NAMES))
        finally:
            self.site.stop()
            self.controller.go()


@settings(max_examples=25)
@given(steps=STEPS, effects=st.booleans())
def test_any_order_of_decisions_faults_crashes_and_foreign_hands_converges_and_cuts_nobody_unpermitted(
    steps: list[tuple[str, str, Access | None]], effects: bool
) -> None:
    with TemporaryDirectory() as folder:
        world = World(Path(folder), effects)
        try:
            for what, name, access in steps:
                world.step(what, name, access)
        finally:
            world.end()
        assert world.unpermitted == []
