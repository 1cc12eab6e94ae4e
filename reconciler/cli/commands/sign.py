"""reconcile sign: sign a saved plan with an SSH key, by ssh-keygen."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import options
from reconciler.cli.commands.show import PlanName

KEY = "RECONCILE_SIGNING_KEY"


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("sign")(sign)


def sign(
    plan: PlanName = None,
    key: Annotated[
        Path | None,
        typer.Option("--key", "-k", help=f"The private key, or its public half where an agent holds it; else "
                     f"{KEY}, else git's user.signingkey.", show_default=False),
    ] = None,
    target: options.Target = None,
) -> int:  # fmt: skip
    """Sign a saved plan: PLAN.sig beside it, which is committed along with it.

    What is signed is the file, byte by byte: consent and edits come before.
    """
    from reconciler import app
    from reconciler.cli.approval_note import approval, requirement_of
    from reconciler.cli.console import say, show
    from reconciler.cli.plan_argument import named_plan

    found = named_plan(plan, target)
    signature = _signed(found.text.encode(), key or _usual_key(), found.path)
    path = app.signature_path(found.path)
    app.write_text(path, signature)
    show(f"signed: {path}")
    if requirement_of(found.target).signers is not None:
        say(str(approval(app.Saved(found.path, found.text), found.target)))
    return 0


def _signed(content: bytes, key: Path, path: Path) -> str:
    """The signature that ssh-keygen makes. Raises UsageError where there is none, or it refuses."""
    from reconciler.app import signature_path
    from reconciler.core.errors import UsageError
    from reconciler.engine.plan.signature import NAMESPACE

    program = shutil.which("ssh-keygen")
    if program is None:
        raise UsageError(
            "ssh-keygen is not on this machine",
            hint="install OpenSSH's client (openssh-client, openssh), or sign where it is: "
            f"ssh-keygen -Y sign -n {NAMESPACE} -f KEY {path.name}",
        )
    with tempfile.TemporaryDirectory(prefix="reconcile-sign-") as folder:
        # A copy, because it signs just what was read, and because it asks before it replaces a signature.
        copy = Path(folder, path.name)
        copy.write_bytes(content)
        # Its standard input stays the terminal: else it would not ask for a key's passphrase.
        done = subprocess.run(
            [program, "-Y", "sign", "-n", NAMESPACE, "-f", str(key), str(copy)],
            capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
        if done.returncode != 0:
            said = done.stderr.strip().replace(str(copy), str(path)) or "it said nothing"
            raise UsageError(f"ssh-keygen did not sign: {said}", hint=f"the key was {key}: choose with --key")
        return signature_path(copy).read_text(encoding="ascii")


def _usual_key() -> Path:
    """The key that a person signs with anyway. Raises UsageError where none is known."""
    from reconciler.core.errors import UsageError

    if named := os.environ.get(KEY):
        return Path(named).expanduser()
    git = shutil.which("git")
    if git is not None and _git(git, "gpg.format") == "ssh" and (found := _git(git, "user.signingkey")):
        return Path(found).expanduser()
    hint = f"--key ~/.ssh/id_ed25519, or export {KEY}"
    raise UsageError("there is no key to sign with", hint=hint)


def _git(program: str, name: str) -> str:
    done = subprocess.run([program, "config", "--get", name], capture_output=True, text=True, check=False)
    return done.stdout.strip()
