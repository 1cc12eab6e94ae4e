"""What the Dockerfile and the list of what goes into a build must say, read without building."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from reconciler import __version__
from tests.image.machine import ROOT
from tests.image.wheelhouse import argument

pytestmark = pytest.mark.quick

DOCKERFILE = ROOT / "Dockerfile"
STAGE = re.compile(r"^FROM (\S+) AS (\S+)$", re.MULTILINE)
TEXTS = [DOCKERFILE, ROOT / ".dockerignore", *sorted((ROOT / "k8s" / "image").iterdir())]


def instructions() -> list[tuple[str, str]]:
    """(keyword, rest), continued lines joined, comments left out."""
    lines = [
        line
        for line in DOCKERFILE.read_text(encoding="utf-8").splitlines()
        if not line.lstrip().startswith("#")
    ]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [
        (found[0].upper(), found[1].strip()) for found in re.findall(r"^(\w+) (.*)$", joined, re.MULTILINE)
    ]


def stages() -> dict[str, list[tuple[str, str]]]:
    """The instructions of each stage, by its name."""
    found: dict[str, list[tuple[str, str]]] = {}
    name = ""
    for keyword, rest in instructions():
        if keyword == "FROM":
            name = rest.split(" AS ")[1]
        found.setdefault(name, []).append((keyword, rest))
    return found


def the(keyword: str, stage: str) -> str:
    """The last such instruction of a stage."""
    return [rest for found, rest in stages()[stage] if found == keyword][-1]


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, "--no-color", DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_base_is_an_argument_a_stage_or_scratch() -> None:
    seen: set[str] = set()
    for base, name in STAGE.findall(DOCKERFILE.read_text(encoding="utf-8")):
        assert base in {"${PYTHON_IMAGE}", "${RUNTIME_IMAGE}", "scratch"} | seen
        seen.add(name)
    assert list(stages())[-1] == "runtime", "what is built without --target"
    for name in ("PYTHON_IMAGE", "RUNTIME_IMAGE"):
        assert not argument(name).endswith(":latest")
        assert ":" in argument(name)


@pytest.mark.parametrize("stage", ["runtime", "ci"])
def test_the_user_is_a_number_and_not_root(stage: str) -> None:
    # A kubelet refuses a name under runAsNonRoot: it cannot tell whose it is.
    assert the("USER", stage) == "65532:65532"
    after = [keyword for keyword, _ in stages()[stage]]
    assert not {"RUN", "COPY"} & set(after[after.index("USER") :])


def test_the_program_is_the_first_process() -> None:
    # The exec form: a shell in between would keep signals from it, and there is none.
    assert the("ENTRYPOINT", "runtime") == '["/opt/reconcile/bin/reconcile"]'
    assert the("HEALTHCHECK", "runtime").endswith('CMD ["/opt/reconcile/bin/reconcile", "health"]')
    assert not [rest for keyword, rest in stages()["runtime"] if keyword == "RUN"]


def test_nothing_comes_from_a_url() -> None:
    assert "ADD" not in {keyword for keyword, _ in instructions()}
    for path in TEXTS:
        assert "://" not in path.read_text(encoding="utf-8"), path


def test_no_package_registry_is_named() -> None:
    hosts = re.compile(r"\b(pypi|pythonhosted|npmjs|debian\.org|index-url|extra-index)", re.IGNORECASE)
    for path in TEXTS:
        assert hosts.search(path.read_text(encoding="utf-8")) is None, path


def test_no_secret_is_an_argument() -> None:
    for keyword, rest in instructions():
        if keyword in ("ARG", "ENV"):
            assert re.search(r"PASSWORD|TOKEN|SECRET|URL", rest) is None


def test_versions_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert argument("VERSION") == __version__ == project["version"]
    assert set(argument("EXTRAS").split()) <= set(project["optional-dependencies"])
    assert the("LABEL", "runtime").count("org.opencontainers.image.") == 5


def test_the_stand_in_knows_the_flags_of_initdb() -> None:
    # premade.py takes them from there; the stand-in tells them apart from the two that differ each time.
    from reconciler.embedded.cluster import INITDB_FLAGS

    assert not [flag for flag in INITDB_FLAGS if flag.startswith(("--pgdata", "--pwfile", "-D"))]


def test_the_context_is_a_list_of_what_goes_in() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {
        word
        for keyword, rest in instructions()
        if keyword == "COPY" and "--from" not in rest
        for word in rest.split()[:-1]
    }
    assert copied == let_in
    assert all((ROOT / name).exists() for name in let_in)
