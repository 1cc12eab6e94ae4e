"""Loading files of YAML, a large folder with two processes.

The files are cut into pieces. Both processes take the next piece from a pipe, in which each byte is a piece's
number, until none is left; so neither waits for the other.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import InvalidInput
from reconciler.engine.declaration.unfold import load_read
from reconciler.engine.declaration.worker_process import Answers, companion, may_have_one
from reconciler.engine.declaration.written import Located, Written

if TYPE_CHECKING:
    from reconciler.core.ident import ObjectId
    from reconciler.engine.registry import Registry

_PIECES: Final = 32
_WORTH_IT: Final = 1 << 17
"""With fewer bytes the second process costs more than it saves."""


def load(path: Path, registry: Registry) -> Written:
    """Read a file or folder of YAML. Raises InvalidInput with every problem of every file."""
    with loading(path, registry) as written:
        return written()


@contextmanager
def loading(path: Path, registry: Registry) -> Iterator[Callable[[], Written]]:
    """A function that gives what a file or folder of YAML declares; where that is much, and a processor is
    free for it, reading has begun by then.

    The function raises InvalidInput with every problem of every file.
    """
    from reconciler.engine.yaml.reader import files_below, read_file, read_folder

    def alone() -> Written:
        return load_read(read_folder(path) if os.path.isdir(path) else [read_file(path)], registry)

    files, failed = files_below(os.fspath(path)) if os.path.isdir(path) else ([], [])
    with _reading([] if failed else files, registry, alone) as written:
        yield written


def load_files(files: Sequence[str], registry: Registry) -> Written:
    """What these files declare. Raises what `loading` raises."""
    from reconciler.engine.yaml.reader import read_file

    with _reading(files, registry, lambda: load_read(map(read_file, files), registry)) as written:
        return written()


@contextmanager
def _reading(
    files: Sequence[str], registry: Registry, alone: Callable[[], Written]
) -> Iterator[Callable[[], Written]]:
    """Who reads everything alone says what is wrong with it."""
    if len(files) < 2 or not may_have_one() or sum(map(_size, files)) < _WORTH_IT:
        yield alone
        return
    each = -(-len(files) // _PIECES)
    pieces = [files[start : start + each] for start in range(0, len(files), each)]
    with _shared(pieces) as share, companion(lambda: share.given(registry)) as answers:
        yield lambda: share.whole(answers, registry) or alone()


def _size(file: str) -> int:
    try:
        return os.path.getsize(file)
    except OSError:
        return 0  # who reads it says why


@contextmanager
def _shared(pieces: Sequence[Sequence[str]]) -> Iterator[_Share]:
    numbers, giving = os.pipe()
    try:
        os.write(giving, bytes(range(len(pieces))))
        os.close(giving)
        yield _Share(pieces, numbers)
    finally:
        os.close(numbers)


@dataclass(frozen=True, slots=True)
class _Share:
    """Files that two processes read together."""

    pieces: Sequence[Sequence[str]]
    numbers: int
    """The pipe with the numbers of the pieces that nobody has taken."""

    def read(self, registry: Registry) -> Iterator[tuple[int, Written]]:
        """Take pieces until none is left. Raises InvalidInput."""
        from reconciler.engine.yaml.reader import read_file

        while taken := os.read(self.numbers, 1):
            yield taken[0], load_read(map(read_file, self.pieces[taken[0]]), registry)

    def given(self, registry: Registry) -> Iterator[bytes]:
        """The second process's part."""
        return (pickle.dumps(part, protocol=pickle.HIGHEST_PROTOCOL) for part in self.read(registry))

    def whole(self, answers: Answers, registry: Registry) -> Written | None:
        """What all files declare; None where a piece is missing, or something is declared twice.

        What the other process has ready is taken at once, so that little of it is left at the end.
        """
        read: dict[int, Written] = {}
        try:
            for number, written in self.read(registry):
                read[number] = written
                while answers.is_ready and (answer := next(answers, None)) is not None:
                    read.update([pickle.loads(answer)])
        except InvalidInput:
            return None
        read.update(map(pickle.loads, answers))
        objects: dict[ObjectId, Located] = {}
        files: dict[str, str] = {}
        for _, written in sorted(read.items()):
            objects.update(written.objects)
            files.update(written.files)
        declared = sum(len(written.objects) for written in read.values())
        return Written(objects, files) if (len(read), len(objects)) == (len(self.pieces), declared) else None
