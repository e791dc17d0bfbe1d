"""A certificate of its own for a device on 127.0.0.1, made by the openssl command."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate, which is its own authority, and its key: PEM files."""

    file: str
    key: str

    @property
    def pair(self) -> tuple[str, str]:
        return self.file, self.key


def make_certificate(folder: Path) -> Certificate:
    """A certificate for the address 127.0.0.1 and the name localhost."""
    made = Certificate(str(folder / "router.pem"), str(folder / "router.key"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=router", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
         "-keyout", made.key, "-out", made.file],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return made
