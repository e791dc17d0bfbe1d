"""Waiting for a restore: until every device was read to have the service open, shown as it goes, measured here."""

from time import monotonic, sleep
from typing import Any

from rich.console import Console
from rich.status import Status

from cli.session import Session

_LOOK_S = 0.05
_LOOK_LESS_S = 0.5
_OFTEN_S = 2.0

_DONE = ("verified", "armed")
_HOPELESS = ("withheld", "refused")


def wait_until_restored(
    screen: Session, service: str, body: dict[str, Any], timeout_s: float
) -> tuple[dict[str, Any], int | None]:
    """Order the restore, and follow it. The service as last seen, and the milliseconds it took; None if it did not."""
    began = monotonic()
    # On standard error, so that what is printed stays clean for pipes.
    with Status("restoring ...", console=Console(stderr=True)) as progress:
        found: dict[str, Any] = screen.client.post("services", service, "restore", body=body)
        told = found["told"]
        while True:
            waited = monotonic() - began
            if is_restored(found):
                return found, round(waited * 1000)
            if not _may_still_be(found) or waited > timeout_s:
                return found, None
            progress.update(f"restoring {service}: {in_words(found)}, {waited:.1f} s")
            sleep(_LOOK_S if waited < _OFTEN_S else _LOOK_LESS_S)
            found = screen.client.get("services", service) | {"told": told}


def is_restored(found: dict[str, Any]) -> bool:
    """Decided to be open, and read back to be so from every device."""
    return found["access"] == "full" and not found["being_reviewed"] and _open(found)


def _open(found: dict[str, Any]) -> bool:
    return all(entry["access"] == "full" and entry["state"] in _DONE for entry in found["entries"])


def _may_still_be(found: dict[str, Any]) -> bool:
    """Nothing is waited for where another reason keeps it restricted, or where each device that is left refuses."""
    if found["being_reviewed"]:
        return True
    left = [entry for entry in found["entries"] if entry["state"] not in _DONE]
    return found["access"] == "full" and any(entry["state"] not in _HOPELESS for entry in left)


def in_words(found: dict[str, Any]) -> str:
    """Where the restore stands."""
    if found["being_reviewed"]:
        return "being reviewed"
    left = [entry for entry in found["entries"] if entry["state"] not in _DONE]
    return ", ".join(f"{entry['device']} {entry['state']}" for entry in left)
