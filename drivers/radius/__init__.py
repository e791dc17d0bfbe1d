"""FreeRADIUS's SQL tables and the NASes behind them: access is one additional radusergroup row, ours to add and remove.

The row is written first, in one transaction with its mark; then live sessions are told by CoA or Disconnect (RFC 5176);
then radacct is read, for an acknowledgement is no proof. `rows.py` reads, `truth.py` concludes, `compose.py` and
`write.py` change rows, `telling.py` and `sender.py` speak to the NASes, `driver.py` puts them in order.

Why a table for marks. radusergroup has no column for a comment, groupname is what radgroupreply is matched by, and
with 64 characters it could not hold a mark. So `grifo_marks` says whose a row is: (username, mark, groupname), written
and deleted in the same transaction as the radusergroup row that it names. A row without its mark is somebody else's
and is never touched; a mark without its row shows nothing but that a hand removed the row. Nothing of the operator's is
altered, so there is nothing to put back: taking both rows away leaves the tables as they were.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from drivers.base import Driver
from drivers.radius.driver import RadiusDriver
from drivers.radius.sender import Sender
from drivers.radius.settings import Settings
from drivers.radius.settings_file import settings_from
from drivers.radius.several import SeveralServers


def build(settings: Mapping[str, Any], installation: str) -> Driver:
    """A driver from its settings. Raises ValueError naming the key and what was wrong."""
    return driver_for(settings_from(settings), installation)


def driver_for(settings: Settings, installation: str) -> Driver:
    """One database's driver, or one made of several."""
    if not settings.other_databases:
        return RadiusDriver(settings, installation)
    sender = Sender()
    urls = (settings.database, *settings.other_databases)
    return SeveralServers([RadiusDriver(replace(settings, database=url), installation, sender) for url in urls])
