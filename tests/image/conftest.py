"""The built images. Where this machine cannot build, the tests that need one are skipped with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.embedded import Server, choose
from tests.image.archive import configuration, unpacked
from tests.image.container import Container
from tests.image.machine import NotHad
from tests.image.workshop import built


def _had(target: str, name: str = "first") -> Path:
    try:
        return built(target, name)
    except NotHad as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def runtime_archive() -> Path:
    return _had("runtime")


@pytest.fixture(scope="session")
def runtime_again() -> Path:
    """Built a second time from the same sources."""
    return _had("runtime", "second")


@pytest.fixture(scope="session")
def ci_archive() -> Path:
    return _had("ci")


@pytest.fixture(scope="session")
def runtime(runtime_archive: Path) -> Container:
    return Container(unpacked(runtime_archive), configuration(runtime_archive)["config"])


@pytest.fixture(scope="session")
def ci(ci_archive: Path) -> Container:
    return Container(unpacked(ci_archive), configuration(ci_archive)["config"])


@pytest.fixture(scope="session")
def on_loopback() -> Iterator[Server]:
    """A PostgreSQL that a container reaches by TCP."""
    with Server.start(choose().installation, port=0) as server:
        yield server
