"""The token that we show, and whose it is. It is never written anywhere but into a request's header."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import UsageError
from reconciler.forge.errors import ForgeFailed
from reconciler.forge.place import ForgeName

_PRINTABLE = re.compile(r"[\x21-\x7e]+\Z")
_NAMES = {ForgeName.GITHUB: ("GITHUB_TOKEN", "GH_TOKEN"), ForgeName.GITLAB: ("GITLAB_TOKEN",)}


@dataclass(frozen=True, slots=True)
class Credential:
    """A token with where it came from."""

    token: str = field(repr=False)
    origin: str
    is_job_token: bool = False
    """GitLab's CI_JOB_TOKEN: another header, and hardly any right."""
    author: str | None = None
    """Who writes with it, where the environment says so."""

    def headers(self, forge: ForgeName) -> dict[str, str]:
        """What a request to the forge's API says with it."""
        if forge is ForgeName.GITHUB:
            return {
                "Authorization": f"Bearer {self.token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
            }
        return {"JOB-TOKEN" if self.is_job_token else "PRIVATE-TOKEN": self.token}


def find_credential(forge: ForgeName, token_file: Path | None, environment: Mapping[str, str]) -> Credential:
    """The token: of the file, else of the environment.

    Raises UsageError where it cannot be read or is no token, ForgeFailed where there is none.
    """
    if token_file is not None:
        return Credential(_checked(_read(token_file), str(token_file)), str(token_file))
    for name in _NAMES[forge]:
        if value := environment.get(name, "").strip():
            return Credential(_checked(value, name), name)
    if forge is ForgeName.GITLAB and (value := environment.get("CI_JOB_TOKEN", "").strip()):
        # A job's token acts as the person who started the pipeline (docs.gitlab.com, "CI/CD job token").
        author = environment.get("GITLAB_USER_LOGIN")
        return Credential(_checked(value, "CI_JOB_TOKEN"), "CI_JOB_TOKEN", True, author)
    raise ForgeFailed(
        f"there is no token: {' and '.join(_NAMES[forge])} not set",
        hint={
            ForgeName.GITHUB: "env: {GITHUB_TOKEN: ${{ github.token }}}, "
            "with permissions: {pull-requests: write}",
            ForgeName.GITLAB: "set GITLAB_TOKEN to a project access token with the scope `api`; "
            "a protected variable is not given to the pipelines of unprotected branches",
        }[forge],
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(f"--token-file: cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"--token-file: {path} is not text") from None


def _checked(token: str, origin: str) -> str:
    # The HTTP library would repeat a header that it refuses, in its error.
    if not _PRINTABLE.match(token):
        what = "holds no token" if not token else "holds what no token has: a space or an odd character"
        raise UsageError(f"{origin} {what}")
    return token
