"""One Kamailio by RPC and by questions over SIP: what `driver` needs of a node, from `rpc`, `probe` and `check`."""

from collections.abc import Collection, Mapping, Sequence

from drivers.base import Garbled, Step
from drivers.sip import check, probe
from drivers.sip.allowlist import Block, Numbers, all_questions, any_question, faults, unproven
from drivers.sip.prepare import fragment_steps
from drivers.sip.probe import SipAddress
from drivers.sip.rpc import NodeRpc
from drivers.sip.settings import SipSettings
from enforcement.access import Access

_ONE_BY_ONE = 40
"""More names than this, and one dump of the whole table is quicker than asking for each."""


class KamailioNode:
    """A node whose table is in memory, loaded from the database at its start."""

    def __init__(self, rpc: NodeRpc, sip: SipAddress, settings: SipSettings) -> None:
        self.name = rpc.name
        self._rpc = rpc
        self._sip = sip
        self._table = settings.table
        self._database_table = settings.database_table
        self._numbers: Numbers = settings.numbers
        self._blocks = settings.blocks
        self._probe_timeout_s = settings.probe_timeout_s

    def read(self, names: Collection[str] | None) -> dict[str, str]:
        if names is not None and len(names) <= _ONE_BY_ONE:
            return self._rpc.values(self._table, names)
        table = self._rpc.dump(self._table)
        return table if names is None else {name: table[name] for name in names if name in table}

    def unfit(self, name: str) -> str:
        return ""

    def set_all(self, values: Mapping[str, str]) -> None:
        self._rpc.set_all(self._table, values)

    def delete_all(self, names: Collection[str]) -> None:
        self._rpc.delete_all(self._table, names)

    def up_seconds(self) -> float | None:
        answer = self._rpc.call("core.uptime")
        seconds = answer.get("uptime") if isinstance(answer, dict) else None
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            self.close()
            raise Garbled(f"node {self.name}: core.uptime answered {answer!r}")
        return float(seconds)

    def doubts(self, accesses: Collection[Access]) -> list[str]:
        questions = all_questions(accesses, self._numbers)
        return faults(self.name, probe.ask(self._sip, questions, self._probe_timeout_s))

    def unproven(self) -> list[str]:
        passed = self._passed()
        return [] if passed is None else unproven(self.name, self._blocks, passed)

    def setup(self) -> list[str]:
        listed = self._rpc.call("htable.listTables")
        return check.definition(self.name, listed, self._table, self._database_table)

    def steps(self, install: bool) -> Sequence[Step]:
        return fragment_steps(self.name, self._numbers, self._blocks, tables=not self.setup(), passed=self._passed())

    def close(self) -> None:
        self._rpc.close()

    def _passed(self) -> frozenset[Block] | None:
        return probe.passed(self._sip, any_question(self._numbers), self._probe_timeout_s)
