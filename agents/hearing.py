"""The first step of a turn: what the controller wants of a device comes into the memory, or the device is halted."""

from dataclasses import dataclass, field

from agents.backoff import pause
from agents.clock import Clock
from agents.device_memory import DeviceMemory
from agents.epochs import Standing, standing, why_halted
from agents.line import FIRST_PAUSE_S, LONGEST_PAUSE_S, Line
from agents.link import ControllerAway, ControllerGarbled, ControllerRefused, FetchedEntries, LinkError
from agents.settings import DeviceSettings
from agents.told import Told
from drivers.base import Capabilities
from enforcement.keys import Key
from enforcement.wire import VERSION, Enrolment, Feed, FeedDevice

FORBIDDEN = 403
CONFLICT = 409


@dataclass(frozen=True, slots=True)
class Heard:
    """What follows from it: keys to look at, a full sweep, a whole report, a start from nothing (`anew`: an epoch)."""

    keys: set[Key] = field(default_factory=set)
    sweep: bool = False
    whole: bool = False
    anew: bool = False


class Hearing:
    """Follows the feed for one device. `problem` is what the controller itself objected to, for the log."""

    def __init__(
        self, device: DeviceSettings, memory: DeviceMemory, line: Line, installation: str, clock: Clock
    ) -> None:
        self._device = device.name
        self._driver = device.driver
        self._site = device.site
        self._memory = memory
        self._line = line
        self._installation = installation
        self._clock = clock
        self._connection = 0
        self._enrolled_at: Feed | None = None
        self._failures = 0
        self._retry_at = float("inf")
        self._conditions_changed = False
        self._found_again = False
        self.stopped = False
        self.problem = ""

    @property
    def due_at(self) -> float:
        """When to hear again although nothing new was told: only after a failure."""
        return max(self._retry_at, self._line.usable_at)

    def hear(self, told: Told, capabilities: Capabilities) -> Heard:
        """Take what was told. A controller that fails in the middle is heard again at the next occasion."""
        self._line.hear(told)
        if told.feed is None or not told.reachable:
            return Heard()
        try:
            self._enrol(told, capabilities)
            heard = self._follow(told, told.feed)
        except LinkError as wrong:
            self._failures += 1
            self._retry_at = self._clock.monotonic() + pause(self._failures, FIRST_PAUSE_S, LONGEST_PAUSE_S)
            self.problem = "" if isinstance(wrong, ControllerAway) else str(wrong)
            return self._with_what_follows(Heard())
        self.problem, self._failures, self._retry_at = "", 0, float("inf")
        return self._with_what_follows(heard)

    def _with_what_follows(self, heard: Heard) -> Heard:
        """What was learned before the controller failed counts although the rest did not come: new modes above all."""
        changed, self._conditions_changed = self._conditions_changed, False
        again, self._found_again = self._found_again, False
        return Heard(heard.keys, heard.sweep or changed or again, heard.whole or again, heard.anew)

    def fetch(self) -> set[Key]:
        """Ask the controller what has changed, without waiting for the feed to say so. Raises LinkError."""
        memory = self._memory
        news = self._entries(memory.epoch, memory.revision)
        if not news.entries and news.revision == memory.revision:
            return set()
        return memory.merge(news.epoch, news.revision, news.entries)

    def _entries(self, epoch: str, after: int) -> FetchedEntries:
        news = self._line.entries(epoch, after)
        if news.epoch != epoch or news.revision < after:
            raise ControllerGarbled(f"asked for epoch {epoch} after {after}, got {news.epoch} at {news.revision}")
        return news

    def _enrol(self, told: Told, capabilities: Capabilities) -> None:
        if told.connection == self._connection:
            return
        access = {kind.value: sorted(map(str, steps)) for kind, steps in capabilities.access.items()}
        try:
            self._line.enrol(Enrolment(VERSION, self._driver, sorted(capabilities.keys), access, self._site))
        except ControllerRefused as no:
            if no.status == FORBIDDEN:
                self._memory.halt(str(no))
            raise
        self._connection, self._enrolled_at, self._found_again = told.connection, told.feed, True

    def _follow(self, told: Told, feed: Feed) -> Heard:
        memory, device = self._memory, feed.devices.get(self._device)
        if device is None:
            self._unnamed(feed)
            return Heard()
        if feed.installation != self._installation:
            memory.halt(f"the controller is of installation {feed.installation}, this agent of {self._installation}")
            return Heard()
        match standing(memory.epoch, memory.revision, memory.ahead, device):
            case Standing.HALT:
                memory.halt(why_halted(memory.epoch, memory.revision, device))
                return Heard()
            case Standing.ADOPT:
                return self._adopt(told, device)
            case Standing.DOUBT:
                return self._ask(told, device)
            case Standing.FOLLOW:
                return self._keep_up(told, device)

    def _unnamed(self, feed: Feed) -> None:
        """What was ours and is not named any more is another's; a feed from before we enrolled can't tell."""
        if self._memory.epoch and feed is not self._enrolled_at:
            self._memory.halt("the controller does not give this device to this agent any more")

    def _ask(self, told: Told, device: FeedDevice) -> Heard:
        """The feed's word is older than ours: out of date, unless the controller itself does not know our revision."""
        try:
            return self._keep_up(told, device)
        except ControllerRefused as no:
            if no.status != CONFLICT:
                raise
            memory = self._memory
            memory.halt(why_halted(memory.epoch, memory.revision, device), ahead=True)
            return Heard()

    def _adopt(self, told: Told, device: FeedDevice) -> Heard:
        news = self._entries(device.epoch, 0)
        self._memory.adopt(news.epoch, news.revision, news.entries)
        self._conditions(told, device)
        return Heard(sweep=True, whole=True, anew=True)

    def _keep_up(self, told: Told, device: FeedDevice) -> Heard:
        memory = self._memory
        self._conditions(told, device)
        sweep = False
        if not memory.epoch:
            news = self._entries(device.epoch, 0)
            memory.adopt(news.epoch, news.revision, news.entries)
            sweep = True
        keys = self.fetch() if device.revision != memory.revision else set()
        resumed = bool(memory.halted)
        memory.halt("")
        return Heard(keys, sweep or resumed)

    def _conditions(self, told: Told, device: FeedDevice) -> None:
        """Modes and stop decide what is withheld: when they change, everything is looked at again."""
        assert told.feed is not None
        stopped_changed = self.stopped != told.feed.stopped
        self.stopped = told.feed.stopped
        self._conditions_changed = self._memory.set_modes(device.modes) or stopped_changed or self._conditions_changed
