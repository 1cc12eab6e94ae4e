"""Two commands that write one chain at the same time."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import Shop

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc/locks tells who waits")


def test_plans_that_are_saved_at_once_make_one_chain(shop: Shop) -> None:
    shop.reconcile.write("reconcile.yaml", "targets: {prod: {url_env: SHOP_URL}}\n")
    folder = shop.reconcile.folder / "plans/prod"
    folder.mkdir(parents=True)
    with held(folder):
        running = [save(shop, name) for name in ("one", "two")]
        wait_for_two(folder, running)
    told = [process.communicate() for process in running]
    assert [process.returncode for process in running] == [0, 0], told
    assert sorted(err.split(" plans/")[0] for _, err in told) == ["saved already:", "saved as"]
    assert len(list(folder.glob("*.plan.yaml"))) == 1
    assert shop.reconcile("status", SHOP_URL=shop.url).code in (0, 2)


def test_a_squash_and_a_plan_that_is_saved_take_turns(shop: Shop) -> None:
    shop.reconcile.write("reconcile.yaml", "targets: {prod: {url_env: SHOP_URL}}\n")
    folder = shop.reconcile.folder / "plans/prod"
    for number in (1, 2, 3):
        columns = "".join(f"      more_{column}: text\n" for column in range(number))
        email = "      email: {type: text, not_null: true}\n"
        shop.declare((email, email + columns))
        if number < 3:
            done = shop.reconcile("plan", "--from", "chain", "--save", SHOP_URL=shop.url)
            assert done.code == 0, done.err
    with held(folder):
        running = [begun(shop, "squash"), begun(shop, "plan", "--from", "chain", "--save", "--name", "third")]
        wait_for_two(folder, running)
    told = [process.communicate() for process in running]
    assert [process.returncode for process in running] == [0, 0], told
    assert shop.reconcile("plan", "--check", "--from", "chain", SHOP_URL=shop.url).code == 0
    assert shop.reconcile("plan", "--from", "chain", "--detailed-exitcode", SHOP_URL=shop.url).code == 0


def test_two_who_adopt_take_turns(shop: Shop) -> None:
    shop.reconcile.write("reconcile.yaml", "targets: {prod: {url_env: SHOP_URL}}\n")
    shop.deploy()
    folder = shop.reconcile.folder / "plans/prod"
    folder.mkdir(parents=True)
    with held(folder):
        running = [begun(shop, "adopt") for _ in range(2)]
        wait_for_two(folder, running)
    told = [process.communicate() for process in running]
    assert [process.returncode for process in running] == [0, 0], told
    assert (folder / "baseline.yaml").exists()


def save(shop: Shop, name: str) -> subprocess.Popen[str]:
    return begun(shop, "plan", "--save", "--name", name)


def begun(shop: Shop, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        shop.reconcile.command(*arguments),
        cwd=shop.reconcile.folder, env=shop.reconcile.environment(SHOP_URL=shop.url),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The lock on a folder, as somebody who writes its chain has it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def wait_for_two(folder: Path, running: list[subprocess.Popen[str]]) -> None:
    number = f":{folder.stat().st_ino} "
    while sum("->" in line and number in line for line in Path("/proc/locks").read_text().splitlines()) < 2:
        assert all(process.poll() is None for process in running), "one did not wait for its turn"
        time.sleep(0.02)
