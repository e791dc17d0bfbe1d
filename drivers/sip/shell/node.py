"""One node of a switch with a shell: what `driver` needs of a node, by a profile's commands.

Such a switch has no database that we write: what a restart loses is seen as missing at the next sweep, which the fallen
uptime brings on at once, and is imposed again with a permit. Nobody stays barred by what was forgotten.
"""

import itertools
from collections.abc import Callable, Collection, Mapping, Sequence

from drivers.base import Garbled, Refused, Step, StepState
from drivers.sip import probe
from drivers.sip.allowlist import Block, Question, Verdict, all_questions, any_question, faults, unproven
from drivers.sip.prepare import fragment_steps
from drivers.sip.probe import SipAddress
from drivers.sip.shell import commands
from drivers.sip.shell.profile import Profile, Proof, rows_in
from drivers.sip.shell.session import Answer, Session
from drivers.sip.shell.settings import ShellAddress, ShellSettings
from enforcement.access import Access

_ONE_BY_ONE = 20
"""More names than this, and one list is quicker than asking for each."""


class ShellNode:
    """A node. Nothing is believed that was not read in an answer of its own, without an error in it."""

    def __init__(self, session: Session, address: ShellAddress, settings: ShellSettings) -> None:
        self.name = address.name
        self._session = session
        self._sip = address.sip
        self._settings = settings
        self._profile: Profile = settings.profile

    def unfit(self, name: str) -> str:
        return "" if commands.typeable(name) else f"{name!r} has signs that can't be typed in a shell"

    def read(self, names: Collection[str] | None) -> dict[str, str]:
        if names is None or len(names) > _ONE_BY_ONE or any(self.unfit(name) for name in names):
            rows = self._list()
            return rows if names is None else {name: rows[name] for name in names if name in rows}
        lines = {name: commands.verifying(self._profile, self._settings.program, name) for name in names}
        values = {name: self._value(name, answer) for name, answer in self._each(lines).items()}
        return {name: value for name, value in values.items() if value is not None}

    def set_all(self, values: Mapping[str, str]) -> None:
        program = self._settings.program
        lines = {name: self._typed(commands.setting, program, name, value) for name, value in values.items()}
        for name, answer in self._each(lines).items():
            self._wants_done(name, answer)

    def delete_all(self, names: Collection[str]) -> None:
        lines = {name: self._typed(commands.clearing, self._settings.program, name) for name in names}
        for name, answer in self._each(lines).items():
            if not self._absent(answer):
                self._wants_done(name, answer)

    def up_seconds(self) -> float | None:
        lines, pattern = self._profile.commands.get("uptime"), self._profile.uptime
        if lines is None or pattern is None:
            return None
        text = self._believed("uptime", self._run([line.format(program=self._settings.program) for line in lines])[-1])
        found = pattern.search(text)
        if found is None:
            raise self._garbled(f"its uptime can't be read in {text[:120]!r}")
        return float(found["seconds"])

    def doubts(self, accesses: Collection[Access]) -> list[str]:
        questions = all_questions(accesses, self._settings.numbers)
        if self._sip is not None:
            return faults(self.name, probe.ask(self._sip, questions, self._settings.probe_timeout_s))
        return faults(self.name, self._by_command(questions))

    def unproven(self) -> list[str]:
        passed = self._passed(self._sip) if self._sip is not None else None
        return [] if passed is None else unproven(self.name, self._settings.blocks, passed)

    def setup(self) -> list[str]:
        return []

    def steps(self, install: bool) -> Sequence[Step]:
        """All by hand: a shell is no place from which to change an operator's dial plan."""
        numbers = [number for number in self._settings.numbers.allowed if not number.startswith("urn:")]
        note = "" if self._sip is not None else f"what must pass: {', '.join(numbers)}"
        needs = [Step(f"node {self.name}: {n.where}", n.text, StepState.BY_HAND, note) for n in self._profile.needs]
        if self._sip is None:
            return needs
        passed = self._passed(self._sip)
        own = fragment_steps(
            self.name, self._settings.numbers, self._settings.blocks, tables=passed is not None, passed=passed
        )
        return [*own, *needs]

    def close(self) -> None:
        self._session.close()

    def _passed(self, sip: SipAddress) -> frozenset[Block] | None:
        return probe.passed(sip, any_question(self._settings.numbers), self._settings.probe_timeout_s)

    def _list(self) -> dict[str, str]:
        answers = self._run(commands.listing(self._profile, self._settings.program))
        text = "\n".join(self._believed("the list", answer) for answer in answers)
        try:
            return rows_in(self._profile, text)
        except ValueError as wrong:
            raise self._garbled(str(wrong)) from wrong

    def _value(self, name: str, answer: Answer) -> str | None:
        if self._absent(answer):
            return None
        found = self._profile.one.search(self._believed(name, answer))
        if found is None or found.groupdict().get("name", name) != name:
            raise self._garbled(f"what it has for {name} can't be read in {answer.text[:120]!r}")
        return found["value"].strip()

    def _absent(self, answer: Answer) -> bool:
        """A command that failed says nothing of a name, whatever its words, or their lack, look like."""
        return not answer.status and self._profile.absent.search(answer.text) is not None

    def _typed(self, compose: Callable[..., tuple[str, ...]], *parts: str) -> tuple[str, ...]:
        try:
            return compose(self._profile, *parts)
        except ValueError as wrong:
            raise Refused(f"node {self.name}: {wrong}") from wrong

    def _each(self, lines: Mapping[str, tuple[str, ...]]) -> dict[str, Answer]:
        """The answers to several commands of one or more lines each, by name."""
        answers = iter(self._run([line for typed in lines.values() for line in typed]))
        return {name: _joined(list(itertools.islice(answers, len(typed)))) for name, typed in lines.items()}

    def _run(self, lines: Sequence[str]) -> list[Answer]:
        return self._session.run(lines, self._profile.posix) if lines else []

    def _wants_done(self, name: str, answer: Answer) -> None:
        text = self._believed(name, answer)
        if self._profile.done is not None and not self._profile.done.search(text):
            raise self._garbled(f"the answer for {name} is {text[:120]!r}")

    def _believed(self, what: str, answer: Answer) -> str:
        """The text of an answer without an error in it. Raises Refused; a device of prompts may be left in a mode."""
        error = self._profile.errors.search(answer.text)
        if error is None and not answer.status:
            return answer.text
        if not self._profile.posix:
            self.close()
        line = (answer.text[error.start() :] if error else answer.text).strip().partition("\n")[0]
        status = f" (exit status {answer.status})" if answer.status else ""
        raise Refused(f"node {self.name} refused {what}: {line[:160] or 'no words'}{status}")

    def _garbled(self, words: str) -> Garbled:
        self.close()
        return Garbled(f"node {self.name}: {words}")

    def _by_command(self, questions: Sequence[Question]) -> dict[Question, Verdict]:
        """Only numbers can be typed, and only outgoing calls asked for."""
        proof = self._profile.proof
        asked = [one for one in questions if not one.incoming and not one.destination.startswith("urn:")]
        if proof is None:
            return dict.fromkeys(asked, Verdict.NO_ANSWER)
        program = self._settings.program
        lines = {one.destination: commands.proving(proof.command, program, one.destination) for one in asked}
        verdicts = {number: _verdict(proof, answer.text) for number, answer in self._each(lines).items()}
        return {one: verdicts[one.destination] for one in asked}


def _joined(answers: Sequence[Answer]) -> Answer:
    failed = [answer.status for answer in answers if answer.status]
    return Answer("\n".join(answer.text for answer in answers), failed[0] if failed else answers[-1].status)


def _verdict(proof: Proof, text: str) -> Verdict:
    passes, bars = proof.passes.search(text), proof.bars.search(text)
    if bool(passes) is bool(bars):
        return Verdict.NO_ANSWER
    return Verdict.PASS if passes else Verdict.BAR
