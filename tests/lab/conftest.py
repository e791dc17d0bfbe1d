"""Fixtures of the lab's tests."""

import pytest

from tests.lab.certificates import Certificate, make_certificate


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate for devices on 127.0.0.1, one for each worker."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))
