"""One SSH session with a switch, through netmiko: lines in, answers out, and the table from its errors to ours.

The host's key is checked against a file of ours, always: netmiko by itself believes any. It tells of a wrong key as of
a timeout, hence by its words here: a changed key is a refusal, never a reason to try again. One thread has a session;
whatever is in doubt (a read that ran out of time, an answer that is not ours) closes it, for what comes next on it
could be the answer to somebody else's question. In a POSIX shell each answer stands between two lines that only this
question can have brought about, the second with the exit status, which netmiko does not show.
"""

import re
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from netmiko import BaseConnection, ConnectHandler
from netmiko.exceptions import (
    NetmikoAuthenticationException,
    NetmikoBaseException,
    NetmikoTimeoutException,
    ReadTimeout,
)
from paramiko.ssh_exception import SSHException

from drivers.base import DriverError, Garbled, Refused, Unreachable
from drivers.sip.shell.settings import Login, ShellAddress

_LINE = 3000
"""Characters in one line: a terminal in its canonical mode takes 4095 (termios(3))."""

_CHUNK = 65535
_TAIL = 400
"""Bytes before the last that may belong to the end of an answer."""

_KEEPALIVE_S = 30
_HOST_KEY = ("Host key for server", "not found in known_hosts")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command brought: its text, and its exit status where the shell tells one."""

    text: str
    status: int | None


class Session:
    """A login that is kept. Construction opens nothing."""

    def __init__(self, address: ShellAddress, login: Login, device_type: str) -> None:
        self.name = address.name
        self._address = address
        self._login = login
        self._device_type = device_type
        self._connection: BaseConnection | None = None

    def run(self, commands: Sequence[str], posix: bool) -> list[Answer]:
        """The answers to commands, in order. Raises a DriverError; the session is closed then."""
        try:
            return list(self._in_shell(commands) if posix else self._by_prompt(commands))
        except (DriverError, OSError, EOFError, SSHException, NetmikoBaseException, ValueError) as wrong:
            self.close()
            raise _translated(self.name, wrong) from wrong

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.paramiko_cleanup()

    def _in_shell(self, commands: Sequence[str]) -> Iterator[Answer]:
        for run in _runs(commands):
            mark = f"grifo-{secrets.token_hex(8)}"
            text = self._type(_marked(mark, run), rf"{mark}-{len(run) - 1}-\d+")
            for at in range(len(run)):
                found = re.search(rf"^{mark}-{at}\n(.*?){mark}-{at}-(\d+)$", text, re.MULTILINE | re.DOTALL)
                if found is None:
                    raise Garbled(f"node {self.name} answered a command with something that is not its answer")
                yield Answer(found[1], int(found[2]))

    def _by_prompt(self, commands: Sequence[str]) -> Iterator[Answer]:
        for command in commands:
            # A prompt in a configuration mode is cut short: IOS keeps some sixteen letters of the name.
            prompt = re.escape(self._connected().base_prompt[:16])
            yield Answer(self._type(command, rf"^{prompt}[^\n]*[>#]\s*\Z"), None)

    def _type(self, line: str, until: str) -> str:
        """What a line brought, up to `until`. Netmiko's own reader would not notice that the session ended."""
        connection = self._connected()
        connection.clear_buffer()
        connection.write_channel(f"{line}\n")
        channel: Any = connection.remote_conn
        read = bytearray()
        deadline = time.monotonic() + self._login.read_timeout_s
        while True:
            channel.settimeout(max(0.001, deadline - time.monotonic()))
            chunk = channel.recv(_CHUNK)
            if not chunk:
                raise EOFError("the session was ended from the other side")
            read += chunk
            if re.search(until, _plain(connection, read[-len(chunk) - _TAIL :]), re.MULTILINE):
                return _plain(connection, read)

    def _connected(self) -> BaseConnection:
        if self._connection is not None and _open(self._connection):
            return self._connection
        self.close()
        login = self._login
        self._connection = ConnectHandler(
            device_type=self._device_type,
            host=self._address.host,
            port=self._address.port,
            username=login.username,
            password=login.password.reveal() if login.password else None,
            passphrase=login.passphrase.reveal() if login.passphrase else None,
            key_file=login.key_file,
            use_keys=login.key_file is not None,
            ssh_strict=True,
            system_host_keys=False,
            alt_host_keys=True,
            alt_key_file=login.known_hosts_file,
            conn_timeout=login.connect_timeout_s,
            auth_timeout=login.read_timeout_s,
            banner_timeout=login.read_timeout_s,
            blocking_timeout=login.read_timeout_s,
            read_timeout_override=login.read_timeout_s,
            keepalive=_KEEPALIVE_S,
        )
        return self._connection


def _open(connection: BaseConnection) -> bool:
    """Netmiko's own question types a NUL, which a device may take for part of the next command."""
    channel: Any = connection.remote_conn
    return not channel.closed and channel.get_transport().is_active()


def _plain(connection: BaseConnection, read: bytes | bytearray) -> str:
    text = connection.strip_ansi_escape_codes(bytes(read).decode("utf-8", errors="replace"))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _runs(commands: Sequence[str]) -> Iterator[list[str]]:
    """Commands in as few lines as they fit in."""
    run: list[str] = []
    for command in commands:
        if run and sum(map(len, run)) + len(command) + 100 * len(run) > _LINE:
            yield run
            run = []
        run.append(command)
    if run:
        yield run


def _marked(mark: str, run: Sequence[str]) -> str:
    """The quotes keep the line that the terminal echoes from looking like the lines that it brings about."""
    quoted = mark.replace("-", "''-", 1)
    return "; ".join(f"echo {quoted}-{at}; {command} 2>&1; echo {quoted}-{at}-$?" for at, command in enumerate(run))


def _translated(node: str, wrong: Exception) -> DriverError:
    """The one table from netmiko's and paramiko's errors to ours. Their long texts are for another audience."""
    words = " ".join(str(wrong).split())
    match wrong:
        case DriverError():
            return wrong
        case NetmikoAuthenticationException():
            return Refused(f"node {node} did not let us log in: wrong user, password or key")
        case NetmikoTimeoutException() if any(told in words for told in _HOST_KEY):
            return Refused(
                f"node {node} has another host key than known_hosts_file says, or none there: nothing was sent;"
                " if its key was changed on purpose, put the new one into that file"
            )
        case ReadTimeout() | TimeoutError():
            return Unreachable(f"node {node} did not answer over SSH in time")
        case EOFError():
            return Unreachable(f"node {node} ended the session in mid-answer")
        case _:
            return Unreachable(f"node {node} can't be reached over SSH: {words[:160]}")
