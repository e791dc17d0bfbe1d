"""The lab's folder of policies: Spain as it is shipped, of Madrid, and the answers to what its law leaves open."""

import sys
from pathlib import Path

_CHOICES = """\
[es.internet_month]
option = "month"
chosen_by = "the lab"
chosen_on = 2026-11-01

[es.mobile_month]
option = "month"
chosen_by = "the lab"
chosen_on = 2026-11-01
"""


def write_policies(folder: Path) -> Path:
    """Make the folder `policies` in `folder`, as an operator in Spain would set it up. Its path."""
    made = folder / "policies"
    made.mkdir()
    spain = (shipped() / "policies" / "es.toml").read_text(encoding="utf-8")
    (made / "es.toml").write_text(spain.replace('# subdivision = "MD"', 'subdivision = "MD"', 1), encoding="utf-8")
    (made / "choices.toml").write_text(_CHOICES, encoding="utf-8")
    return made


def shipped() -> Path:
    """The folder `configs` of this installation: beside the source, or where the wheel puts it."""
    beside = Path(__file__).resolve().parents[2] / "configs"
    return beside if beside.is_dir() else Path(sys.prefix) / "share" / "grifo" / "configs"
