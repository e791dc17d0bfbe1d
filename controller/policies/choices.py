"""Questions that the law leaves open, and the answers that people have put their names to.

A policy file asks; `choices.toml` beside it answers. No program answers for a person: a policy whose question nobody
has answered is not used.
"""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from controller.core.policy import Choice
from controller.policies.errors import BadPolicy
from controller.policies.stages import NAME
from controller.policies.table import Table
from controller.policies.values import DAY, TEXT, mapping

FILE = "choices.toml"

_HEADER = """\
# How the open questions of law are answered here, by whom and when. `grifo policy choose` writes this file.
"""


@dataclass(frozen=True, slots=True)
class Question:
    """What a policy asks: `options` maps each answer's name to its meaning."""

    name: str
    text: str
    options: Mapping[str, str]


def read_questions(table: Table) -> list[Question]:
    """The questions of a policy file (its table `choices`)."""
    found = []
    for name, one in table.named("choices").items():
        text = one.read("question", TEXT, "", "What the law leaves open.")
        options = one.read("options", mapping(TEXT), {}, "The answers by name, each with what it means.")
        if len(options) == 1:
            one.complain("options", "has one option; a question needs two or more")
        one.done()
        found.append(Question(name, text, options))
    return found


def read_choices(folder: Path) -> dict[str, tuple[Choice, ...]]:
    """The answers in a folder, by policy; none where there is no such file. Raises BadPolicy."""
    path = folder / FILE
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as wrong:
        raise BadPolicy(f"{path}: cannot be read: {wrong.strerror}") from wrong
    except ValueError as wrong:
        raise BadPolicy(f"{path}: is not TOML: {wrong}") from wrong
    problems: list[str] = []
    whole = Table(data, "", problems)
    found = {policy: tuple(_choices(whole, policy)) for policy in data}
    if problems:
        raise BadPolicy("\n".join(f"{path}: {problem}" for problem in problems))
    return found


def _choices(whole: Table, policy: str) -> list[Choice]:
    found = []
    for name, one in whole.named(policy).items():
        option = one.read("option", NAME, "")
        by = one.read("chosen_by", TEXT, "")
        found.append(Choice(name, option, by, one.read("chosen_on", DAY, date.min)))
        one.done()
    return found


def unanswered(path: Path, questions: Sequence[Question], choices: Sequence[Choice]) -> list[str]:
    """What is wrong with the answers to a policy's questions, for its errors."""
    answers = {choice.name: choice.option for choice in choices}
    problems = []
    for question in questions:
        option = answers.get(question.name)
        if option in question.options:
            continue
        said = "is not answered" if option is None else f"is answered {option!r}, which is none of its options"
        problems.append(f"choices.{question.name}: {said}. {question.text} {_how(path, question)}")
    asked = {question.name for question in questions}
    return problems + [
        f"{FILE} answers {name}, which this policy does not ask" for name in answers if name not in asked
    ]


def _how(path: Path, question: Question) -> str:
    first = next(iter(question.options), "OPTION")
    command = f'grifo policy choose {path.stem} {question.name} {first} --by "YOUR NAME" --folder {path.parent}'
    return f"{_options(question)}. A person chooses: {command}"


def _options(question: Question) -> str:
    return "Options: " + "; ".join(f"{name} ({meaning})" for name, meaning in question.options.items())


def choose(folder: Path, policy: str, choice: Choice) -> None:
    """Write a person's answer to a question that the policy asks. Raises ValueError in words, OSError."""
    path = folder / f"{policy}.toml"
    questions = {question.name: question for question in load_questions(path)}
    question = questions.get(choice.name)
    if question is None:
        raise BadPolicy(f"{path} asks no {choice.name!r}; it asks {', '.join(sorted(questions)) or 'nothing'}")
    if choice.option not in question.options:
        raise BadPolicy(f"{path}: {choice.option!r} is no option of {choice.name}; {_options(question)}")
    if not choice.chosen_by:
        raise BadPolicy("--by is empty: a person chooses, and puts a name to it")
    write_choice(folder, policy, choice)


def load_questions(path: Path) -> list[Question]:
    """What a policy file asks, whatever else is wrong with it. Raises BadPolicy where it can't be read at all."""
    try:
        return read_questions(Table(tomllib.loads(path.read_text(encoding="utf-8")), "", []))
    except OSError as wrong:
        raise BadPolicy(f"{path}: cannot be read: {wrong.strerror}") from wrong
    except ValueError as wrong:
        raise BadPolicy(f"{path}: is not TOML: {wrong}") from wrong


def write_choice(folder: Path, policy: str, choice: Choice) -> None:
    """Add an answer to the folder's file, or replace the one to the same question. Raises BadPolicy, OSError."""
    known = read_choices(folder)
    others = [one for one in known.get(policy, ()) if one.name != choice.name]
    known[policy] = (*others, choice)
    written = (_written(name, one) for name in sorted(known) for one in sorted(known[name], key=lambda one: one.name))
    new = folder / f".{FILE}.new"
    new.write_text(_HEADER + "".join(written), encoding="utf-8")
    new.replace(folder / FILE)


def _written(policy: str, choice: Choice) -> str:
    lines = (
        f"\n[{_key(policy)}.{_key(choice.name)}]",
        f"option = {_quoted(choice.option)}",
        f"chosen_by = {_quoted(choice.chosen_by)}",
        f"chosen_on = {choice.chosen_on.isoformat()}\n",
    )
    return "\n".join(lines)


def _key(name: str) -> str:
    return name if re.fullmatch("[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(text: str) -> str:
    """JSON's text is TOML's, but for one control character."""
    return json.dumps(text.replace("\x7f", ""), ensure_ascii=False)
