"""The benchmark of the MikroTik driver: small, so that it is known to run and to end with a router as it was."""

from benchmarks.routeros import run
from benchmarks.rows import table


def test_the_figures_of_a_small_run_stand_beside_their_floors() -> None:
    rows = run(count=600, rounds=1, delays_ms=(0.0,), entries=600)
    assert [row.name.split(": ")[1] for row in rows] == [
        "restrict 600 entries",
        "read 600 entries",
        "restore 600 entries",
        "sweep of 600 entries",
    ]
    assert all(row.seconds > 0 and row.floor_seconds > 0 for row in rows)
    lines = table(rows).splitlines()
    assert lines[0].split() == ["what", "seconds", "floor", "seconds", "ratio", "note"]
    assert f"{rows[0].ratio:.2f}" in lines[1]
