"""CODEOWNERS by the rules of GitHub and of GitLab, as their documentation has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.app.approval.code_owners import CodeOwners, Flavour, find, owners_of, parse

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


def test_a_way_through_another_folder_is_not_that_folder(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "CODEOWNERS").write_text("/plans/ @ada\n/mine/ @mallory\n")
    found = find(tmp_path)
    assert found is not None
    assert found.names_of(tmp_path / "mine/../plans/prod/0001_x.plan.yaml") == ("@ada",)
    assert found.names_of("mine/../plans/prod/0001_x.plan.yaml") == ("@ada",)


def test_a_repository_that_anybody_may_have_made_does_not_count(tmp_path: Path) -> None:
    """As in /tmp, above the private copy of a controller."""
    shared, project = tmp_path / "shared", tmp_path / "shared/project"
    (shared / ".git").mkdir(parents=True)
    project.mkdir()
    (shared / "CODEOWNERS").write_text("* @mallory\n")
    (project / "CODEOWNERS").write_text("* @ada\n")
    plan = project / "plans/prod/0001_x.plan.yaml"
    assert [str(group) for group in owners_of(plan, project)] == ["@mallory"]
    shared.chmod(0o1777)
    assert [str(group) for group in owners_of(plan, project)] == ["@ada"]


@pytest.mark.parametrize("flavour", list(Flavour))
def test_a_long_pattern_is_no_trap(flavour: Flavour) -> None:
    """Backtracking would take longer than the universe has."""
    found = owners("/" + "*a" * 40 + " @trap\n/**/**" + "/**/**" * 40 + "/b @deep\n* @ada", flavour)
    assert found.names_of("a" * 200 + "b")[-1] == "@ada"
    assert found.names_of("a" * 200) == ("@ada",)
    assert owners("/" + "*a" * 40 + " @trap", flavour).names_of("a" * 200) == ("@trap",)


def test_a_set_takes_no_slash_and_may_be_empty() -> None:
    found = owners("/plans[!x]prod/* @sets\n/[z-a]* @none", Flavour.GITLAB)
    assert found.names_of("plans/prod/x") == ()
    assert found.names_of("plans-prod/x") == ("@sets",)
    assert found.names_of("z") == ()


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("/a*b*c", ["abc", "axbxc", "abcbc", "abbcc"], ["abcd", "acb", "xabc"]),
        ("/*.plan.yaml", [".plan.yaml", "x.plan.plan.yaml"], ["x.plan.yml", "x/y.plan.yaml"]),
        ("/a*/*b*b", ["a/bb", "ax/xbxb"], ["a/b", "ab"]),
        ("/?*?", ["ab", "abc"], ["a"]),
    ],
)
@pytest.mark.parametrize("flavour", list(Flavour))
def test_stars(flavour: Flavour, pattern: str, yes: list[str], no: list[str]) -> None:
    found = owners(f"{pattern} @x", flavour)
    assert [path for path in yes + no if found.names_of(path)] == yes
