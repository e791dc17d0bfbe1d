"""An exchange: a controller, one agent in a process of its own, two Kamailios behind one PostgreSQL, and a relay to it.

Who owes is to be barred, nobody else; what is so is read from each node's own memory and from the database, past the
relay, through which the agent alone goes.
"""

import uuid
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.controller.live import POLICY
from tests.drivers.sip_switches import CARE, RealSwitch, execute, rows
from tests.servers.kamailio import Kamailio, create_tables, running_kamailio
from tests.servers.postgres import Postgres
from tests.whole.agent import Agent
from tests.whole.ground import Customer, Ground, controller_in
from tests.whole.relay import Relay

SWITCH = "switch-1"
EMERGENCY = "1588"
"""An emergency number that this operator adds to those of its country: it is in a table, and can be lost from there."""
_VOICE = POLICY.replace("ladders.internet", "ladders.fixed_voice").replace('"throttled"', '"incoming_only"')
_AGENT = """
controller = "http://127.0.0.1:{link}"
token_file = "{folder}/agent.token"
memory = "{folder}/agent.db"
sweep_seconds = 1
guard_per_hour = 100000
[[devices]]
name = "switch-1"
driver = "sip"
country = "es"
database = "{database}"
care_numbers = ["{care}"]
emergency_numbers = ["{emergency}"]
connect_timeout_s = 2
read_timeout_s = 2
nodes = [{nodes}]
"""


@dataclass(kw_only=True)
class Exchange(Ground):
    """A switch of two nodes; `database` is the URL past the relay."""

    nodes: tuple[RealSwitch, ...]
    database: str
    to_database: Relay
    kind: str = "fixed_voice"
    restricted: str = "incoming_only"

    def move_in(self) -> None:
        """Three new customers, all of whom pay."""
        first = len(self.customers) + 1
        self.sign([Customer(n, SWITCH, f"msisdn:+3491{n:07}") for n in range(first, first + 3)])

    def wrongly(self, people: Iterable[Customer]) -> list[Customer]:
        """By the memory of each node that runs, and by the rows that a node has after its next start."""
        places = [set(node.live()) for node in self.running_nodes()]
        places.append({str(row["key_name"]) for row in rows(self.database)})
        return [one for one in people if {one.name in place for place in places} != {one.owes}]

    def running_nodes(self) -> list[RealSwitch]:
        return [node for node in self.nodes if node.kamailio.is_running]

    def calls(self, person: Customer) -> bool:
        """Whether the customer may call by every node that runs, whatever a database has."""
        return not any(person.name in node.live() for node in self.running_nodes())

    def lose_rows(self) -> None:
        """The table as it was before the first customer was barred."""
        execute(self.database, "DELETE FROM grifo_barred")

    def forgets(self, number: str) -> None:
        """One node no longer lets barred lines call that number."""
        self.nodes[0].kamailio.rpc("htable.delete", "grifo_allow", number).raise_for_status()

    def heal(self) -> None:
        """Every node runs, and lets everybody call the care line and the emergency number."""
        for node in self.nodes:
            if not node.kamailio.is_running:
                node.kamailio.start()
            for number, value in {CARE: "1", EMERGENCY: "emergency"}.items():
                node.kamailio.rpc("htable.sets", "grifo_allow", number, value).raise_for_status()


@contextmanager
def running_exchange(folder: Path, postgres: Postgres) -> Iterator[Exchange]:
    """An exchange without customers, in `folder`, where a migrated `grifo.db` is."""
    with ExitStack() as stack:
        name = f"exchange_{uuid.uuid4().hex}"
        database = postgres.create_database(name)
        stack.callback(postgres.drop_database, name)
        create_tables(database, (CARE,))
        execute(database, f"INSERT INTO grifo_allow (key_name, key_value) VALUES ('{EMERGENCY}', 'emergency')")
        nodes = tuple(RealSwitch(stack.enter_context(running_kamailio(database))) for _ in range(2))
        made: list[Exchange] = []
        to_database = Relay(lambda: postgres.port)
        stack.callback(to_database.close)
        to_controller = Relay(lambda: made[0].settings.port)
        stack.callback(to_controller.close)
        settings, tokens = controller_in(folder, _VOICE)
        (folder / "agent.toml").write_text(
            _AGENT.format(
                folder=folder,
                link=to_controller.port,
                database=database.replace(f":{postgres.port}/", f":{to_database.port}/"),
                care=CARE,
                emergency=EMERGENCY,
                nodes=", ".join(_node(node.kamailio) for node in nodes),
            )
        )
        exchange = Exchange(
            folder=folder,
            nodes=nodes,
            database=database,
            to_database=to_database,
            to_controller=to_controller,
            agent=Agent(folder),
            settings=settings,
            tokens=tokens,
        )
        made.append(exchange)
        stack.callback(exchange.close)
        exchange.open_up(SWITCH)
        yield exchange


def _node(node: Kamailio) -> str:
    return f'{{ rpc = "{node.rpc_url}", sip = "{node.sip_address}" }}'
