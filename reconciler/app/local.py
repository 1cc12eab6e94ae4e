"""The local server of a project: found or started under .reconcile/, and kept for the next command."""

from __future__ import annotations

from pathlib import Path

FOLDER = ".reconcile"


def embedded_url(root: Path) -> str:
    """The URL of the project's own server, which is started where it does not run. Its data survives crashes.

    Raises EmbeddedUnavailable.
    """
    from reconciler.embedded import Server

    folder = local_folder(root)
    # The Server object may go: the server stays until it is stopped, programs of the project use it too.
    return Server.attach_or_start(folder / "server", durable=True).url()


def local_folder(root: Path) -> Path:
    """The folder for what belongs to this machine only, made where it is missing, and kept out of git."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    return folder
