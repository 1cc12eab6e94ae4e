"""The output formats of the commands."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """How a plan is shown."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    SQL = "sql"
    JUNIT = "junit"
    SARIF = "sarif"
    GITHUB = "github"
    GITLAB_TERRAFORM = "gitlab-terraform"
    GITLAB_CODEQUALITY = "gitlab-codequality"


OF_FINDINGS = frozenset({Format.JUNIT, Format.SARIF, Format.GITHUB, Format.GITLAB_CODEQUALITY})
"""The formats that show findings, whatever command has them."""


class FindingsFormat(StrEnum):
    """How findings are shown."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    SARIF = "sarif"
    GITHUB = "github"
    GITLAB_CODEQUALITY = "gitlab-codequality"


class Shape(StrEnum):
    """How any other result is shown."""

    TEXT = "text"
    JSON = "json"


class AppliedFormat(StrEnum):
    """How what was carried out is shown."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
