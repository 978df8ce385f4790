"""Who signed a commit or a tag, judged by return codes, status lines and fingerprints, never by words."""

from __future__ import annotations

import base64
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from secretsync.config.access import Verification
from secretsync.core.errors import SourceError
from secretsync.core.files import opened_regular
from secretsync.sources.environment import passed_on

_TIMEOUT = 30
_OPENPGP = b"-----BEGIN PGP SIGNATURE-----"
_SSH = b"-----BEGIN SSH SIGNATURE-----"
# RFC 4880, 9.4: MD5, SHA-1, RIPEMD-160.
_WEAK_HASHES = {"1": "MD5", "2": "SHA-1", "3": "RIPEMD-160"}


@dataclass(eq=False)
class SignatureRefused(SourceError):
    """What was to be signed is not, or not by whom it must be; *signed_object* is the commit or tag."""

    code = "signature_refused"
    reason = "has a signature that does not verify"
    remedy = "do not deploy it before you know why"

    signed_object: str
    detail: str = ""

    def __str__(self) -> str:
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.signed_object} {self.reason}{detail}; {self.remedy}"


class SignatureMissing(SignatureRefused):
    """The commit or tag has no signature."""

    code = "signature_missing"
    reason = "is not signed"
    remedy = "sign it, or change 'verify' of the package"


class SignatureBad(SignatureRefused):
    """The signature does not fit the content."""

    code = "signature_bad"
    reason = "was changed after it was signed"


class SignerUnknown(SignatureRefused):
    """The signature is by a key that the configuration does not name."""

    code = "signer_unknown"
    reason = "is signed by a key that is not among those of the configuration"
    remedy = "add the key to 'verify' of the package if its owner may publish the policy"


class SignatureExpired(SignatureRefused):
    """The key of the signature has expired."""

    code = "signature_expired"
    reason = "is signed by a key that has expired"
    remedy = "ask its owner to extend the key, and put the new public half into 'verify'"


class KeyRevoked(SignatureRefused):
    """The key of the signature was revoked."""

    code = "key_revoked"
    reason = "is signed by a key that was revoked"
    remedy = "ask its owner for a commit that is signed by a good key"


class SignatureWeak(SignatureRefused):
    """The signature is over a hash with known collisions (MD5, SHA-1, RIPEMD-160)."""

    code = "signature_weak"
    reason = "is signed over a hash that can be forged"
    remedy = "sign it again with SHA-256 or better"


class SignedForAnother(SignatureRefused):
    """The signed tag has another name than the ref that points to it."""

    code = "signed_for_another"
    reason = "is a signed tag, but one of another name"
    remedy = "somebody may serve an old release as a new one: do not deploy it before you know why"


@dataclass(eq=False)
class CannotVerify(SourceError):
    """A tool or a file that verifying needs is missing."""

    code = "cannot_verify"

    problem: str

    def __str__(self) -> str:
        return f"signatures cannot be verified: {self.problem}; install it, or correct 'verify' of the package"


@dataclass(frozen=True, slots=True)
class Signed:
    """A git object taken apart into what was signed and the signature."""

    payload: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def split_commit(raw: bytes) -> Signed:
    """A commit's signature is a header of its own, each further line of it indented by a space."""
    head, separator, message = raw.partition(b"\n\n")
    kept, signature, inside = [], [], False
    for line in head.split(b"\n"):
        inside = line.startswith((b"gpgsig ", b"gpgsig-sha256 ")) or (inside and line.startswith(b" "))
        if inside:
            signature.append(line.partition(b" ")[2])
        else:
            kept.append(line)
    return Signed(b"\n".join(kept) + separator + message, b"\n".join([*signature, b""]) if signature else b"")


def split_tag(raw: bytes) -> Signed:
    """A tag's signature is the end of its message."""
    positions = [raw.rfind(b"\n" + begin) for begin in (_OPENPGP, _SSH)]
    if max(positions) < 0:
        return Signed(raw, b"")
    return Signed(raw[: max(positions) + 1], raw[max(positions) + 1 :])


def confirm_tag_name(name: str, signed: Signed) -> None:
    """The signature covers the tag's name; a server could show it under another. Raises SignedForAnother."""
    header = signed.payload.partition(b"\n\n")[0].split(b"\n")
    if f"tag {name}".encode() not in header:
        raise SignedForAnother(f"tag {name}")


def verify(signed_object: str, signed: Signed, verification: Verification, base: Path) -> None:
    """Raises a SignatureRefused that tells the reason, or CannotVerify."""
    if signed.signature.startswith(_OPENPGP) and verification.openpgp_keys:
        _verify_openpgp(signed_object, signed, [base / key for key in verification.openpgp_keys])
    elif signed.signature.startswith(_SSH) and verification.allowed_signers:
        revoked = base / verification.revoked_keys if verification.revoked_keys else None
        _verify_ssh(signed_object, signed, base / verification.allowed_signers, revoked)
    elif signed.signature:
        raise SignerUnknown(signed_object, "'verify' names no key of this kind")
    else:
        raise SignatureMissing(signed_object)


def _verify_openpgp(signed_object: str, signed: Signed, keys: list[Path]) -> None:
    """With a keyring that lives as long as this call and holds the configured keys alone."""
    with tempfile.TemporaryDirectory(prefix="secretsync-") as home:
        gpg = ["gpg", "--homedir", home, "--batch", "--no-tty", "--no-autostart", "--status-fd", "1"]
        for key in keys:
            if not _is_readable(key) or _run([*gpg, "--import", str(key)]).returncode != 0:
                raise CannotVerify(f"{key} is no OpenPGP public key")
        signature, payload = Path(home) / "signature", Path(home) / "payload"
        signature.write_bytes(signed.signature)
        payload.write_bytes(signed.payload)
        # Whoever is in this keyring is trusted: the configuration says so.
        completed = _run([*gpg, "--trust-model", "always", "--verify", str(signature), str(payload)])
    _check_openpgp_status(signed_object, completed.returncode, completed.stdout.decode(errors="replace"))


def _is_readable(path: Path) -> bool:
    try:
        with opened_regular(path):
            return True
    except OSError:
        return False


def _check_openpgp_status(signed_object: str, status: int, lines: str) -> None:
    """gpg's status lines (doc/DETAILS); REVKEYSIG and EXPKEYSIG come with a VALIDSIG and must be asked first."""
    signature_status = {fields[1]: fields[2:] for line in lines.splitlines() if len(fields := line.split()) > 1}
    fingerprint = (signature_status.get("VALIDSIG") or [""])[0]
    if "REVKEYSIG" in signature_status:
        raise KeyRevoked(signed_object, fingerprint)
    if "EXPKEYSIG" in signature_status or "EXPSIG" in signature_status:
        raise SignatureExpired(signed_object, fingerprint)
    if "BADSIG" in signature_status:
        raise SignatureBad(signed_object)
    if "NO_PUBKEY" in signature_status:
        raise SignerUnknown(signed_object, signature_status["NO_PUBKEY"][0])
    for keyword, position in (("VALIDSIG", 7), ("ERRSIG", 2)):  # where each has the hash algorithm
        if weak := _WEAK_HASHES.get("".join(signature_status.get(keyword, [])[position : position + 1])):
            raise SignatureWeak(signed_object, weak)
    if status != 0 or "VALIDSIG" not in signature_status or "GOODSIG" not in signature_status:
        raise SignatureRefused(signed_object)


def _verify_ssh(signed_object: str, signed: Signed, signers: Path, revoked: Path | None) -> None:
    for path in (signers, *([revoked] if revoked else [])):
        if not _is_readable(path):
            raise CannotVerify(f"{path} is not there, or no file that can be read")
    with tempfile.TemporaryDirectory(prefix="secretsync-") as folder:
        signature = Path(folder) / "signature"
        signature.write_bytes(signed.signature)
        options = ["-n", "git", "-s", str(signature)]
        if _keygen(["check-novalidate", *options], signed.payload).returncode != 0:
            raise SignatureBad(signed_object)
        names = _keygen(["find-principals", "-f", str(signers), "-s", str(signature)], b"").stdout.decode().split("\n")
        attempts = [["verify", "-f", str(signers), "-I", name, *options] for name in filter(None, names)]
        accepted = [attempt for attempt in attempts if _keygen(attempt, signed.payload).returncode == 0]
        if accepted and revoked and _keygen([*accepted[0], "-r", str(revoked)], signed.payload).returncode != 0:
            raise KeyRevoked(signed_object)
    if not accepted and _is_listed(signers, signed.signature):
        raise SignatureExpired(signed_object, "or was not valid yet, says allowed_signers")
    if not accepted:
        raise SignerUnknown(signed_object)


def _is_listed(signers: Path, signature: bytes) -> bool:
    """Whether allowed_signers has the very key that made the signature (PROTOCOL.sshsig of OpenSSH)."""
    blob = base64.b64decode(b"".join(signature.split(b"\n")[1:]).partition(b"-----")[0])
    # "SSHSIG", a version of four bytes, then the public key with its length before it.
    length = int.from_bytes(blob[10:14])
    return base64.b64encode(blob[14 : 14 + length]).decode() in signers.read_text()


def _keygen(arguments: list[str], payload: bytes) -> subprocess.CompletedProcess[bytes]:
    return _run(["ssh-keygen", "-Y", *arguments], payload)


def _run(command: list[str], text: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            command,
            input=text,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
            env={**passed_on(), "LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise CannotVerify(f"there is no {command[0]!r} on PATH") from None
    except subprocess.TimeoutExpired:
        raise CannotVerify(f"{command[0]} did not end within {_TIMEOUT} s") from None
