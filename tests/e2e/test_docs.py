"""The documents are true: what they show was run, what they name exists, and generated pages are up to date.

In a page that is played, a ```console block holds commands after `$ ` and what they said; a block whose first
line names a file (```yaml schema/shop.yaml) writes it, and a ```diff block that does changes it. A page is
played from top to bottom in one empty folder. With RECONCILE_GOLDEN set, what the commands said is written
into the page, to be looked at in `git diff`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from reconciler.app.kindtable import COMMAND, document
from reconciler.cli import COMMANDS, main
from reconciler.embedded import stop_at
from reconciler.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
TUTORIAL = ROOT / "docs" / "tutorial.md"
HOME = "/home/you/shop"
"""Where the reader of the tutorial stands."""
REWRITE = "RECONCILE_GOLDEN"

_BLOCK = re.compile(r"^```(?P<info>[^\n`]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_CALL = re.compile(r"(?:^|[`$(] ?|&& )reconcile ([a-z-]+)([^\n`|;)]*)", re.MULTILINE)
_FLAG = re.compile(r"(?<!\S)--[a-z-]+")
_VARYING = (
    (re.compile(r"sha256:[0-9a-f]+"), "sha256:…"),
    (re.compile(r"fp1:[0-9a-f]+"), "fp1:…"),
    (re.compile(r"\bin \d+(\.\d+)? (ms|s)\b"), "in a while"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?"), "some day"),
    (re.compile(r"[ \t]+$", re.MULTILINE), ""),
)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of a page."""

    language: str
    file: str | None
    text: str
    line: int

    @property
    def calls(self) -> Iterator[tuple[str, str]]:
        """Each command of a console block with what it said."""
        for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            lines = part.split("\n")
            # A command goes on where a line ends in a backslash, and to the end of a here-document.
            last = "END" if "<<'END'" in lines[0] else None
            end = (
                next(n for n, line in enumerate(lines) if line == last or (not last and line[-1:] != "\\"))
                + 1
            )
            yield "\n".join(lines[:end]), "\n".join(lines[end:])


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page that name their language."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        language, _, file = match["info"].partition(" ")
        found.append(Block(language, file or None, match["text"], text.count("\n", 0, match.start()) + 1))
    return found


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder with a short path: a socket's path has a limit."""
    outer = Path(tempfile.mkdtemp(prefix="docs-"))
    inner = outer / "shop"
    inner.mkdir()
    yield inner
    stop_at(inner / ".reconcile" / "server")
    shutil.rmtree(outer, ignore_errors=True)


def said(command: str, folder: Path) -> str:
    """What a shell command writes, in order; it must succeed."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "RECONCILE_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder, env=kept | {"PATH": path, "COLUMNS": "100", "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"$ {command}\n{done.stdout}"
    return done.stdout.replace(str(folder), HOME)


def steady(text: str) -> str:
    """The text without what differs from run to run."""
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    return text.strip("\n")


def written(block: Block, folder: Path) -> None:
    """Write the file that a block holds, or change it as a diff says; each change must fit in one place."""
    assert block.file is not None
    path = folder / block.file
    path.parent.mkdir(parents=True, exist_ok=True)
    if block.language != "diff":
        path.write_text(block.text, encoding="utf-8")
        return
    text = path.read_text(encoding="utf-8")
    for hunk in block.text.split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if not line.startswith("+"))
        after = "".join(line[1:] for line in lines if not line.startswith("-"))
        assert text.count(before) == 1, f"line {block.line}: does not fit once:\n{before}"
        text = text.replace(before, after)
    path.write_text(text, encoding="utf-8")


@pytest.mark.slow
def test_the_tutorial_says_what_happens(folder: Path) -> None:
    place = 0
    for block in blocks(TUTORIAL):
        if block.file is not None:
            written(block, folder)
        for command, expected in block.calls if block.language == "console" else ():
            answer = said(command, folder)
            if REWRITE in os.environ:
                place = golden(TUTORIAL, f"$ {command}\n{expected}", f"$ {command}\n{answer}", place)
            else:
                assert steady(answer) == steady(expected), f"line {block.line}: $ {command}"


def golden(page: Path, before: str, now: str, place: int) -> int:
    """Write into the page what a command said, at or after `place`, and return where that ends."""
    text = page.read_text(encoding="utf-8")
    start = text.index(before, place)
    now = now.rstrip("\n") + "\n"
    page.write_text(text[:start] + now + text[start + len(before) :], encoding="utf-8")
    return start + len(now)


@pytest.mark.slow
def test_the_examples_of_the_format_can_be_built(folder: Path) -> None:
    files = [
        block for block in blocks(ROOT / "docs" / "format.md") if block.language == "yaml" and block.file
    ]
    assert len(files) > 1
    for block in files:
        written(block, folder)
    assert "✓" in said("reconcile check --build", folder)


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
            main([command, *(["json-schema"] if command == "schema" else []), "--help"])
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
