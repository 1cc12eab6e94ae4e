"""CODEOWNERS by the rules of GitHub and of GitLab, as their documentation has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.app.codeowners import CodeOwners, Flavour, find, owners_of, parse

pytestmark = pytest.mark.quick

GITHUB = """\
# everything, unless a later line fits
*                     @global1 @global2
*.js                  @js #inline
*.go                  docs@example.com
/build/logs/          @logs
docs/*                @docs
apps/                 @apps
/scripts/             @scripts @tools
**/logs               @any-logs
/plans/prod/          @acme/dba @Ada
/plans/prod/0003_x.plan.yaml
a\\ b.txt              @space
!no                   @never
[ab].txt              @never
/bad                  not-an-owner
"""
GITLAB = """\
* @default

[Schema][2] @dba @ada
plans/
/schema/*.yaml @bob
!plans/dev/**

^[Docs] @writers
*.md
docs/**/*.md
\\#odd.md @odd

[SCHEMA]
plans/prod/ @prod-dba @@maintainer

[empty]
nothing.txt
"""


def owners(text: str, flavour: Flavour | None = None) -> CodeOwners:
    return CodeOwners(Path("CODEOWNERS"), Path("/repo"), *parse(text, flavour))


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("README.md", ["@global1", "@global2"]),
        ("deep/down/a.js", ["@js"]),
        ("main.go", ["docs@example.com"]),
        ("build/logs/a.txt", ["@any-logs"]),
        ("build/logs", ["@any-logs"]),
        ("docs/a.md", ["@docs"]),
        ("docs/build/a.md", ["@global1", "@global2"]),
        ("deep/docs/a.md", ["@global1", "@global2"]),
        ("x/apps/y/z", ["@apps"]),
        ("apps", ["@global1", "@global2"]),
        ("scripts/a/b.sh", ["@scripts", "@tools"]),
        ("x/scripts/a.sh", ["@global1", "@global2"]),
        ("x/y/logs/z", ["@any-logs"]),
        ("plans/prod/0001_a.plan.yaml", ["@acme/dba", "@Ada"]),
        ("plans/prod/0003_x.plan.yaml", []),
        ("a b.txt", ["@space"]),
        ("no", ["@global1", "@global2"]),
        ("a.txt", ["@global1", "@global2"]),
        ("bad", ["@global1", "@global2"]),
    ],
)
def test_github(path: str, names: list[str]) -> None:
    file = owners(GITHUB, Flavour.GITHUB)
    assert list(file.names_of(path)) == names
    assert list(file.names_of(f"/repo/{path}")) == names


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("main.c", ["@default"]),
        ("plans/stage/0001_a.plan.yaml", ["@default", "2 of @dba or @ada (Schema)"]),
        ("plans/prod/0001_a.plan.yaml", ["@default", "2 of @prod-dba or @@maintainer (Schema)"]),
        ("plans/dev/0001_a.plan.yaml", ["@default"]),
        ("schema/a.yaml", ["@default", "2 of @bob (Schema)"]),
        ("schema/deep/a.yaml", ["@default"]),
        ("x/a.md", ["@default", "@writers (Docs, optional)"]),
        ("x/#odd.md", ["@default", "@odd (Docs, optional)"]),
        ("nothing.txt", ["@default"]),
    ],
)
def test_gitlab(path: str, told: list[str]) -> None:
    file = owners(GITLAB)
    assert file.flavour is Flavour.GITLAB
    assert [str(group) for group in file.owners_of(path)] == told


def test_who_is_an_owner() -> None:
    file = owners(GITHUB, Flavour.GITHUB)
    plan = "plans/prod/0001_a.plan.yaml"
    assert all(file.is_owner(name, plan) for name in ("ada", "@ada", "ADA", "acme/dba", "@acme/DBA"))
    assert not any(file.is_owner(name, plan) for name in ("", "@", "dba", "eve", "acme", "*"))
    assert not file.is_owner("ada", "/elsewhere/plans/prod/0001_a.plan.yaml")


@pytest.mark.parametrize(
    "place", [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"]
)
def test_it_is_found_at_the_top_of_the_repository(tmp_path: Path, place: str) -> None:
    (tmp_path / ".git").mkdir()
    project = tmp_path / "services/shop"
    project.mkdir(parents=True)
    assert find(project) is None
    file = tmp_path / place
    file.parent.mkdir(exist_ok=True)
    file.write_text("/services/shop/plans/ @dba\n")
    found = find(project)
    assert found is not None
    assert found.names_of(project / "plans/prod/0001_a.plan.yaml") == ("@dba",)
    (group,) = owners_of(project / "plans/prod/0001_a.plan.yaml", project)
    assert group.names == ("@dba",)
    assert found.flavour is (Flavour.GITLAB if place.startswith(".gitlab") else Flavour.GITHUB)
