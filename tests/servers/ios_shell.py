"""A device of prompts, as a login's program: the few commands of a Cisco router that dial peers are barred with.

It speaks as IOS XE does as far as a profile of prompts reaches: modes that show in the prompt, `% ...` for what it does
not understand, and exit codes of nothing. Its dial peers are a JSON file: {tag: [line, ...]}. `argv`: that file. While
a file of the same name with `.slow` is there, each answer comes twelve seconds late; with `.bars-all`, every dial peer
that leads outside asks for a class that barred lines lack, those to emergency numbers too.
"""

import json
import re
import sys
import time
from pathlib import Path


class Router:
    """One login."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._mode = ""
        self._tag = ""

    def prompt(self) -> str:
        return f"border-router-of-the-town{self._mode}"[:26] + "#"

    def obey(self, line: str) -> str:
        peers: dict[str, list[str]] = json.loads(self._file.read_text())
        if self._file.with_suffix(".slow").exists():
            time.sleep(12)
        answer = self._answer(" ".join(line.split()), peers)
        self._file.write_text(json.dumps(peers))
        return answer

    def _answer(self, line: str, peers: dict[str, list[str]]) -> str:
        peer = re.fullmatch(r"dial-peer voice (\d+) voip", line)
        if line.startswith("show running-config | section"):
            return _shown(peers, line.rpartition("^")[2])
        if number := re.fullmatch(r"show dialplan number (\S+)", line):
            control = number[1] in {"+34600000000", "0034600000000"}
            allowed = not control and not self._file.with_suffix(".bars-all").exists()
            return "outgoing COR list:minimum requirement\n" if allowed else "outgoing COR list:grifo-outside\n"
        if line in {"", "configure terminal", "end"} or line.startswith("terminal "):
            self._mode = {"configure terminal": "(config)", "end": ""}.get(line, self._mode)
        elif self._mode and peer and peer[1] in peers:
            self._mode, self._tag = "(config-dial-peer)", peer[1]
        elif self._mode == "(config-dial-peer)":
            _configured(peers[self._tag], line)
        else:
            return "% Invalid input detected at '^' marker.\n"
        return ""


def _shown(peers: dict[str, list[str]], section: str) -> str:
    blocks = [f"dial-peer voice {tag} voip\n" + "".join(f" {line}\n" for line in lines) for tag, lines in peers.items()]
    return "".join(block for block in blocks if block.startswith(section))


def _configured(lines: list[str], line: str) -> None:
    word = line.removeprefix("no ")
    kind = next(kind for kind in ("description", "corlist incoming") if word.startswith(kind))
    lines[:] = [kept for kept in lines if not kept.startswith(kind)]
    if word is line:
        lines.append(line)
        lines.sort(key=lambda each: not each.startswith("description"))


def serve(file: Path) -> None:
    """Until the other side goes away."""
    router = Router(file)
    sys.stdout.write(router.prompt())
    sys.stdout.flush()
    for line in sys.stdin:
        sys.stdout.write(router.obey(line) + router.prompt())
        sys.stdout.flush()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
