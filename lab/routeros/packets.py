"""Packets: what becomes of one on its way through the router, so that a test can ask whether a customer gets through.

The way is that of the manual ("Packet Flow", "FastTrack"): a fasttracked connection passes everything by; else raw,
mangle and, for a connection's first packet, dstnat of prerouting; then mangle and filter of forward, mangle of
postrouting. Rules are first-match, but those of mangle that let a packet go on to the next; a rule with a matcher that
is not known here is an error, never a guess. A packet that gets through opens its connection or belongs to it; one that
is dropped or rejected leaves none. The packet that opens a TCP connection is the one with SYN alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address

from lab.routeros.rules import CHANGES, SILENT, Seen, matches
from lab.routeros.tables import Row, Table


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet; ports are 0 where its protocol has none, `mss` is what one that opens a TCP connection asks for."""

    src: str
    dst: str
    protocol: str = "tcp"
    port: int = 443
    src_port: int = 40000
    mss: int = 1460

    def back(self) -> "Packet":
        """The answer to it."""
        return replace(self, src=self.dst, dst=self.src, port=self.src_port, src_port=self.port)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`passed`; `to` is where it went (after dst-nat); `by` the action that decided, `reject` what the sender is told;
    `mark` its packet mark, by which queues know it; `mss` what a rule has put in place of the sender's; `fasttracked`
    where no rule saw it."""

    passed: bool
    to: str
    by: str = ""
    reject: str = ""
    mark: str = ""
    mss: str = ""
    fasttracked: bool = False


class Walk:
    """One packet on its way."""

    def __init__(self, tables: Mapping[str, Table], packet: Packet) -> None:
        family = "/ipv6" if ip_address(packet.src).version == 6 else "/ip"
        self._tables = {name: tables[f"{family}/firewall/{name}"] for name in ("raw", "mangle", "nat", "filter")}
        self._connections = tables[f"{family}/firewall/connection"]
        lists = tables[f"{family}/firewall/address-list"]
        self._lists: list[Row] = [row for row in lists if row.get("disabled") != "true"]
        self._packet = packet
        self._mark = ""
        self._mss = ""
        self._fast = False

    def verdict(self) -> Verdict:
        known, replying = self._connection()
        if known is not None and known.get("fasttrack") == "true":
            return Verdict(True, self._packet.dst, "fasttrack", fasttracked=True)
        for table in ("raw", "mangle"):
            decided = self._through(table, "prerouting", self._seen(self._packet, known))
            if decided is not None and decided["action"] in _STOPS:
                return self._stopped(decided)
        packet = self._translated(known, replying)
        seen = self._seen(packet, known, natted=packet.dst != self._packet.dst)
        self._through("mangle", "forward", seen)
        decided = self._through("filter", "forward", seen)
        if decided is not None and decided["action"] in _STOPS:
            return self._stopped(decided)
        self._through("mangle", "postrouting", seen)
        self._keep(known, packet)
        by = decided["action"] if decided else "policy"
        return Verdict(True, packet.dst, by, mark=self._mark, mss=self._mss)

    def _stopped(self, rule: Row) -> Verdict:
        return Verdict(False, self._packet.dst, rule["action"], rule.get("reject-with", ""))

    def _seen(self, packet: Packet, known: Row | None, natted: bool = False) -> Seen:
        dstnat = natted or (known is not None and known.get("dstnat") == "true")
        ports = (packet.src_port, packet.port)
        return Seen(packet.src, packet.dst, packet.protocol, *ports, known is not None, dstnat, packet.mss)

    def _connection(self) -> tuple[Row | None, bool]:
        """The connection that the packet belongs to, and whether it goes against its direction."""
        packet = self._packet
        ends = (_end(packet.src, packet.src_port), _end(packet.dst, packet.port))
        for row in self._connections:
            if row.get("protocol") != packet.protocol:
                continue
            if (row["src-address"], row["dst-address"]) == ends:
                return row, False
            if (row["reply-src-address"], row["reply-dst-address"]) == ends:
                return row, True
        return None, False

    def _translated(self, known: Row | None, replying: bool) -> Packet:
        """The packet after dst-nat, which only a connection's first packet decides."""
        packet = self._packet
        if known is not None:
            host, port = _parts(known["reply-src-address"])
            return packet if replying else replace(packet, dst=host, port=port)
        rule = self._through("nat", "dstnat", self._seen(packet, None))
        if rule is None or rule["action"] != "dst-nat":
            return packet
        return replace(packet, dst=rule["to-addresses"], port=int(rule.get("to-ports", packet.port)))

    def _keep(self, known: Row | None, packet: Packet) -> None:
        if known is not None:
            known["fasttrack"] = "true" if self._fast else known["fasttrack"]
            return
        src, dst = _end(self._packet.src, packet.src_port), _end(self._packet.dst, self._packet.port)
        self._connections.add(
            {
                "protocol": packet.protocol,
                "src-address": src,
                "dst-address": dst,
                "reply-src-address": _end(packet.dst, packet.port),
                "reply-dst-address": src,
                "fasttrack": "true" if self._fast else "false",
                "dstnat": "true" if packet.dst != self._packet.dst else "false",
            }
        )

    def _through(self, table: str, chain: str, seen: Seen) -> Row | None:
        """The rule of a chain, or of one that it jumps to, that decides; None where none does."""
        for row in self._tables[table]:
            if row["chain"] != chain or row.get("disabled") == "true" or not matches(row, seen, self._lists):
                continue
            action = row["action"]
            if action == "jump":
                decided = self._through(table, row["jump-target"], seen)
                if decided is not None:
                    return decided
            elif action == "return":
                return None
            elif action == "fasttrack-connection":
                self._fast = True
            elif action in CHANGES:
                self._change(row)
                if row.get("passthrough", "yes") in ("no", "false"):
                    return row
            elif action not in SILENT:
                return row
        return None

    def _change(self, row: Row) -> None:
        self._mark = row.get("new-packet-mark", self._mark)
        self._mss = row.get("new-mss", self._mss)


_STOPS = ("drop", "reject", "tarpit")


def _end(host: str, port: int) -> str:
    if not port:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _parts(end: str) -> tuple[str, int]:
    """(host, port) of what `_end` wrote."""
    if end.count(":") > 1 and "]" not in end:
        return end, 0
    host, _, port = end.rpartition(":")
    return (host.strip("[]"), int(port)) if host else (port, 0)
