"""Signatures that ssh-keygen made with real keys: verified, and refused in whatever way they are off."""

from __future__ import annotations

import base64
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.core.errors import NotApproved
from reconciler.engine.plan.signature import AllowedSigners, verified
from tests.approval.conftest import KINDS, Key, keygen

pytestmark = pytest.mark.quick

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PLAN = b"format: 1\nsteps: []\n# \xc3\xa4\n"


def check(content: bytes, signature: bytes, *lines: str, now: datetime = NOW) -> tuple[str, str]:
    """Principals and fingerprint of who signed."""
    signer = verified(content, signature, AllowedSigners("\n".join(lines), "signers"), now)
    return signer.principals, signer.key


def refusal(content: bytes, signature: bytes, *lines: str, now: datetime = NOW) -> str:
    with pytest.raises(NotApproved) as refused:
        check(content, signature, *lines, now=now)
    assert refused.value.exit_code == 5
    return f"{refused.value.where or ''}: {refused.value}"


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_key_signs(keys: dict[str, Key], kind: str) -> None:
    key = keys[kind]
    line = f"ada@example.com {key.public} a comment"
    assert check(PLAN, key.sign(PLAN), line) == ("ada@example.com", key.fingerprint)
    by_another_digest = key.sign(PLAN, "reconcile-plan", "-O", "hashalg=sha256")
    assert check(PLAN, by_another_digest, line) == ("ada@example.com", key.fingerprint)


@pytest.mark.parametrize("kind", KINDS)
def test_no_byte_of_the_content_can_change(keys: dict[str, Key], kind: str) -> None:
    signature = keys[kind].sign(PLAN)
    line = f"ada {keys[kind].public}"
    for place in range(len(PLAN)):
        changed = PLAN[:place] + bytes([PLAN[place] ^ 1]) + PLAN[place + 1 :]
        assert "not of this file" in refusal(changed, signature, line)
    for changed in (PLAN + b"\n", PLAN[:-1], b"", PLAN.replace(b"\n", b"\r\n")):
        assert "not of this file" in refusal(changed, signature, line)


@pytest.mark.parametrize("kind", KINDS)
def test_no_byte_of_the_signature_can_change(keys: dict[str, Key], kind: str) -> None:
    blob = unarmored(keys[kind].sign(PLAN))
    line = f"ada {keys[kind].public}"
    assert check(PLAN, armored(blob), line)[0] == "ada"
    for place in range(len(blob)):
        changed = blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :]
        refusal(PLAN, armored(changed), line)
    for changed in (blob[:-1], blob + b"\0", blob[:10], b""):
        refusal(PLAN, armored(changed), line)


def test_what_is_no_signature(keys: dict[str, Key]) -> None:
    signature = keys["ed25519"].sign(PLAN)
    line = f"ada {keys['ed25519'].public}"
    for text in (b"", b"\xff\xfe", b"-----BEGIN PGP SIGNATURE-----\n", signature[:80], b"x" + signature):
        assert "the signature" in refusal(PLAN, text, line)
    assert check(PLAN, signature.replace(b"\n", b"\r\n"), line)[0] == "ada"


def unarmored(signature: bytes) -> bytes:
    return base64.b64decode("".join(signature.decode().splitlines()[1:-1]))


def armored(blob: bytes) -> bytes:
    text = base64.b64encode(blob).decode()
    lines = [text[at : at + 70] for at in range(0, len(text), 70)]
    marks = ("-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----")
    return "\n".join([marks[0], *lines, marks[1], ""]).encode()


def test_another_key_is_refused(keys: dict[str, Key]) -> None:
    told = refusal(PLAN, keys["rsa"].sign(PLAN), f"ada {keys['ed25519'].public}")
    assert f"{keys['rsa'].fingerprint} is none of the allowed signers'" in told
    assert "none of the allowed" in refusal(PLAN, keys["rsa"].sign(PLAN), "# nobody", "")


def test_a_signature_for_another_purpose_is_refused(keys: dict[str, Key]) -> None:
    key = keys["ed25519"]
    for namespace in ("git", "file", "reconcile-plan2"):
        told = refusal(PLAN, key.sign(PLAN, namespace), f"ada {key.public}")
        assert f"was made for {namespace!r}" in told


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ('namespaces="reconcile-plan"', None),
        ('namespaces="git,reconcile-*"', None),
        ('namespaces="git"', 'it is for namespaces="git"'),
        ('namespaces="*,!reconcile-plan"', "it is for namespaces="),
        ('valid-after="20260101"', None),
        ('valid-after="20260601120001Z"', "only after 2026-06-01 12:00:01 UTC"),
        ('valid-before="20260601120000Z"', None),
        ('valid-before="20260601115959Z"', "only before 2026-06-01 11:59:59 UTC"),
        ('valid-before="202606011159Z"', "only before"),
        ('valid-after="20260101Z",valid-before="20270101Z",namespaces="reconcile-plan"', None),
        ('VALID-BEFORE="20200101Z"', "only before"),
        ("cert-authority", "certificates, which are not supported"),
    ],
)
def test_options_are_honoured_as_by_ssh_keygen(
    keys: dict[str, Key], tmp_path: Path, options: str, expected: str | None
) -> None:
    key = keys["ed25519"]
    signature, line = key.sign(PLAN), f"ada {options} {key.public}"
    if expected is None:
        assert check(PLAN, signature, line)[0] == "ada"
    else:
        assert expected in refusal(PLAN, signature, line)
    assert takes(tmp_path, line, signature) is (expected is None)


def takes(folder: Path, line: str, signature: bytes) -> bool:
    """Whether ssh-keygen itself takes the signature at that time."""
    (folder / "signers").write_text(line + "\n")
    (folder / "sig").write_bytes(signature)
    done = subprocess.run(
        ["ssh-keygen", "-Y", "verify", "-n", "reconcile-plan", "-I", "ada", "-f", str(folder / "signers"),
         "-s", str(folder / "sig"), "-O", f"verify-time={NOW:%Y%m%d%H%M%S}Z"],
        input=PLAN, capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode == 0


def test_a_second_line_can_allow_what_the_first_does_not(keys: dict[str, Key]) -> None:
    key = keys["ed25519"]
    lines = [f'old valid-before="20200101Z" {key.public}', f"new,other {key.public}"]
    assert check(PLAN, key.sign(PLAN), *lines)[0] == "new,other"


@pytest.mark.parametrize(
    "line",
    [
        "ada",
        "ada ssh-ed25519",
        "ada ssh-ed25519 not*base64",
        "ada ssh-rsa {blob}",
        'ada valid-before="tomorrow" {key}',
        'ada valid-before="20269999" {key}',
        'ada valid-after="20270101",valid-before="20260101" {key}',
        'ada no-such-option="x" {key}',
        '"ada {key}',
    ],
)
def test_a_line_that_cannot_be_read_stops_everything(keys: dict[str, Key], line: str) -> None:
    """A line that was meant to take a key away must not be passed over."""
    key = keys["ed25519"]
    broken = line.format(key=key.public, blob=key.public.split()[1])
    told = refusal(PLAN, key.sign(PLAN), f"ada {key.public}", broken)
    assert told.startswith("signers:2: this line cannot be read")


def test_a_certificate_is_refused(keys: dict[str, Key], tmp_path: Path) -> None:
    authority, file = keys["rsa"], tmp_path / "key"
    keygen("-q", "-t", "ed25519", "-N", "", "-f", str(file))
    keygen("-q", "-s", str(authority.private), "-I", "ada", "-n", "ada", str(file) + ".pub")
    content = tmp_path / "plan"
    content.write_bytes(PLAN)
    keygen("-Y", "sign", "-n", "reconcile-plan", "-f", str(file) + "-cert.pub", str(content))
    signature = (tmp_path / "plan.sig").read_bytes()
    told = refusal(PLAN, signature, f"ada cert-authority {authority.public}")
    assert "made with a certificate, which is not supported" in told
