"""`python -m benchmarks [NAME ...]`: run the benchmarks and print one table, each figure beside its floor."""

import sys
from collections.abc import Callable

from benchmarks import agent, radius, review, routeros, whole
from benchmarks.rows import Row, table

BENCHMARKS: dict[str, Callable[[], list[Row]]] = {
    "review": review.run,
    "routeros": routeros.run,
    "radius": radius.run,
    "whole-routeros": whole.on_routeros,
    "whole-radius": whole.on_radius,
    "agent": agent.run,
}


def main(names: list[str]) -> int:
    """Run those named, all where none is. Exit code 2 for an unknown name."""
    unknown = sorted(set(names) - set(BENCHMARKS))
    if unknown:
        sys.stderr.write(f"no benchmark {unknown[0]}; there are {', '.join(BENCHMARKS)}\n")
        return 2
    rows: list[Row] = []
    for name in names or BENCHMARKS:
        sys.stderr.write(f"{name} ...\n")
        rows += BENCHMARKS[name]()
    sys.stdout.write(table(rows) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
