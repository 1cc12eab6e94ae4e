"""Find the token for a forge's API, and its author. The token is written only into request headers."""

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
    """A token and its origin."""

    token: str = field(repr=False)
    origin: str
    is_job_token: bool = False
    """Whether it is GitLab's CI_JOB_TOKEN, which is sent in another header and has few permissions."""
    author: str | None = None
    """The user that writes with the token, if the environment names one."""

    def headers(self, forge: ForgeName) -> dict[str, str]:
        """Return the HTTP headers that authenticate a request to the forge's API."""
        if forge is ForgeName.GITHUB:
            return {
                "Authorization": f"Bearer {self.token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
            }
        return {"JOB-TOKEN" if self.is_job_token else "PRIVATE-TOKEN": self.token}


def find_credential(forge: ForgeName, token_file: Path | None, environment: Mapping[str, str]) -> Credential:
    """Return the token from the file if one is given, else from the environment.

    Raises UsageError if the token cannot be read or is malformed; ForgeFailed if there is no token.
    """
    if token_file is not None:
        return Credential(_checked(_read(token_file), str(token_file)), str(token_file))
    for name in _NAMES[forge]:
        if value := environment.get(name, "").strip():
            return Credential(_checked(value, name), name)
    if forge is ForgeName.GITLAB and (value := environment.get("CI_JOB_TOKEN", "").strip()):
        # A job token acts as the user who started the pipeline (docs.gitlab.com, "CI/CD job token").
        author = environment.get("GITLAB_USER_LOGIN")
        return Credential(_checked(value, "CI_JOB_TOKEN"), "CI_JOB_TOKEN", True, author)
    raise ForgeFailed(
        f"no token found: {' and '.join(_NAMES[forge])} not set",
        hint={
            ForgeName.GITHUB: "env: {GITHUB_TOKEN: ${{ github.token }}}, "
            "with permissions: {pull-requests: write}",
            ForgeName.GITLAB: "set GITLAB_TOKEN to a project access token with the scope `api`; "
            "pipelines of unprotected branches do not receive a protected variable",
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
    # The HTTP library rejects such a header with an error that quotes it, and so would reveal the token.
    if not _PRINTABLE.match(token):
        what = "is empty" if not token else "contains a space or a character that is not printable ASCII"
        raise UsageError(f"{origin} {what}")
    return token
