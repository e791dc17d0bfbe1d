"""The lab's folder of policies: Spain as it is shipped, and the answers to what its law leaves open."""

import shutil
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
    shutil.copy(shipped() / "policies" / "es.toml", made)
    (made / "choices.toml").write_text(_CHOICES, encoding="utf-8")
    return made


def shipped() -> Path:
    """The folder `configs` of this installation: beside the source, or where the wheel puts it."""
    beside = Path(__file__).resolve().parents[2] / "configs"
    return beside if beside.is_dir() else Path(sys.prefix) / "share" / "grifo" / "configs"
