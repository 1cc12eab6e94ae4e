"""Patterns of CODEOWNERS as regular expressions that take no longer for a long pattern: the file is anybody's
who opens a pull request."""

from __future__ import annotations

import re

__all__ = ["github_pattern", "gitlab_pattern"]

_NEVER = re.compile(r"(?!)")


def github_pattern(pattern: str) -> re.Pattern[str]:
    """As .gitignore's, but that `docs/*` does not reach into the folders of docs."""
    body = pattern.strip("/")
    is_anchored = "/" in pattern.rstrip("/")
    parts = _without_repeats(body.split("/"))
    text = "" if is_anchored else "(?:.*/)?"
    for index, part in enumerate(parts):
        is_last = index == len(parts) - 1
        if part == "**":
            text += ".*" if is_last else "(?:.*/)?"
        else:
            text += _glob(part) + ("" if is_last else "/")
    if pattern.endswith("/"):
        text += "/.*"
    elif is_anchored and parts[-1] == "*":
        pass
    elif parts[-1] != "**":
        text += "(?:/.*)?"
    return _compiled(text)


def gitlab_pattern(pattern: str) -> re.Pattern[str]:
    """As Ruby's File.fnmatch has it, with FNM_DOTMATCH and FNM_PATHNAME."""
    body = pattern if pattern.startswith("/") else f"**/{pattern}"
    body = body.lstrip("/") + ("**/*" if pattern.endswith("/") else "")
    folders, _, last = body.rpartition("/")
    parts = _without_repeats(folders.split("/")) if folders else []
    text = "".join("(?:.*/)?" if part == "**" else f"{_glob(part, True)}/" for part in parts)
    return _compiled(text + _glob(last, True))


def _compiled(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text + r"\Z", re.DOTALL)
    except re.error:
        # Such as [z-a], which no character is in.
        return _NEVER


def _without_repeats(parts: list[str]) -> list[str]:
    """`**/**` says no more than `**`."""
    return [part for index, part in enumerate(parts) if part != "**" or parts[index - 1 : index] != ["**"]]


def _glob(part: str, has_sets: bool = False) -> str:
    """One part of a path, between slashes, as a regular expression."""
    sets = r"|\[[!^]?\]?[^\]]+\]" if has_sets else ""
    pieces = [found[0] for found in re.finditer(rf"\\.|\*+|\?{sets}|.", part, re.DOTALL)]
    if pieces and all(set(piece) == {"*"} for piece in pieces):
        return "[^/]+"
    runs = [""]
    for piece in pieces:
        if set(piece) == {"*"}:
            runs.append("")
        else:
            runs[-1] += _one(piece)
    first, *others = runs
    if not others:
        return first
    # Of what stands between two stars the first place is as good as any: it is never looked for again.
    between = "".join(f"(?>[^/]*?{run})" for run in others[:-1])
    return f"{first}{between}[^/]*{others[-1]}"


def _one(piece: str) -> str:
    """What stands for one character."""
    if len(piece) > 1 and piece.startswith("\\"):
        return re.escape(piece[1:])
    if piece.startswith("[") and len(piece) > 2:
        inner = piece[1:-1].replace("\\", r"\\").replace("[", r"\[")
        return f"(?!/)[{'^' + inner[1:] if inner[0] in '!^' else inner}]"
    return "[^/]" if piece == "?" else re.escape(piece)
