"""Folders at a commit of git: just what it holds, and nothing that a person says becomes an option."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reconciler.app.states.git_revisions import added_by, commit_of, exported, repository
from reconciler.core.errors import InvalidInput, UsageError

pytestmark = pytest.mark.quick


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository whose project lies in a folder of it, with one commit of one schema file."""
    root = tmp_path / "mono repo"
    (root / "shop/schema/deep").mkdir(parents=True)
    git(tmp_path, "init", "-q", "-b", "main", str(root))
    (root / "shop/schema/deep/ä b.yaml").write_bytes(b"tables: {}\r\n# $Id$\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "one")
    return root


def test_it_is_as_it_was_byte_by_byte_and_the_checkout_stays(repo: Path) -> None:
    file = repo / "shop/schema/deep/ä b.yaml"
    (repo / ".gitattributes").write_text("*.yaml export-ignore ident\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "attributes")
    file.write_text("tables: {changed: {}}\n")
    (repo / "untracked").write_text("mine")
    before = git(repo, "status", "--porcelain")
    with exported("HEAD", repo / "shop/schema") as found:
        assert [path.name for path in found.path.rglob("*") if path.is_file()] == ["ä b.yaml"]
        assert (found.path / "deep/ä b.yaml").read_bytes() == b"tables: {}\r\n# $Id$\n"
        assert found.near(repo / "shop") == found.top / "shop"
        made = found.top
    assert not made.exists()
    assert git(repo, "status", "--porcelain") == before
    assert file.read_text() == "tables: {changed: {}}\n"


@pytest.mark.parametrize(
    "ref", ["", "-", "--output=x", "-h", "no such", "HEAD\n", "main..main", "nowhere", ":/one x"]
)
def test_what_is_no_commit_is_refused(repo: Path, ref: str) -> None:
    with pytest.raises(UsageError):
        commit_of(ref, repo)
    assert not (repo / "x").exists()


@pytest.mark.parametrize("ref", ["main", "HEAD", "HEAD~0", "refs/heads/main"])
def test_a_commit_has_many_names(repo: Path, ref: str) -> None:
    assert commit_of(ref, repo) == git(repo, "rev-parse", "HEAD")


def test_a_folder_that_was_not_there(repo: Path) -> None:
    (repo / "plans").mkdir()
    with pytest.raises(UsageError, match="there is no plans at HEAD"), exported("HEAD", repo / "plans"):
        pass


def test_a_file_alone(repo: Path) -> None:
    with exported("HEAD", repo / "shop/schema/deep/ä b.yaml") as found:
        assert found.path.is_file()


def test_a_name_is_no_pattern(repo: Path) -> None:
    (repo / "shop/*").mkdir()
    with pytest.raises(UsageError), exported("HEAD", repo / "shop/*"):
        pass


def test_links_are_told_not_followed(repo: Path) -> None:
    (repo / "shop/schema/passwd.yaml").symlink_to("/etc/passwd")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "link")
    with pytest.raises(InvalidInput, match="is a symbolic link"), exported("HEAD", repo / "shop/schema"):
        pass
    with exported("HEAD~1", repo / "shop/schema"):
        pass


def test_submodules_are_told(repo: Path, tmp_path: Path) -> None:
    commit = git(repo, "rev-parse", "HEAD")
    git(repo, "update-index", "--add", "--cacheinfo", f"160000,{commit},shop/schema/other")
    git(repo, "commit", "-qm", "submodule")
    with pytest.raises(InvalidInput, match="is a submodule"), exported("HEAD", repo / "shop/schema"):
        pass


def test_outside_of_any_repository(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="in no git repository"):
        repository(tmp_path)


def test_a_hook_means_its_own_repository(repo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert repository(repo / "shop/schema") == repo.resolve()


def test_which_commit_brought_a_file(repo: Path) -> None:
    file = repo / "shop/schema/deep/ä b.yaml"
    first = git(repo, "rev-parse", "HEAD")
    file.write_text("tables: {a: {}}\n")
    git(repo, "commit", "-qam", "two")
    assert added_by(file) == first
    assert added_by(repo / "shop/none.yaml") is None
    assert added_by(Path("/")) is None
