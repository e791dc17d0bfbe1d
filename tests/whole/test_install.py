"""What an installation needs: one owner of each top-level name, and no host with more than its own part."""

import importlib.metadata
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

OURS = ("agents", "cli", "controller", "drivers", "enforcement", "lab", "languages")


@pytest.mark.parametrize("package", OURS)
def test_no_other_distribution_brings_a_package_of_our_name(package: str) -> None:
    owners = importlib.metadata.packages_distributions().get(package, [])
    assert set(owners) <= {"grifo"}


def _runs_without(modules: tuple[str, ...], code: str) -> None:
    hidden = f"import sys; sys.modules.update(dict.fromkeys({modules!r}))\n"
    done = subprocess.run([sys.executable, "-c", hidden + code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_an_agents_host_needs_no_fastapi_alembic_or_apscheduler() -> None:
    imports = "import agents.main, drivers.mikrotik, drivers.radius, drivers.sip, cli.main"
    _runs_without(("fastapi", "uvicorn", "alembic", "apscheduler", "holidays", "defusedxml", "controller"), imports)


def test_a_laptop_of_the_noc_needs_neither_database_nor_device_libraries() -> None:
    both = ("fastapi", "sqlalchemy", "pyrad", "librouteros", "prometheus_client", "controller", "agents", "drivers")
    _runs_without(both, "import cli.main")


def test_a_controller_needs_no_device_library() -> None:
    _runs_without(("pyrad", "librouteros", "agents", "drivers", "lab"), "import controller.app, cli.main")
