"""Live sessions of a NAS: what a subscriber was given at login, and what a CoA has changed since."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from lab.nas.codec import Attributes
from lab.nas.dictionary import Value


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A customer's router: it dials with these credentials, and again whenever it is cut off."""

    username: str
    password: str
    calling_station_id: str = ""


@dataclass(slots=True)
class Session:
    """One session; `given` holds the Access-Accept's attributes, as changed by CoA since."""

    id: str
    subscriber: Subscriber
    address: str
    given: dict[str, list[Value]]
    started: float
    """On the NAS's monotonic clock."""

    def has(self, name: str, value: Value) -> bool:
        """Whether an identification attribute of a request is this session's."""
        match name:
            case "User-Name":
                return value == self.subscriber.username
            case "Acct-Session-Id":
                return value == self.id
            case "Framed-IP-Address":
                return value == self.address
            case "Calling-Station-Id":
                return value == self.subscriber.calling_station_id
        return False

    def change(self, attributes: Attributes) -> None:
        """Replace all values of each attribute named; what is not named stays (RFC 5176, 3.6, note 3)."""
        for name in {name for name, _ in attributes}:
            self.given[name] = [value for key, value in attributes if key == name]

    @property
    def class_(self) -> list[Value]:
        return self.given.get("Class", [])


@dataclass(frozen=True, slots=True)
class SessionView:
    """What anyone may see of a session: a copy, safe to keep."""

    id: str
    username: str
    address: str
    given: Mapping[str, tuple[Value, ...]]


@dataclass(slots=True)
class SessionTable:
    """The sessions of a NAS, found by session id, user name or address."""

    boots: int = 0
    _by_id: dict[str, Session] = field(default_factory=dict)
    _by_user: dict[str, dict[str, Session]] = field(default_factory=dict)
    _counter: int = 0

    def next_id(self) -> str:
        """A session id with the boot counter in front, as RouterOS makes them: never reused over a reboot."""
        self._counter += 1
        return f"8{self.boots:02x}{self._counter:06x}"

    def add(self, session: Session) -> None:
        self._by_id[session.id] = session
        self._by_user.setdefault(session.subscriber.username, {})[session.id] = session

    def remove(self, session: Session) -> bool:
        """Take it out; False where it was gone already."""
        gone = self._by_id.pop(session.id, None)
        self._by_user.get(session.subscriber.username, {}).pop(session.id, None)
        return gone is not None

    def matching(self, identifiers: Attributes) -> list[Session]:
        """The sessions that have all of `identifiers` (RFC 5176, section 3)."""
        return [
            one for one in self._candidates(identifiers) if all(one.has(name, value) for name, value in identifiers)
        ]

    def _candidates(self, identifiers: Attributes) -> Iterable[Session]:
        for name, value in identifiers:
            if name == "Acct-Session-Id":
                found = self._by_id.get(str(value))
                return [found] if found else []
            if name == "User-Name":
                return list(self._by_user.get(str(value), {}).values())
        return list(self._by_id.values())

    def clear(self) -> list[Session]:
        """Forget everything, as a reboot does; returns what there was."""
        lost = list(self._by_id.values())
        self._by_id.clear()
        self._by_user.clear()
        self.boots += 1
        self._counter = 0
        return lost

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)

    def views(self) -> list[SessionView]:
        return [
            SessionView(one.id, one.subscriber.username, one.address, {k: tuple(v) for k, v in one.given.items()})
            for one in self
        ]
