"""Real keys, made and used by ssh-keygen."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

KINDS = {
    "ed25519": ("-t", "ed25519"),
    "rsa": ("-t", "rsa", "-b", "2048"),
    "ecdsa": ("-t", "ecdsa", "-b", "256"),
    "ecdsa-384": ("-t", "ecdsa", "-b", "384"),
    "ecdsa-521": ("-t", "ecdsa", "-b", "521"),
}


@dataclass(frozen=True, slots=True)
class Key:
    """A key pair in a folder."""

    private: Path

    @property
    def public(self) -> str:
        """Type and base64, without the comment."""
        return " ".join(self.private.with_suffix(".pub").read_text().split()[:2])

    @property
    def fingerprint(self) -> str:
        """As ssh-keygen shows it."""
        return keygen("-l", "-f", str(self.private)).split()[1]

    def sign(self, content: bytes, namespace: str = "reconcile-plan", *more: str) -> bytes:
        """What `ssh-keygen -Y sign` makes of the content."""
        file = self.private.with_name("content")
        file.write_bytes(content)
        signature = self.private.with_name("content.sig")
        signature.unlink(missing_ok=True)
        keygen("-Y", "sign", "-n", namespace, *more, "-f", str(self.private), str(file))
        return signature.read_bytes()


def keygen(*arguments: str) -> str:
    """What ssh-keygen says."""
    done = subprocess.run(["ssh-keygen", *arguments], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Key]:
    """A key of each kind."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("this machine has no ssh-keygen")
    made = {}
    for name, options in KINDS.items():
        file = tmp_path_factory.mktemp(name) / "key"
        keygen("-q", *options, "-N", "", "-C", "nobody", "-f", str(file))
        made[name] = Key(file)
    return made
