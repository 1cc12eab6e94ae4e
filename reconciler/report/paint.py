"""Text for terminals: colours where there are any, lines no longer than the window."""

from __future__ import annotations

import re
import textwrap

from reconciler.core.dataclass import dataclass
from reconciler.engine.plan.model import Action

_CODES = {"green": "32", "yellow": "33", "red": "31", "cyan": "36", "bold": "1", "dim": "2"}
_TOKEN = re.compile(r"""('(?:[^']|'')*'|"(?:[^"]|"")*")|(--[^\n]*)|\b([A-Z][A-Z]+)\b""")
ACTION_COLOURS = {Action.CREATE: "green", Action.ALTER: "yellow", Action.DROP: "red", Action.RENAME: "yellow"}


@dataclass(frozen=True, slots=True)
class Paint:
    """How a report is drawn: with colours or without, `width` columns wide."""

    colour: bool
    width: int

    def __call__(self, text: str, *styles: str) -> str:
        """The text in these styles; as it is where there are no colours."""
        if not self.colour or not text or not styles:
            return text
        return f"\x1b[{';'.join(_CODES[style] for style in styles)}m{text}\x1b[0m"

    def wrapped(self, text: str, indent: str, *styles: str, hanging: str = "") -> list[str]:
        """The text in lines that fit, each after `indent`; all but the first after `hanging`, too."""
        room = max(self.width - len(indent), 20)
        lines = textwrap.wrap(
            text, room, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False
        )
        return [indent + self(line, *styles) for line in lines]

    def sql(self, sql: str, indent: str) -> list[str]:
        """The lines of a statement, as they are, its keywords and strings set apart."""
        return [indent + self._tinted(line) if line.strip() else "" for line in sql.expandtabs(4).split("\n")]

    def _tinted(self, line: str) -> str:
        if not self.colour:
            return line
        painted, end = [], 0
        for found in _TOKEN.finditer(line):
            style = ("dim", "green") if found[1] else ("dim",) if found[2] else ("dim", "cyan")
            painted += [self(line[end : found.start()], "dim"), self(found[0], *style)]
            end = found.end()
        return "".join([*painted, self(line[end:], "dim")])

    def rule(self, text: str) -> str:
        """A line across with a text at its start."""
        return self(f"── {text} ".ljust(min(self.width, 100), "─"), "dim")
