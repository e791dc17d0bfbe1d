"""Translation: whatever librouteros, TLS or the socket raises, as one of the driver's errors. The only table.

no or no trusted certificate, no login   Refused      retrying cannot help
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
    (ssl.SSLError, Unreachable, "TLS failed: {}; one without a certificate does so, see tls"),
    (OSError, Unreachable, "{}"),
    (LibRouterosError, Garbled, "its answer makes no sense: {}"),
    (UnicodeError, Garbled, "its answer is not UTF-8: {}"),
    (ValueError, Garbled, "its answer makes no sense: {}"),
    (LookupError, Garbled, "its answer makes no sense: {}"),
    (TypeError, Garbled, "its answer makes no sense: {}"),
)

_NO_CERTIFICATE = frozenset({"SSLV3_ALERT_HANDSHAKE_FAILURE", "TLSV1_ALERT_PROTOCOL_VERSION"})
"""How a router that has no certificate answers whoever insists on one: no cipher is left."""
_ANONYMOUS = (
    "its api-ssl offers no certificate that could be verified, so that nobody would know whom he talks to: install a "
    'certificate on the router (or accept that with tls = "anonymous")'
)


@contextmanager
def translated(device: str) -> Iterator[None]:
    """Raise what goes wrong inside as a DriverError that names `device` (host and port)."""
    try:
        yield
    except DriverError:
        raise
    except tuple(kind for kind, _, _ in _TABLE) as wrong:
        if isinstance(wrong, ssl.SSLError) and wrong.reason in _NO_CERTIFICATE:
            raise Refused(f"router {device}: {_ANONYMOUS}") from wrong
        for kind, meaning, words in _TABLE:
            if isinstance(wrong, kind):
                raise meaning(f"router {device}: {words.format(wrong)}") from wrong
        raise
