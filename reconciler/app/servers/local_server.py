"""The local server of a project: found or started under .reconcile/, and kept for the next command."""

from __future__ import annotations

from pathlib import Path

from reconciler.core.errors import EmbeddedUnavailable

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
    """The folder for what belongs to this machine only, made where it is missing, and kept out of git.

    Raises EmbeddedUnavailable where it cannot be.
    """
    folder = root / FOLDER
    ignore = folder / ".gitignore"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise EmbeddedUnavailable(
            f"{folder} cannot be made, where the local server keeps its data: {why}",
            hint="run this in a folder that you may write to, or name a server that runs: --url",
        ) from None
    return folder
