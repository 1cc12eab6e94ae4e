"""A mounted directory: flips of symbolic links, half-written trees, and what cannot be used at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from reconciler.controller.settling import Copy, Source
from reconciler.controller.snapshot import Wanted, snapshot_of
from reconciler.controller.source import Limits, SourceStatus, SourceTrouble, Tree, read_tree
from reconciler.core.errors import ReconcileError

pytestmark = pytest.mark.quick

COMMIT = "4f2a1c09b7d3e8866c55a1b2c3d4e5f60718293a"
NEXT = "9d8c7b6a594837261504f3e2d1c0b9a8f7e6d5c4"


def write(folder: Path, **files: str) -> Path:
    """Make a folder with these files; `__` in a name stands for `/`."""
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def flip(link: Path, target: str) -> None:
    """Replace a link in one go, as the kubelet and git-sync do."""
    beside = link.with_name(f"{link.name}_tmp")
    beside.symlink_to(target)
    beside.replace(link)


def config_map(mount: Path, version: str, **files: str) -> None:
    """Write a volume as the kubelet does: a hidden folder, `..data` pointing at it, a link for each file."""
    write(mount / version, **files)
    flip(mount / "..data", version)
    for name in files:
        top = name.split("__")[0]
        if not (mount / top).is_symlink():
            (mount / top).symlink_to(f"..data/{top}")


def trouble(path: Path, limits: Limits | None = None) -> SourceTrouble:
    with pytest.raises(SourceTrouble) as caught:
        read_tree(path, limits)
    return caught.value


def names(tree: Tree) -> list[str]:
    return sorted(tree.contents)


def test_a_folder_is_known_by_names_and_contents(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", x="1", y__z="2")
    first = read_tree(folder)
    assert names(first) == ["x", "y/z"]
    assert first.revision == f"sha256:{first.digest}"
    assert read_tree(write(tmp_path / "b", x="1", y__z="2")).digest == first.digest
    for change in ({"x": "2"}, {"x2": "1"}, {"y__z": "2 "}):
        assert read_tree(write(tmp_path / f"c{change}", x="1", y__z="2") and
                         write(tmp_path / f"c{change}", **change)).digest != first.digest  # fmt: skip


def test_names_and_contents_cannot_be_mistaken_for_each_other(tmp_path: Path) -> None:
    one = read_tree(write(tmp_path / "a", ab="c"))
    assert read_tree(write(tmp_path / "b", a="bc")).digest != one.digest


def test_hidden_files_are_left_out_but_for_code_owners(tmp_path: Path) -> None:
    write(tmp_path, **{"x": "1", ".git__HEAD": "ref", ".x.swp": "2", ".github__CODEOWNERS": "* @me"})
    assert names(read_tree(tmp_path)) == [".github/CODEOWNERS", "x"]


def test_a_config_map_flips(tmp_path: Path) -> None:
    config_map(tmp_path, "..2026_01_01", reconcile="a", schema__app="b")
    before = read_tree(tmp_path)
    assert names(before) == ["reconcile", "schema/app"]
    assert before.is_config_map
    config_map(tmp_path, "..2026_01_02", reconcile="a", schema__app="c")
    assert read_tree(tmp_path).digest != before.digest
    assert read_tree(tmp_path).contents["schema/app"] == b"c"


def test_config_maps_mounted_into_one_folder(tmp_path: Path) -> None:
    config_map(tmp_path / "schema", "..1", app="b")
    config_map(tmp_path / "plans" / "prod", "..1", CHAIN="c")
    assert names(read_tree(tmp_path)) == ["plans/prod/CHAIN", "schema/app"]


def test_a_folder_that_is_mounted_into_a_config_map(tmp_path: Path) -> None:
    config_map(tmp_path, "..1", reconcile="a")
    config_map(tmp_path / "plans", "..1", CHAIN="c")
    write(tmp_path, alone="b")
    assert names(read_tree(tmp_path)) == ["alone", "plans/CHAIN", "reconcile"]


def test_git_sync_names_the_commit(tmp_path: Path) -> None:
    write(tmp_path / ".worktrees" / COMMIT, x="1", db__y="2")
    (tmp_path / "current").symlink_to(f".worktrees/{COMMIT}")
    assert read_tree(tmp_path / "current").revision == COMMIT
    below = read_tree(tmp_path / "current" / "db")
    assert (below.revision, names(below)) == (COMMIT, ["y"])
    write(tmp_path / ".worktrees" / NEXT, x="1", db__y="2")
    flip(tmp_path / "current", f".worktrees/{NEXT}")
    after = read_tree(tmp_path / "current" / "db")
    assert (after.revision, after.digest) == (NEXT, below.digest)


def test_another_link_names_no_commit(tmp_path: Path) -> None:
    write(tmp_path / "data", x="1", REVISION="v1.2 of main\nmore\n")
    (tmp_path / "current").symlink_to("data")
    assert read_tree(tmp_path / "current").revision == "v1.2 of main"


@pytest.mark.parametrize("said", ["", "\n", "x" * 201, "\x1b[31mred"])
def test_a_revision_that_cannot_be_shown_is_not(tmp_path: Path, said: str) -> None:
    assert read_tree(write(tmp_path, REVISION=said)).revision.startswith("sha256:")


def test_what_cannot_be_used(tmp_path: Path) -> None:
    assert trouble(tmp_path / "none").status is SourceStatus.MISSING
    (tmp_path / "empty").mkdir()
    assert trouble(tmp_path / "empty").status is SourceStatus.EMPTY
    file = write(tmp_path, file="1") / "file"
    assert trouble(file).status is not SourceStatus.OK
    (tmp_path / "gone").symlink_to("nowhere")
    assert trouble(tmp_path / "gone").status is SourceStatus.MISSING


def test_too_much_is_refused_before_it_is_read(tmp_path: Path) -> None:
    write(tmp_path, x="12345", y="12345")
    assert read_tree(tmp_path, Limits(bytes=10)).size_bytes == 10
    assert trouble(tmp_path, Limits(bytes=9)).status is SourceStatus.TOO_LARGE
    assert trouble(tmp_path, Limits(files=1)).status is SourceStatus.TOO_LARGE


def test_a_link_out_of_the_source_is_refused(tmp_path: Path) -> None:
    write(tmp_path, secret="s3cr3t", source__x="1")
    (tmp_path / "source" / "y.yaml").symlink_to("../secret")
    found = trouble(tmp_path / "source")
    assert (found.status, "y.yaml" in found.message) == (SourceStatus.UNREADABLE, True)


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    write(tmp_path, a__x="1")
    (tmp_path / "a" / "b").symlink_to("../a")
    assert trouble(tmp_path).status is SourceStatus.UNREADABLE


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    write(tmp_path, x="1")
    os.mkfifo(tmp_path / "pipe")
    assert names(read_tree(tmp_path)) == ["x"]


def test_two_equal_reads_settle(tmp_path: Path) -> None:
    folder = write(tmp_path / "source", x="1")
    source = Source(folder, tmp_path / "work")
    assert source.look().status is SourceStatus.WAITING
    settled = source.look()
    assert settled.status is SourceStatus.OK
    assert settled.settled is not None
    assert (settled.settled.root / "x").read_text() == "1"
    write(folder, x="2")
    changed = source.look()
    assert (changed.status, changed.settled) == (SourceStatus.UNSETTLED, settled.settled)
    assert (settled.settled.root / "x").read_text() == "1"
    after = source.look().settled
    assert after is not None
    assert (after.root / "x").read_text() == "2"


def test_a_source_that_is_being_written_never_settles(tmp_path: Path) -> None:
    folder = write(tmp_path / "source", x="0")
    source = Source(folder, tmp_path / "work")
    for turn in range(5):
        write(folder, **{f"file{turn}": "half"})
        assert source.look().status is SourceStatus.WAITING


def test_two_reads_with_a_failure_between_them_do_not_settle(tmp_path: Path) -> None:
    folder = write(tmp_path / "source", x="1")
    source = Source(folder, tmp_path / "work")
    source.look()
    folder.rename(tmp_path / "away")
    assert source.look().status is SourceStatus.MISSING
    (tmp_path / "away").rename(folder)
    assert source.look().status is SourceStatus.WAITING
    assert source.look().status is SourceStatus.OK


def test_back_to_what_was_settled_needs_no_second_read(tmp_path: Path) -> None:
    folder = write(tmp_path / "source", x="1")
    source = Source(folder, tmp_path / "work")
    source.look()
    first = source.look()
    write(folder, x="2")
    source.look()
    write(folder, x="1")
    assert source.look() == first


def test_old_copies_go(tmp_path: Path) -> None:
    folder, work = write(tmp_path / "source", x="1"), tmp_path / "work"
    source = Source(folder, work)
    source.look()
    first = source.look().settled
    write(folder, x="2")
    source.look()
    second = source.look().settled
    assert first is not None
    assert second is not None
    source.keep_only({first.root})
    assert {first.root, second.root} == set(work.iterdir())
    source.keep_only(set())
    assert set(work.iterdir()) == {second.root}


def test_a_config_map_that_is_nearly_full_is_told(tmp_path: Path) -> None:
    config_map(tmp_path / "source", "..1", x="1" * 1_000_000)
    source = Source(tmp_path / "source", tmp_path / "work")
    source.look()
    assert "1024 KiB" in source.look().warning
    plain = Source(write(tmp_path / "plain", x="1" * 1_000_000), tmp_path / "work2")
    plain.look()
    assert plain.look().warning == ""


def test_a_hidden_folder_that_is_a_link_is_not_followed_out(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere", CODEOWNERS="* @mallory")
    source = write(tmp_path / "source", x="1")
    (source / ".github").symlink_to("../elsewhere")
    assert trouble(source).status is SourceStatus.UNREADABLE
    (source / ".github").unlink()
    write(source, own__CODEOWNERS="* @ada")
    (source / ".github").symlink_to("own")
    assert names(read_tree(source)) == [".github/CODEOWNERS", "own/CODEOWNERS", "x"]


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems take UTF-8 alone")
def test_a_name_that_is_not_utf8_is_told_and_can_be_written_down(tmp_path: Path) -> None:
    write(tmp_path, schema__x="1")
    Path(os.fsdecode(os.fsencode(tmp_path / "schema") + b"/bad\xff.yaml")).write_text("tables: [")
    found = trouble(tmp_path)
    assert (found.status, found.message) == (
        SourceStatus.UNREADABLE,
        "schema/bad\\udcff.yaml: the name is not UTF-8",
    )
    assert found.message.encode()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("schema: ../other\ntargets: {prod: {url_env: X}}\n", "schema folder ../other"),
        ("plans: ../other\ntargets: {prod: {url_env: X}}\n", "plans folder ../other/prod"),
        ("plans: {top}/other\ntargets: {prod: {url_env: X}}\n", "plans folder {top}/other/prod"),
        ("targets: {'../../other/prod': {url_env: X}}\n", "plans folder plans/../../other/prod"),
    ],
)
def test_schema_and_plans_are_those_of_the_settled_copy(tmp_path: Path, settings: str, said: str) -> None:
    """Elsewhere they could change between the look at a signature and the run."""
    write(tmp_path / "other", prod__CHAIN="# Plans\n", x="")
    settings, said = (text.replace("{top}", str(tmp_path)) for text in (settings, said))
    root = write(tmp_path / "copy", schema__x_yaml="", **{"reconcile.yaml": settings})
    with pytest.raises(ReconcileError) as caught:
        snapshot_of(Copy(root, "0" * 64, "r"), Wanted(tmp_path))
    assert said in str(caught.value)
    assert "outside of the source" in str(caught.value)
