"""A test that needs a program which cannot be had on this machine says so, and is skipped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.k8s.tools import NotHad


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    try:
        return (yield)
    except NotHad as error:
        pytest.skip(str(error))
