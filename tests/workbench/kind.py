"""Begin a kind: `make new-kind NAME=security_label`.

Writes the kind's file and its first case. The laws (tests/laws) fail until the kind is whole; what they say
is the list of what is left to do.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.case_folder import CASES

ROOT = Path(__file__).parents[2]
_NAME = re.compile(r"[a-z][a-z_]*[a-z]\Z")

_KIND = '''"""TITLE (manual: CREATE UPPER)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document
from reconciler.core.ident import ObjectId, in_schema, qualified, written_path
from reconciler.core.kind import Declared, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Statement


@dataclass(frozen=True, slots=True)
class CLASSState:
    """The attributes that are compared: two states are equal exactly when no statement is needed."""

    definition: str


class CLASSDocument(Document):
    """`SECTION: {example: {definition: text}}`"""

    definition: str


class CLASS(Kind[CLASSState]):
    """A TITLE_LOWER."""

    name = "NAME"
    section = "SECTION"
    state = CLASSState
    document = CLASSDocument
    rank = 50
    rules: ClassVar[Mapping[str, Rule]] = {
        "definition": Recreate("the definition of a TITLE_LOWER cannot be altered"),
    }

    def query(self, major: int) -> LiteralString:
        # Replace it: read the catalogs; the columns are the fields of the state, an address and a path.
        return """
            SELECT 'pg_class/' || c.oid || '/0' AS address,
                ARRAY[n.nspname, c.relname]::text[] AS path,
                ''::text AS definition
            FROM pg_catalog.pg_class c
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE false
            ORDER BY n.nspname, c.relname"""

    def declare(self, name: str, document: CLASSDocument, nest: Nest) -> Iterable[Declared]:
        id = ObjectId(self.name, in_schema(name, nest.schema or "public"))
        yield Declared(id, CLASSState(document.definition))

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        return written_path(entry.id.path, home), {"definition": entry.state.definition}

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        yield Statement(f"CREATE UPPER {qualified(*entry.id.path)} {entry.state.definition}")

    def drop(self, entry: Entry) -> Iterable[Statement]:
        yield Statement(f"DROP UPPER {qualified(*entry.id.path)}")
'''
_CASE = """\
schema: public

SECTION:
  example: {definition: text}
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files of a new kind. Returns 0; 64 where the name does not fit or is taken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="singular, in lower case, with underscores: event_trigger")
    name: str = parser.parse_args(arguments).name
    kind = ROOT / "reconciler" / "kinds" / f"{name}.py"
    if not _NAME.match(name):
        print(f"{name!r} is not a kind's name: use the singular, as in event_trigger", file=sys.stderr)
        return 64
    if kind.exists() or kind.with_suffix("").exists():
        print(f"the kind {name} is there already", file=sys.stderr)
        return 64
    kind.write_text(_filled(_KIND, name))
    case = CASES / name / "created"
    case.mkdir(parents=True, exist_ok=True)
    (case / "before.yaml").write_text("schema: public\n")
    (case / "after.yaml").write_text(_filled(_CASE, name))
    (case / "expect.yaml").write_text(f"why: A {name.replace('_', ' ')} is created.\n")
    print(f"wrote {kind} and {case}; next:")
    print(f"  .venv/bin/pytest tests/laws -k {name}      the laws that it does not keep yet")
    print(f"  make case CASE={name}/created        its first plan")
    print("  make golden                               records that plan, once it is right")
    print("  .venv/bin/python -m reconciler.app.reference.kind_table > docs/kinds.md")
    return 0


def _filled(template: str, name: str) -> str:
    title = name.replace("_", " ")
    words = {
        "TITLE_LOWER": title,
        "TITLE": f"{title.capitalize()}s",
        "UPPER": title.upper(),
        "CLASS": "".join(word.capitalize() for word in name.split("_")),
        "SECTION": f"{name}s",
        "NAME": name,
    }
    for word, value in words.items():
        template = template.replace(word, value)
    return template


if __name__ == "__main__":
    sys.exit(main())
