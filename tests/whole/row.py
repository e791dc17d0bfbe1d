"""Who is looked at in a row of the fault table."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from tests.whole.ground import Customer, Ground
from tests.whole.town import Town

G = TypeVar("G", bound=Ground)


@dataclass
class RowOf(Generic[G]):
    """A town with new customers: on one device Ana is cut, Eva is not yet, and Leo never owes."""

    town: G
    ana: Customer
    eva: Customer
    leo: Customer

    def prices_change(self) -> None:
        """Ana pays, and Eva comes to owe."""
        self.town.pays(self.ana)
        self.town.owes(self.eva)

    def dies_and_comes_back(self) -> None:
        """Eva pays while no agent is there to hear it."""
        self.town.agent.kill()
        self.town.pays(self.eva)
        self.town.agent.start()
        self.town.until_right()

    def until_believed(self, states: set[str]) -> None:
        """Until what is known of both is one of these states, and no claim goes beyond what is so."""
        both = (self.ana, self.eva)
        self.town.until(lambda: {self.town.believes(one) for one in both} <= states, self.shown)

    def shown(self) -> object:
        return [(self.town.cut(one), self.town.believes(one), one) for one in (self.ana, self.eva, self.leo)]


Row = RowOf[Town]
