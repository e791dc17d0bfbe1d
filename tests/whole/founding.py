"""Founding a town: its devices, the settings of controller and agent, and who runs what."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lab.box.settings import write_secret
from lab.nas.nas import Nas
from tests.controller.live import POLICY
from tests.drivers.mikrotik_routers import USER, router
from tests.drivers.radius.radius_lab import SECRET, RadiusLab
from tests.whole.agent import Agent
from tests.whole.ground import controller_in
from tests.whole.radius_databases import RadiusDatabase
from tests.whole.relay import Relay
from tests.whole.town import BRAS, ROUTER, Town

_AGENT = """
controller = "http://127.0.0.1:{link}"
token_file = "{folder}/agent.token"
memory = "{folder}/agent.db"
sweep_seconds = 1
guard_per_hour = 100000
[[devices]]
name = "router-1"
driver = "mikrotik"
host = "127.0.0.1"
port = {router}
tls = false
username = "{user}"
password_file = "{folder}/router.password"
connect_seconds = 2
reply_seconds = 2
ways = {{ username = "address_list" }}
[[devices]]
name = "bras-1"
driver = "radius"
database = "{radius}"
groups = {{ throttled = "grifo-throttled" }}
session_class = true
read_back_seconds = 1
[[devices.nases]]
address = "127.0.0.1"
port = {nas}
secret_file = "{folder}/nas.secret"
timeout_seconds = 0.5
tries = 2
"""


@contextmanager
def running_town(folder: Path, database: RadiusDatabase) -> Iterator[Town]:
    """A town without customers, in `folder`, where a migrated `grifo.db` is."""
    with ExitStack() as stack:
        device = stack.enter_context(router())
        radius, nas = _radius(database, stack)
        made: list[Town] = []
        to_router = Relay(lambda: device.port)
        stack.callback(to_router.close)
        to_controller = Relay(lambda: made[0].settings.port)
        stack.callback(to_controller.close)
        settings, tokens = controller_in(folder, POLICY)
        write_secret(folder / "router.password", USER.password)
        write_secret(folder / "nas.secret", SECRET.decode())
        (folder / "agent.toml").write_text(
            _AGENT.format(
                folder=folder,
                link=to_controller.port,
                router=to_router.port,
                user=USER.name,
                radius=radius.url,
                nas=nas.port,
            )
        )
        town = Town(
            folder=folder,
            router=device,
            database=database,
            radius=radius,
            nas=nas,
            to_router=to_router,
            to_controller=to_controller,
            agent=Agent(folder),
            settings=settings,
            tokens=tokens,
        )
        made.append(town)
        stack.callback(town.close)
        town.open_up(ROUTER, BRAS)
        yield town


def _radius(database: RadiusDatabase, stack: ExitStack) -> tuple[RadiusLab, Nas]:
    """A RADIUS server and its NAS, with the plan and the groups. Interim-Updates tell of sessions whose Start was lost
    while the database was away."""
    lab = database.serve(stack)
    lab.seed()
    return lab, lab.nas(interim_s=2.0)
