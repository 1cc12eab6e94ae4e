"""Detached SSH signatures beside plan files: who made one, going by a file of allowed signers.

The signature is an SSHSIG (OpenSSH, PROTOCOL.sshsig) over the bytes of the plan file, as `ssh-keygen -Y sign
-n reconcile-plan` makes it. The signers are in OpenSSH's format (ssh-keygen(1), ALLOWED SIGNERS). Nothing
here reads a file or a clock, or runs a program: bytes in, a signer or a refusal out.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import NotApproved, ReconcileError

if TYPE_CHECKING:
    from sshsig.allowed_signers import AllowedSigner
    from sshsig.sshsig import SshsigSignature

__all__ = ["NAMESPACE", "SUFFIX", "AllowedSigners", "Signer", "verified"]

NAMESPACE = "reconcile-plan"
"""What a signature must have been made for: one for git or for a file of another program does not count."""
SUFFIX = ".sig"
"""What ssh-keygen appends to the name of the file that it signs."""
_HASHES = frozenset({b"sha256", b"sha512"})
"""PROTOCOL.sshsig, 3: other digests must not be used."""
_CERTIFICATE = re.compile(rb"-cert-v[0-9]+@openssh\.com\Z")
_AGAIN = "sign the file as it is now: reconcile sign PLAN"
_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(Z|UTC)?\Z")


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose key made a signature."""

    principals: str
    """As the file of allowed signers names them: `ada@example.com`."""
    key: str
    """The key's fingerprint, as ssh-keygen -l shows it: `SHA256:...`."""

    def __str__(self) -> str:
        return f"{self.principals} ({self.key})"


@dataclass(frozen=True, slots=True)
class AllowedSigners:
    """A file of allowed signers: its text, and the name that refusals carry."""

    text: str
    file: str


def verified(content: bytes, armored: bytes, allowed: AllowedSigners, now: datetime) -> Signer:
    """Who signed `content`. `now` has a time zone; it is held against valid-after and valid-before.

    Raises NotApproved where the signature is not by an allowed signer, not for plans, not of this content, or
    not valid at that time; and where the file of signers has a line that cannot be read.
    """
    _require_library()
    signature = _read(armored)
    entry = _allowed(signature, allowed, now)
    _verify(content, armored, signature)
    return Signer(entry.principals, _fingerprint(signature.public_key))


def _require_library() -> None:
    try:
        import sshsig  # noqa: F401
    except ImportError:
        hint = "install the extra: reconcile-postgres[signatures]"
        raise NotApproved("signatures cannot be verified: the library sshsig is missing", hint=hint) from None


def _read(armored: bytes) -> SshsigSignature:
    from sshsig.sshsig import SshsigSignature

    lines = armored.decode("ascii", errors="replace").strip().splitlines()
    marks = ("-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----")
    if len(lines) < 3 or (lines[0], lines[-1]) != marks:
        raise NotApproved("the signature is not one that ssh-keygen made", hint=_AGAIN)
    try:
        blob = base64.b64decode("".join(lines[1:-1]), validate=True)
        signature = SshsigSignature(blob)
        is_whole = bytes(signature) == blob
    except (ValueError, NotImplementedError) as error:
        raise NotApproved(f"the signature cannot be read: {error}", hint=_AGAIN) from None
    if not is_whole:
        raise NotApproved("the signature cannot be read: it holds more or less than it says", hint=_AGAIN)
    return signature


def _allowed(signature: SshsigSignature, allowed: AllowedSigners, now: datetime) -> AllowedSigner:
    """The line that allows the signature's key. Every line is read, so that a fault in one never hides."""
    namespace = NAMESPACE.encode()
    if signature.namespace != namespace:
        said = signature.namespace.decode("ascii", errors="replace")
        hint = f"sign it for this purpose: ssh-keygen -Y sign -n {NAMESPACE} -f KEY PLAN"
        raise NotApproved(f"the signature was made for {said!r}, not for {NAMESPACE!r}", hint=hint)
    key = signature.public_key
    if _CERTIFICATE.search(_kind(key)):
        hint = "sign with the key itself, and list it in the file of allowed signers"
        raise NotApproved("the signature was made with a certificate, which is not supported", hint=hint)
    found = list(_lines(allowed, key, now))
    if fit := next((entry for entry, reason in found if reason is None), None):
        return fit
    reasons = [reason for _, reason in found if reason]
    said = f"the key {_fingerprint(key)} may not sign: " if reasons else ""
    why = "; ".join(reasons) if reasons else f"the key {_fingerprint(key)} is none of the allowed signers'"
    raise NotApproved(f"{said}{why}", where=allowed.file, hint="have somebody sign whom this file lists")


def _lines(allowed: AllowedSigners, key: bytes, now: datetime) -> Iterator[tuple[AllowedSigner, str | None]]:
    """The lines of this key, each with why it does not count (None: it does)."""
    from sshsig.allowed_signers import AllowedSigner

    for number, text in enumerate(allowed.text.splitlines(), start=1):
        line = text.strip(" \t")
        if not line or line.startswith("#"):
            continue
        where = f"{allowed.file}:{number}"
        try:
            entry = AllowedSigner.parse(line)
            blob = base64.b64decode(entry.base64_key, validate=True)
            if _kind(blob) != entry.key_type.encode():
                raise ValueError("the key is not of the type that it says")
            reason = _why_not(entry, now)
        except (ValueError, NotImplementedError, IndexError) as error:
            hint = "a line has principals, options and a public key: man ssh-keygen, ALLOWED SIGNERS"
            raise NotApproved(f"this line cannot be read: {_brief(error)}", where=where, hint=hint) from None
        if blob == key:
            yield entry, reason and f"line {number}: {reason}"


def _why_not(entry: AllowedSigner, now: datetime) -> str | None:
    options = entry.options or {}
    since = _moment(options["valid-after"]) if "valid-after" in options else None
    until = _moment(options["valid-before"]) if "valid-before" in options else None
    if since and until and until <= since:
        raise ValueError("valid-before is not after valid-after")
    if "cert-authority" in options:
        return "cert-authority is for certificates, which are not supported; list the key itself"
    if "namespaces" in options and not _is_listed(NAMESPACE, options["namespaces"]):
        return f'it is for namespaces="{options["namespaces"]}", not for {NAMESPACE}'
    if since and now < since:
        return f"it is valid only after {since:%Y-%m-%d %H:%M:%S %Z}"
    if until and now > until:
        return f"it was valid only before {until:%Y-%m-%d %H:%M:%S %Z}"
    return None


def _moment(text: str) -> datetime:
    """YYYYMMDD[Z] or YYYYMMDDHHMM[SS][Z]; without Z in the local time zone (ssh-keygen(1))."""
    match = _DATE.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not a date: YYYYMMDD, or YYYYMMDDHHMM, with Z for UTC")
    naive = datetime(*(int(part or 0) for part in match.groups()[:6]))  # type: ignore[arg-type]
    return naive.replace(tzinfo=UTC) if match[7] else naive.astimezone()


def _is_listed(name: str, patterns: str) -> bool:
    """Whether a list of patterns takes the name: `*` and `?` are wild, and one with `!` that fits refuses."""
    found = False
    for pattern in patterns.split(","):
        bare = pattern.removeprefix("!")
        wild = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in bare)
        if re.fullmatch(wild, name):
            if bare != pattern:
                return False
            found = True
    return found


def _verify(content: bytes, armored: bytes, signature: SshsigSignature) -> None:
    """Raise NotApproved where the signature is not of this content."""
    from sshsig import check_signature

    if signature.hash_algo not in _HASHES:
        said = signature.hash_algo.decode("ascii", errors="replace")
        raise NotApproved(f"the signature rests on the digest {said!r}", hint=_AGAIN)
    kind = _kind(signature.public_key).decode("ascii", errors="replace")
    try:
        # The library is content with a length that reaches beyond the end.
        _strings(signature.signature)
        if kind.startswith("ecdsa-sha2-"):
            _verify_ecdsa(content, signature)
        else:
            check_signature(content, armored, NAMESPACE)
    except NotImplementedError:
        hint = "sign with a key of type ed25519, ecdsa or rsa"
        raise NotApproved(f"keys of type {kind} are not supported", hint=hint) from None
    except ReconcileError:
        raise
    except Exception:
        # Whatever a library makes of bytes that somebody tampered with: it is no proof.
        message = "the signature is not of this file: the plan was changed after it was signed"
        raise NotApproved(message, hint=f"look at what changed, then {_AGAIN}") from None


def _verify_ecdsa(content: bytes, signature: SshsigSignature) -> None:
    """The same for the curves of NIST, which sshsig leaves out (RFC 5656, 3.1). Raises anything."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, utils
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key
    from sshsig.sshsig import SshsigWrapper

    kind = _kind(signature.public_key)
    key = load_ssh_public_key(kind + b" " + base64.b64encode(signature.public_key))
    said, numbers = _strings(signature.signature)
    digest = {b"256": hashes.SHA256(), b"384": hashes.SHA384(), b"521": hashes.SHA512()}[kind[-3:]]
    if said != kind or not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("the signature is not of the key's type")
    first, second = (int.from_bytes(number, "big", signed=True) for number in _strings(numbers))
    encoded = utils.encode_dss_signature(first, second)
    hashed = hashlib.new(signature.hash_algo.decode(), content).digest()
    signed = SshsigWrapper(namespace=signature.namespace, hash_algo=signature.hash_algo, hash=hashed)
    key.verify(encoded, signed.to_bytes(), ec.ECDSA(digest))


def _strings(blob: bytes) -> list[bytes]:
    """The strings that make up the whole of it (RFC 4251, 5). Raises ValueError where they do not."""
    found, at = [], 0
    while at < len(blob):
        end = at + 4 + int.from_bytes(blob[at : at + 4], "big")
        if end > len(blob):
            raise ValueError("a string is cut short")
        found.append(blob[at + 4 : end])
        at = end
    return found


def _kind(key: bytes) -> bytes:
    """The type at the front of a public key's bytes, as RFC 4253 (6.6) has it."""
    return key[4 : 4 + int.from_bytes(key[:4], "big")][:64]


def _fingerprint(key: bytes) -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def _brief(error: Exception) -> str:
    """What is wrong in a line, without the line."""
    if isinstance(error, binascii.Error):
        return "the key is not in base64"
    return str(error).partition(" ('")[0] or "it is cut short"
