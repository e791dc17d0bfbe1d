"""A hand at the site: open a key here and now, and keep it open for a while, with or without the controller.

For the technician at a customer's door. A running agent notices within a second; the controller is told by the report,
and the pin ends when it wants the key open itself, or when its time is over.
"""

from datetime import timedelta
from pathlib import Path

from agents.clock import SYSTEM_CLOCK
from agents.memory import Memory, Pin
from agents.settings import read_settings
from enforcement.keys import Key

DEFAULT_HOURS = 72.0


def pin(settings_path: Path, key: str, note: str, hours: float = DEFAULT_HOURS) -> Pin:
    """Hold `key` (written type:value) open. Raises ValueError, SettingsError or MemoryUnusable in one sentence."""
    if not note.strip():
        raise ValueError("note is empty: say who opens this and why")
    if not 0 < hours <= 24 * 31:
        raise ValueError(f"hours must be more than 0 and at most 744 (a month), not {hours}")
    wanted = Pin(Key.parse(key), note.strip(), SYSTEM_CLOCK.now() + timedelta(hours=hours))
    memory = _memory(settings_path)
    try:
        memory.pin(wanted)
    finally:
        memory.close()
    return wanted


def unpin(settings_path: Path, key: str) -> bool:
    """End a pin. Returns whether there was one."""
    memory = _memory(settings_path)
    try:
        return memory.unpin(Key.parse(key))
    finally:
        memory.close()


def _memory(settings_path: Path) -> Memory:
    return Memory(read_settings(settings_path).memory, SYSTEM_CLOCK.monotonic())
