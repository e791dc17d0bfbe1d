"""The shipped policies as an operator would have set them up: the open questions answered, a town's days filled in."""

import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from controller.core.policy import Policy
from controller.policies import load_policy

SHIPPED = Path(__file__).parents[2] / "configs" / "policies"
ANSWERS = {
    "es": {"internet_month": "month", "mobile_month": "month"},
    "br": {"incoming_calls": "keep"},
}
REASON = "a test of what is looser"
SIGNED = 'chosen_by = "Ana López"\nchosen_on = 2026-11-22\n'


def as_shipped(name: str) -> str:
    """A shipped policy's text."""
    return (SHIPPED / f"{name}.toml").read_text(encoding="utf-8")


def shipped_text(name: str) -> str:
    """A shipped policy's text, once a person has said that no region's holidays count."""
    return re.sub(r'(?m)^# subdivision = "\w+"', 'subdivision = "none"', as_shipped(name), count=1)


def put(folder: Path, name: str, text: str, **answers: str) -> Path:
    """A policy file in a folder, and the answers to its questions beside it."""
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    written = [f'["{name}".{question}]\noption = "{option}"\n{SIGNED}' for question, option in answers.items()]
    (folder / "choices.toml").write_text("\n".join(written), encoding="utf-8")
    return path


def with_override(text: str) -> str:
    """The operator's policy once a person has filled in its written override."""
    uncommented = re.sub(r"(?m)^#(?=\[\[|[a-z])", "", text)
    signed = uncommented.replace('author = ""', 'author = "Ana López"').replace('reason = ""', f'reason = "{REASON}"')
    return signed.replace('signed_on = ""', "signed_on = 2026-11-22")


def with_madrid(text: str) -> str:
    """A policy with the days of one town."""
    return re.sub(r"(?m)^# (?=\[calendar\.towns|subdivision = \"MD\"$|days = \[)", "", text)


@cache
def policy(name: str, **answers: str) -> Policy:
    """A shipped policy, with the usual answers unless others are given."""
    text = with_override(shipped_text(name)) if name == "operator" else with_madrid(shipped_text(name))
    with TemporaryDirectory() as folder:
        return load_policy(put(Path(folder), name, text, **{**ANSWERS.get(name, {}), **answers}))
