"""News: a customer of ours logs in, is reported on, or leaves, and is looked at at once, not at the next sweep.

So an armed entry is verified when its customer dials in, and an unknown one when accounting shows what its session
has. Who has nothing of ours is nobody's news, were it a whole town that dials in again.
"""

from collections.abc import Mapping, Sequence, Set
from threading import Lock

from drivers.accounting import Accounting
from drivers.radius.rows import Customer
from drivers.radius.settings import Settings
from drivers.radius_sql import MARIADB
from enforcement.keys import Key, KeyType
from enforcement.observed import Live, Seen


class RadiusNews:
    """One database's. `saw` is called by the device's thread, the rest by the thread that asks (drivers.base.News)."""

    def __init__(self, settings: Settings) -> None:
        shows = ("acctupdatetime", "class") if settings.session_class else ("acctupdatetime",)
        self._accounting = Accounting(settings.database, settings.tables.radacct, shows)
        self._folds = settings.database.get_backend_name() in MARIADB
        self._names: dict[str, str] = {}
        self._unproven: dict[str, tuple[int, ...]] = {}
        self._swept = False
        self._lock = Lock()

    @property
    def name(self) -> str:
        return self._accounting.name

    def saw(self, customers: Mapping[str, Customer], seen: Mapping[str, Seen | None], whole: bool) -> None:
        """Take what a read has shown of some customers, or of all there are anything to say of."""
        with self._lock:
            if whole:
                self._names.clear()
                self._unproven.clear()
                self._swept = True
            for name, customer in customers.items():
                self._take(name, customer, seen.get(name))

    def _take(self, name: str, customer: Customer, seen: Seen | None) -> None:
        """Sessions that don't show what they have are followed: their next word may."""
        self._names.pop(self._folded(name), None)
        self._unproven.pop(name, None)
        if seen is not None:
            self._names[self._folded(name)] = name
            if seen.live is not Live.APPLIES and customer.sessions:
                self._unproven[name] = tuple(session.id for session in customer.sessions)

    def keys(self) -> Set[Key] | None:
        with self._lock:
            if not self._swept:
                return frozenset()
            followed = {id for ids in self._unproven.values() for id in ids}
        changed = self._accounting.changes(followed)
        if changed is None:
            return None
        told = {self._folded(one.now.username) for one in changed}
        with self._lock:
            return {Key(KeyType.USERNAME, self._names[name]) for name in told & self._names.keys()}

    def check(self) -> Sequence[str]:
        return self._accounting.check()

    def close(self) -> None:
        self._accounting.close()

    def _folded(self, name: str) -> str:
        """MariaDB takes `Ana` for `ana`, and `ana ` too."""
        return name.casefold().rstrip() if self._folds else name
