"""JSON-RPC as Kamailio 5.6.3's module jsonrpcs answers it, text by text; what a manual would not lead one to expect:

an array of calls, or a call without `method`, gets an empty result and nothing is done; a call that is no JSON gets no
answer at all; a key that is absent is error 500 to `get` and 404 to `delete`; every other error is 500.
"""

import json
import time
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from lab.switch.faults import Faults
from lab.switch.tables import Tables, Value

VERSION = "kamailio 5.6.3 (x86_64/linux) "
_SLOTS = 256
_ABSENT = object()


class RpcError(Exception):
    """An error in Kamailio's words."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Rpc:
    """The RPC commands over one switch's tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._started = time.monotonic()
        self._commands: Mapping[str, Callable[[list[Any], Faults], Any]] = {
            "core.version": lambda _params, _faults: VERSION,
            "core.uptime": lambda _params, _faults: {"uptime": int(time.monotonic() - self._started)},
            "htable.get": self._get,
            "htable.sets": self._sets,
            "htable.seti": self._seti,
            "htable.delete": self._delete,
            "htable.dump": self._dump,
            "htable.listTables": self._list,
            "htable.store": self._store,
            "htable.reload": self._reload,
            "htable.flush": self._flush,
        }

    def restarted(self) -> None:
        """Uptime counts from here."""
        self._started = time.monotonic()

    def answer(self, body: bytes, faults: Faults) -> tuple[int, dict[str, Any]] | None:
        """HTTP status and JSON of the answer; None where Kamailio would give no answer."""
        try:
            request = json.loads(body)
        except ValueError:
            return None
        if not isinstance(request, dict):
            return 200, {"jsonrpc": "2.0", "result": {}}
        echo = _echo(request)
        method = request.get("method")
        if request.get("jsonrpc") != "2.0" or not isinstance(method, str):
            return 200, {"jsonrpc": "2.0", "result": {}, **echo}
        try:
            result = self._run(method, request.get("params"), faults)
        except RpcError as error:
            return error.code, {"jsonrpc": "2.0", "error": {"code": error.code, "message": error.message}, **echo}
        return 200, {"jsonrpc": "2.0", "result": result, **echo}

    def _run(self, method: str, params: Any, faults: Faults) -> Any:
        if method not in self._commands:
            raise RpcError(500, "Method Not Found")
        listed = list(params.values()) if isinstance(params, dict) else list(params or [])
        return self._commands[method](listed, faults)

    def _get(self, params: list[Any], _faults: Faults) -> Any:
        table, key = self._table_and_key(params, "Not enough parameters (htable name and key name)")
        value = self._tables.get(table, key)
        if value is None:
            raise RpcError(500, "Key name doesn't exist in htable.")
        flags = 0 if isinstance(value, int) else 2
        return {"item": {"name": key, "value": value, "flags": flags, "expire": "NEVER"}}

    def _sets(self, params: list[Any], faults: Faults) -> Any:
        return self._set(params, faults, str)

    def _seti(self, params: list[Any], faults: Faults) -> Any:
        return self._set(params, faults, int)

    def _set(self, params: list[Any], faults: Faults, cast: Callable[[Any], Value]) -> Any:
        few = "Not enough parameters (htable name, key name and value)"
        table, key = self._table_and_key(params, few)
        if len(params) < 3:
            raise RpcError(500, few)
        _stop_if_refused(faults)
        if not faults.lie:
            self._tables.set(table, key, cast(params[2]))
        return "Ok. Key set to new value."

    def _delete(self, params: list[Any], faults: Faults) -> Any:
        table, key = self._table_and_key(params, "Not enough parameters (htable name and key name)")
        _stop_if_refused(faults)
        if self._tables.get(table, key) is None:
            raise RpcError(404, "Key not found in htable.")
        if not faults.lie:
            self._tables.delete(table, key)
        return "Ok. Key deleted."

    def _dump(self, params: list[Any], _faults: Faults) -> Any:
        slots: dict[int, list[dict[str, Value]]] = {}
        for key, value in self._tables.items(self._table(params)).items():
            item = {"name": key, "value": value, "type": "int" if isinstance(value, int) else "str"}
            slots.setdefault(zlib.crc32(key.encode()) % _SLOTS, []).append(item)
        return [{"entry": entry, "size": len(slot), "slot": slot} for entry, slot in sorted(slots.items())]

    def _list(self, _params: list[Any], _faults: Faults) -> Any:
        fixed = {"dbmode": 0, "expire": 0, "updateexpire": 1, "size": _SLOTS, "dmqreplicate": 0}
        return [{"name": name, "dbtable": name, **fixed} for name in self._tables.names]

    def _store(self, params: list[Any], faults: Faults) -> Any:
        return self._whole(params, faults, self._tables.store, "Ok. Htable successfully stored to DB.")

    def _reload(self, params: list[Any], faults: Faults) -> Any:
        return self._whole(params, faults, self._tables.reload, "Ok. Htable reloaded.")

    def _flush(self, params: list[Any], faults: Faults) -> Any:
        return self._whole(params, faults, self._tables.flush, "Ok. Htable flushed.")

    def _whole(self, params: list[Any], faults: Faults, do: Callable[[str], None], answer: str) -> str:
        table = self._table(params)
        _stop_if_refused(faults)
        if not faults.lie:
            do(table)
        return answer

    def _table(self, params: list[Any]) -> str:
        if not params or not isinstance(params[0], str):
            raise RpcError(500, "No htable name given")
        return self._known(params[0])

    def _table_and_key(self, params: list[Any], few: str) -> tuple[str, str]:
        if len(params) < 2 or not all(isinstance(param, str) for param in params[:2]):
            raise RpcError(500, few)
        return self._known(params[0]), params[1]

    def _known(self, table: str) -> str:
        if table not in self._tables.names:
            raise RpcError(500, "No such htable")
        return table


def _echo(request: Mapping[str, Any]) -> dict[str, Any]:
    """The id, given back; a null comes back as 0."""
    id = request.get("id", _ABSENT)
    if id is _ABSENT:
        return {}
    return {"id": 0 if id is None else id}


def _stop_if_refused(faults: Faults) -> None:
    if faults.refuse:
        raise RpcError(500, faults.refuse)
