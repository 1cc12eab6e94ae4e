"""The documents are true: what they show was run, what they name exists, and generated pages are up to date.

How a page is run: pages.py. With RECONCILE_GOLDEN set, what the commands said is written into the page.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

import pytest
import yaml

from reconciler.app.reference.kind_table import COMMAND, document
from reconciler.cli import COMMANDS, main
from reconciler.settings import Settings
from tests.e2e.pages import REWRITE, Player, blocks
from tests.forge.fakeforge import NUMBER, REPOSITORY, WORKFLOW_TOKEN, FakeGitHub, running

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
)
TUTORIAL = ROOT / "docs" / "tutorial.md"

_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_CALL = re.compile(r"(?:^|[`$(] ?|&& )reconcile ([a-z-]+)([^\n`|;)]*)", re.MULTILINE)
_FLAG = re.compile(r"(?<!\S)--[a-z-]+")
_SUBCOMMANDS = {"schema": ("json-schema",), "ci": ("comment",)}


def pull_request(forge: FakeGitHub) -> dict[str, str]:
    """What a workflow sets that runs on a pull request."""
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": forge.url,
        "GITHUB_REF": f"refs/pull/{NUMBER}/merge",
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_TOKEN": WORKFLOW_TOKEN,
    }


@pytest.mark.slow
def test_the_tutorial_says_what_happens(folder: Path) -> None:
    forge = FakeGitHub()
    with running(forge), contextlib.closing(Player(folder, pull_request(forge))) as player:
        player.play(TUTORIAL)
    assert len(forge.comments) == 1


@pytest.mark.slow
def test_the_examples_of_the_format_can_be_built(folder: Path) -> None:
    files = [
        block for block in blocks(ROOT / "docs" / "format.md") if block.language == "yaml" and block.file
    ]
    assert len(files) > 1
    with contextlib.closing(Player(folder)) as player:
        for block in files:
            player.write(block)
        assert "✓" in player.said("reconcile check --build")


def test_the_settings_of_the_format_are_settings() -> None:
    found = [
        yaml.safe_load(block.text)
        for block in blocks(ROOT / "docs" / "format.md")
        if "targets:" in block.text
    ]
    assert [set(Settings.model_validate(data).targets) for data in found] == [{"dev", "prod"}]


def test_the_readme_shows_what_the_tutorial_ran() -> None:
    page = ROOT / "README.md"
    shown = [block.text for block in blocks(page) if block.text.startswith("$ reconcile plan\n")]
    ran = [block.text for block in blocks(TUTORIAL) if block.text.startswith("$ reconcile plan\n")]
    assert len(shown) == 1
    if REWRITE in os.environ:
        renaming = next(text for text in ran if "to rename" in text)
        page.write_text(page.read_text(encoding="utf-8").replace(shown[0], renaming), encoding="utf-8")
    else:
        assert shown[0] in ran


def test_kinds_are_up_to_date() -> None:
    page = (ROOT / "docs" / "kinds.md").read_text(encoding="utf-8")
    assert page == document(), f"run: {COMMAND}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = [target for target in _LINK.findall(page.read_text(encoding="utf-8")) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_flags_exist(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    missing = []
    for command, rest in _CALL.findall(text):
        if command not in COMMANDS:
            missing.append(command)
        elif flags := _FLAG.findall(rest):
            main([command, *_SUBCOMMANDS.get(command, ()), "--help"])
            known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
            missing += [f"{command} {flag}" for flag in flags if flag not in known]
    assert missing == []


def test_the_layers_are_drawn_as_they_are_checked() -> None:
    """The picture in architecture.md names the layers in the order of the import-linter contract."""
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    contract = re.search(r"^layers = \[\n(.*?)^\]", settings, re.MULTILINE | re.DOTALL)
    assert contract is not None
    layers = re.findall(r"[a-z]+", contract[1])
    picture = next(block for block in blocks(ROOT / "docs" / "architecture.md") if block.language == "text")
    assert [word for word in re.findall(r"[a-z]+", picture.text) if word in layers][: len(layers)] == layers


def test_decisions_are_numbered_and_listed() -> None:
    pages = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in pages if f"adr/{page.name}" not in index] == []
