"""A NAS that does nothing but report: accounting packets of any session to a RADIUS server (RFC 2866)."""

import io
from pathlib import Path
from typing import Any

from pyrad.client import Client
from pyrad.dictionary import Dictionary

from drivers.radius import attributes

START, STOP, INTERIM = 1, 2, 3

_MORE = "ATTRIBUTE Acct-Status-Type 40 integer\n"


class Reports:
    """Sends to the accounting port at `acct`, and returns once the server has written it down."""

    def __init__(self, acct: tuple[str, int], secret: bytes) -> None:
        known = Dictionary(str(Path(attributes.__file__).with_name("dictionary")), io.StringIO(_MORE))
        self._client = Client(acct[0], acctport=acct[1], secret=secret, dict=known)
        self._client.timeout = 10

    def start(self, username: str, session: str, **more: Any) -> None:
        self._send(START, username, session, more)

    def interim(self, username: str, session: str, **more: Any) -> None:
        self._send(INTERIM, username, session, more)

    def stop(self, username: str, session: str, **more: Any) -> None:
        self._send(STOP, username, session, more)

    def close(self) -> None:
        self._client._CloseSocket()

    def _send(self, status: int, username: str, session: str, more: dict[str, Any]) -> None:
        packet = self._client.CreateAcctPacket(
            User_Name=username, Acct_Session_Id=session, NAS_IP_Address="127.0.0.1", Acct_Status_Type=status, **more
        )
        self._client.SendPacket(packet)
