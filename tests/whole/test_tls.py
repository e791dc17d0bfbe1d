"""TLS between the parts: whoever cannot verify the controller's certificate tells it nothing."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from controller.administration import add_token, migrate_database
from controller.app import make_server
from controller.settings import load_settings
from lab.box.launch import running_agent
from lab.box.policies import write_policies
from lab.box.settings import write_secret
from tests.cli.conftest import Done, environment, run
from tests.drivers.mikrotik_routers import USER, router
from tests.lab.certificates import make_certificate
from tests.servers.ports import free_port

pytestmark = pytest.mark.slow

PATIENCE_S = 20


@dataclass
class Secure:
    """A controller behind https, its authority's certificate, and a token of the NOC."""

    url: str
    ca_file: Path
    folder: Path
    token: str

    def status(self, ca_file: Path | None) -> Done:
        told = {"GRIFO_URL": self.url, "GRIFO_TOKEN": self.token}
        trusted = {"GRIFO_CA_FILE": str(ca_file)} if ca_file else {}
        return run("status", "--json", env=environment(self.folder) | told | trusted)


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Secure]:
    certificate = make_certificate(tmp_path)
    port = free_port()
    (tmp_path / "controller.toml").write_text(
        f'installation = "isp"\ndatabase = "sqlite:///{tmp_path}/grifo.db"\nlisten = "127.0.0.1:{port}"\n'
        f'tls_certificate = "{certificate.file}"\ntls_key = "{certificate.key}"\n'
        f'policies = "{write_policies(tmp_path)}"\ndefault_policy = "es"\n'
    )
    settings = load_settings(tmp_path / "controller.toml")
    migrate_database(settings)
    write_secret(tmp_path / "agent.token", add_token(settings, "agent-1", "agent"))
    server = make_server(settings)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not server.started:
            assert time.monotonic() < deadline, "the controller did not start"
            time.sleep(0.01)
        ca_file = Path(certificate.file)
        yield Secure(f"https://127.0.0.1:{port}", ca_file, tmp_path, add_token(settings, "maria", "noc"))
    finally:
        server.should_exit = True
        thread.join()


def test_the_noc_is_answered_over_tls_where_it_trusts_the_authority(secure: Secure) -> None:
    assert secure.status(secure.ca_file).code == 0


def test_the_noc_sends_no_token_to_a_controller_that_it_cannot_verify(secure: Secure) -> None:
    done = secure.status(None)
    assert done.code == 3
    assert "certificate" in done.err.lower()


@pytest.mark.parametrize("trusts", [True, False], ids=["trusting", "not trusting"])
def test_an_agent_enrols_its_devices_only_where_it_can_verify_the_controller(secure: Secure, trusts: bool) -> None:
    write_secret(secure.folder / "password", USER.password)
    ca_file = f'ca_file = "{secure.ca_file}"\n' if trusts else ""
    with router() as device:
        (secure.folder / "agent.toml").write_text(
            f'controller = "{secure.url}"\n{ca_file}token_file = "{secure.folder}/agent.token"\n'
            f'memory = "{secure.folder}/agent.db"\n[[devices]]\nname = "r1"\ndriver = "mikrotik"\nhost = "127.0.0.1"\n'
            f'port = {device.port}\ntls = false\nusername = "{USER.name}"\npassword_file = "{secure.folder}/password"\n'
        )
        log = secure.folder / "agent.log"
        with running_agent(secure.folder / "agent.toml", log):
            _wait_for(
                lambda: '"r1"' in secure.status(secure.ca_file).out if trusts else "certificate" in log.read_text()
            )
    assert ('"r1"' in secure.status(secure.ca_file).out) is trusts


def _wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)
