"""What a text can mean: who calls a function says its name. Nobody parses the text; that the name is
somewhere in it is enough, and too much does no harm."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from reconciler.core.ident import ObjectId
from reconciler.engine.registry import Registry

_PLAIN: Final = re.compile(r"[a-z_][a-z0-9_$]*\Z")
_SPELT: Final = re.compile(r"(?<![\w$])(u&|e\\*')")
"""Strings and identifiers with escapes, in which any name can be spelt (manual: Lexical Structure)."""


def said(texts: Iterable[str]) -> str:
    """Several texts as one, without regard to case."""
    return "\0".join(texts).casefold()


def meant(text: str, candidates: Iterable[ObjectId], registry: Registry) -> set[ObjectId]:
    """Those of the candidates that the text (from `said`) may mean."""
    if _SPELT.search(text):
        return set(candidates)
    return {id for id in candidates if _is_in(text, registry.of(id).name_in_text(id))}


def _is_in(text: str, name: str | None) -> bool:
    return name is None or _PLAIN.match(name) is None or name in text
