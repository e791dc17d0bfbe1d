"""Translation: whatever librouteros, TLS or the socket raises, as one of the driver's errors. The only table.

certificate not trusted, login refused   Refused      retrying cannot help
timeout, reset, !fatal                   Unreachable  try again later
anything that makes no sense             Garbled      nothing of this turn may be believed
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from librouteros.exceptions import ConnectionClosed, FatalError, LibRouterosError, MultiTrapError, TrapError

from drivers.base import DriverError, Garbled, Refused, Unreachable

_TABLE: tuple[tuple[type[Exception], type[DriverError], str], ...] = (
    (ssl.SSLCertVerificationError, Refused, "its certificate is not trusted: {}; see ca_file and server_name"),
    (TrapError, Refused, "it refused: {}"),
    (MultiTrapError, Refused, "it refused: {}"),
    (TimeoutError, Unreachable, "no answer in time"),
    (ConnectionClosed, Unreachable, "it closed the connection"),
    (FatalError, Unreachable, "it ended the session: {}"),
    (ssl.SSLError, Unreachable, "TLS failed: {}"),
    (OSError, Unreachable, "{}"),
    (LibRouterosError, Garbled, "its answer makes no sense: {}"),
    (UnicodeError, Garbled, "its answer is not UTF-8: {}"),
    (ValueError, Garbled, "its answer makes no sense: {}"),
    (LookupError, Garbled, "its answer makes no sense: {}"),
    (TypeError, Garbled, "its answer makes no sense: {}"),
)


@contextmanager
def translated(device: str) -> Iterator[None]:
    """Raise what goes wrong inside as a DriverError that names `device` (host and port)."""
    try:
        yield
    except DriverError:
        raise
    except tuple(kind for kind, _, _ in _TABLE) as wrong:
        for kind, meaning, words in _TABLE:
            if isinstance(wrong, kind):
                raise meaning(f"router {device}: {words.format(wrong)}") from wrong
        raise
