"""Pages that are played: what they show as a command and its output is run, in order, and compared.

In a page that is played, a ```console block holds commands after `$ ` and what they said; a block whose first
line names a file (```yaml schema/shop.yaml) writes it, and a ```diff block that does changes it. A page is
played from top to bottom as one shell would: exported variables and the folder stay from one to the next. A
command must succeed; one that is to fail is followed by `|| echo "exit code $?"`.

With RECONCILE_GOLDEN set, what the commands said is written into the page where it differs, to be looked at
in `git diff`.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.embedded import choose

__all__ = ["HOME", "REWRITE", "Block", "Player", "blocks", "steady"]

HOME = "/home/you/shop"
"""Where the reader of a page stands."""
REWRITE = "RECONCILE_GOLDEN"
LONGEST_COMMAND_SECONDS = 60

_BLOCK = re.compile(r"^```(?P<info>[^\n`]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_VARYING = (
    # Digests of plans and states: an upgrade of the tool may change them all at once.
    (re.compile(r"sha256:[0-9a-f]+"), "sha256:…"),
    (re.compile(r"fp1:[0-9a-f]+"), "fp1:…"),
    # How long something took, and when it was.
    (re.compile(r"\bin \d+(\.\d+)? (ms|s)\b"), "in a while"),
    (re.compile(r"\b\d+ s ago\b"), "a while ago"),
    (re.compile(r"^(✓ \[.*?) \d+\.\d s$", re.MULTILINE), r"\1"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\.\d+)?Z?"), "some day"),
    # How large a table is: a vacuum in the background makes it larger.
    (re.compile(r"\((about [\d.]+( [kMG])? rows, )?[\d.]+ (bytes|kB|MB)\)"), "(so large)"),
    # Spaces at the ends of lines, which an editor may take away.
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
            end = 1 + next(
                n for n, line in enumerate(lines) if line == last or (not last and line[-1:] != "\\")
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


def steady(text: str) -> str:
    """The text without what differs from run to run."""
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    return text.strip("\n")


@dataclass
class Player:
    """The shell of a page's reader, in a folder that is empty at first."""

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    """What the page says that is set."""
    words: Mapping[str, str] = field(default_factory=dict)
    """What is shown in the place of something that depends on the machine."""
    _groups: list[int] = field(default_factory=list)

    def play(self, page: Path) -> None:
        """Run the page. Raises AssertionError where it is not true."""
        place = count = 0
        for block in blocks(page):
            if block.file is not None:
                self.write(block)
            for command, expected in block.calls if block.language == "console" else ():
                count += 1
                answer = self.said(command)
                if steady(answer) == steady(expected):
                    answer = expected
                else:
                    told = f"{page.name}, line {block.line}: $ {command}"
                    assert REWRITE in os.environ, f"{told}\n--- now\n{answer}\n--- page\n{expected}"
                    assert "\n```" not in f"\n{answer}", f"{told}: its fences would end the block"
                place = _rewritten(page, f"$ {command}\n{expected}", f"$ {command}\n{answer}", place)
        assert count > 0, f"{page.name} shows no command"

    def said(self, command: str) -> str:
        """What a shell command writes, in order; it must succeed."""
        state = shlex.quote(str(self.folder.parent / "shell"))
        script = (
            f"if [ -f {state} ]; then . {state}; fi\n"
            f"{command}\ncode=$?\n"
            f'{{ export -p; printf "cd %q\\n" "$PWD"; }} > {state}\nexit $code\n'
        )
        with subprocess.Popen(
            ["bash", "-o", "pipefail", "-c", script],
            cwd=self.folder, env=self._environment(), start_new_session=True, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as shell:  # fmt: skip
            self._groups.append(shell.pid)
            try:
                told, _ = shell.communicate(timeout=LONGEST_COMMAND_SECONDS)
            except subprocess.TimeoutExpired:
                self.close()
                found = sorted(self.folder.parent.rglob("*.log"))
                logs = "\n".join(f"--- {path.name}\n{path.read_text()}" for path in found)
                raise AssertionError(f"$ {command}\ndoes not end\n{logs}") from None
        assert shell.returncode == 0, f"$ {command}\n{told}"
        for word, shown in ({str(self.folder): HOME} | dict(self.words)).items():
            told = told.replace(word, shown)
        return told

    def write(self, block: Block) -> None:
        """Write the file that a block holds, or change it as a diff says, each hunk in one place."""
        assert block.file is not None
        path = self.folder / block.file
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

    def close(self) -> None:
        """End what the page has left running."""
        for group in self._groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)

    def _environment(self) -> dict[str, str]:
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("PG", "RECONCILE_", "GITHUB_", "GITLAB_", "CI", "GIT_"))
        }
        # The reader's psql, pg_dump and pg_restore are those of the server's major.
        programs = (Path(sys.executable).parent, choose().installation.bin_dir, os.environ.get("PATH", ""))
        fixed = {
            "PATH": os.pathsep.join(map(str, programs)),
            # Ada reads, with no settings of git but these.
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "init.defaultBranch",
            "GIT_CONFIG_VALUE_0": "main",
            **{
                f"GIT_{who}_{what}": value
                for who in ("AUTHOR", "COMMITTER")
                for what, value in (("NAME", "Ada"), ("EMAIL", "ada@shop.example"))
            },
            "COLUMNS": "100",
            "PYTHONUNBUFFERED": "1",
            "PSQLRC": os.devnull,
        }
        return kept | fixed | dict(self.variables)


def _rewritten(page: Path, before: str, now: str, place: int) -> int:
    """Write into the page what a command said, at or after `place`, and return where that ends."""
    text = page.read_text(encoding="utf-8")
    start = text.index(before, place)
    if now == before:
        return start + len(before)
    now = now.rstrip("\n") + "\n"
    page.write_text(text[:start] + now + text[start + len(before) :], encoding="utf-8")
    return start + len(now)
