"""An OpenSSH server of the tests' own: on a loopback port, with its own host key and one login by key.

The login is this process's own user, so nothing of the machine is changed. `StrictModes no`: the folder is temporary.
"""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.ports import free_port

_READY_S = 30.0


@dataclass
class Sshd:
    """One server; `folder` holds its keys, the login's key, and known_hosts as an operator would write it.

    `program` is what a login gets in place of the user's shell.
    """

    folder: Path
    program: str = ""
    port: int = field(default_factory=free_port)
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def user(self) -> str:
        return getpass.getuser()

    @property
    def key_file(self) -> Path:
        return self.folder / "login"

    @property
    def known_hosts(self) -> Path:
        """What an operator compared by hand: the key that the server had at first."""
        return self.folder / "known_hosts"

    def start(self) -> None:
        """Start and wait until it greets. Raises RuntimeError with its own words."""
        command = ["/usr/sbin/sshd", "-D", "-e", "-f", str(self._configured())]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + _READY_S
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as wire:
                    if wire.recv(4) == b"SSH-":
                        return
            except OSError:
                time.sleep(0.02)
        self.stop()
        raise RuntimeError("sshd did not start:\n" + (self.folder / "log").read_text(errors="replace")[-3000:])

    def stop(self) -> None:
        """No listener and no session. Safe to call twice."""
        process, self._process = self._process, None
        if process is None:
            return
        for child in _children(process.pid):
            _end(child)
        process.terminate()
        process.wait(10)

    def end_sessions(self) -> None:
        """What a switch's own housekeeping does: every session is gone, the listener stays."""
        assert self._process is not None
        for child in _children(self._process.pid):
            _end(child)

    def change_key(self) -> None:
        """Another machine, or another installation, now answers at this address."""
        self.stop()
        for kind in ("", ".pub"):
            (self.folder / f"host{kind}").unlink()
        _make_key(self.folder / "host")
        self.start()

    @contextmanager
    def with_another_key(self) -> Iterator[None]:
        """Another machine answers at this address, for as long as the context lasts."""
        own = {kind: (self.folder / f"host{kind}").read_bytes() for kind in ("", ".pub")}
        self.change_key()
        try:
            yield
        finally:
            self.stop()
            for kind, content in own.items():
                (self.folder / f"host{kind}").write_bytes(content)
            self.start()

    @contextmanager
    def running(self, program: str) -> Iterator[None]:
        """Whoever logs in meets this program in the shell's stead, for as long as the context lasts."""
        usual = self.program
        self._restart(program)
        try:
            yield
        finally:
            self._restart(usual)

    def _restart(self, program: str) -> None:
        self.stop()
        self.program = program
        self.start()

    def _configured(self) -> Path:
        file = self.folder / "sshd_config"
        lines = (
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {self.folder / 'host'}",
            f"PidFile {self.folder / 'pid'}",
            f"AuthorizedKeysFile {self.folder / 'login.pub'}",
            "PubkeyAuthentication yes",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin prohibit-password",
            "StrictModes no",
            "UsePAM no",
            "UseDNS no",
            "PrintMotd no",
            "PrintLastLog no",
            "PermitUserEnvironment no",
            "SetEnv PS1=lab$ HISTFILE=/dev/null",
            "MaxStartups 100:30:200",
            *([f"ForceCommand {self.program}"] if self.program else []),
        )
        file.write_text("\n".join(lines) + "\n")
        return file


@contextmanager
def running_sshd(program: str = "") -> Iterator[Sshd]:
    """A server that runs, and whose key is known."""
    folder = Path(tempfile.mkdtemp(prefix="grifo-sshd-"))
    try:
        for key in ("host", "login"):
            _make_key(folder / key)
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        server = Sshd(folder, program)
        kind, key, *_ = (folder / "host.pub").read_text().split()
        server.known_hosts.write_text(f"[127.0.0.1]:{server.port} {kind} {key}\n")
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_key(file: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)


def _children(pid: int) -> list[int]:
    """The processes of the sessions: children of the listener, by /proc (proc(5))."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def _end(pid: int) -> None:
    for child in _children_or_none(pid):
        _end(child)
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _children_or_none(pid: int) -> list[int]:
    try:
        return _children(pid)
    except OSError:
        return []
