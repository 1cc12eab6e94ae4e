"""The words by which a person names a state: `live`, `git:REF`, `snapshot:FILE`, `chain`, a folder, a URL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli import options

if TYPE_CHECKING:
    from reconciler.app import State

LIVE = "live"
CHAIN = "chain"
FROM = "live, git:REF, snapshot:FILE, chain, chain:NUMBER, or url:URL."
ANY = "live, git:REF, snapshot:FILE, chain, chain:NUMBER, url:URL, target:NAME, or a schema folder or file."


def state_of(text: str, target: str | None, url: str | None, schema: Path | None, words: str = ANY) -> State:
    """The state that a person means. Raises UsageError for what is none, or is not there."""
    from reconciler import app
    from reconciler.core.errors import UsageError

    word, colon, rest = text.partition(":")
    if text == LIVE:
        return app.Live(options.choose(target, url).url)
    if word == "target" and rest and words is ANY:
        return app.Live(options.choose(rest, None).url)
    if word == "url" and rest:
        return app.Live(rest)
    if text.startswith(("postgres://", "postgresql://")):
        return app.Live(text)
    if word == "git" and colon:
        return app.Revision(rest, options.choose(target, url, schema, connects=False).schema)
    if word == "snapshot" and rest:
        if not Path(rest).is_file():
            hint = "write one with: reconcile pull --snapshot FILE"
            raise UsageError(f"there is no snapshot {rest}", hint=hint)
        return app.Stored(Path(rest))
    if word == "chain" and (not colon or rest.isdigit()):
        folder = options.choose(target, url, connects=False).plans
        return app.InChain(folder, int(rest) if rest else None)
    if words is ANY and Path(text).exists():
        return app.Folder(Path(text))
    from reconciler.core.redaction import without_credentials

    raise UsageError(f"`{without_credentials(text)}` is no state", hint=f"a state is {words}")
