"""The keys of a home: made once by `dr init`, read when used.

`keys/drill.agekey` decrypts (only where drills run), `keys/drill-*.agekey`, kept by `dr keys rotate`, what is older;
`keys/escrow.agekey.MOVE-OFFLINE` is to be carried away, `keys/signing.key` signs, `keys/signing.pub` is believed, `keys/digest.key` keys
the digests in an index, `keys/recipients.txt` lists the public age keys.
"""

from pathlib import Path

from dr.config.secrets import resolve_secret
from dr.disk import make_folder, write_new
from dr.errors import Damaged, Refused
from dr.model.inventory import Keys, SecretRef

FOLDER = "keys"
DRILL = "keys/drill.agekey"
ESCROW = "keys/escrow.agekey.MOVE-OFFLINE"
SIGNING = "keys/signing.key"
SIGNING_PUBLIC = "keys/signing.pub"
DIGEST = "keys/digest.key"
RECIPIENTS = "keys/recipients.txt"


class HomeKeys:
    """See `dr.model.ports.Keyring`. `borrowed`: an age identity that a person brought, in place of the home's own."""

    def __init__(self, home: Path, keys: Keys, *, borrowed: str | None = None) -> None:
        self._home = home
        self._keys = keys
        self._borrowed = borrowed
        self.recipients: tuple[str, ...] = keys.recipients

    def digest_key(self) -> bytes:
        """See `digest_key`."""
        return digest_key(self._home)

    def identity(self) -> str:
        """The line of the file that is the identity, then those of the kept ones. Raises Refused where this home has none."""
        if self._borrowed is not None:
            return self._borrowed
        if self._keys.identity is None:
            hint = "backups are read where the drill key is: write organisation.keys.identity there"
            raise Refused("this home has no drill key, so it cannot read backups", hint=hint)
        current = read_identity(self._keys.identity, self._home, place(self._keys.identity))
        kept = [read_identity(SecretRef(file=name), self._home, name) for name in kept_drill_keys(self._home)]
        return "\n".join([current, *kept])

    def sign(self, data: bytes) -> bytes:
        """The raw 64 bytes of Ed25519. Raises Refused if the key is not to be had."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        pem = resolve_secret(self._keys.signing, self._home).encode()
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError):
            raise Refused("the signing key cannot be read", hint="it is an unencrypted Ed25519 key in PEM, as dr init makes it") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise Refused("the signing key is not an Ed25519 key", hint="bring this home's own back from a backup")
        return key.sign(data)

    def verify(self, data: bytes, signature: bytes) -> None:
        """Raises Damaged if no trusted key made it, Refused if a trusted key cannot be read."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        for name in self._keys.trusted:
            try:
                key = load_pem_public_key((self._home / name).read_bytes())
            except (OSError, ValueError):
                raise Refused(f"the trusted key {name} cannot be read", hint="it is an Ed25519 public key in PEM, below the home") from None
            if not isinstance(key, Ed25519PublicKey):
                raise Refused(f"the trusted key {name} is not an Ed25519 key", hint="keys/signing.pub is one, as dr init makes it")
            try:
                key.verify(signature, data)
            except InvalidSignature:
                continue
            return
        raise Damaged(
            "the signature was made by none of the trusted keys", hint="organisation.keys.trusted lists whose signatures are believed"
        )


def digest_key(home: Path) -> bytes:
    """The home's own secret of 32 bytes. Raises Refused if it is not there, is readable by others, or is not 64 hex digits."""
    text = resolve_secret(SecretRef(file=DIGEST), home)
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise Refused(f"{DIGEST} is not 64 hex digits", hint="bring the home's own back from a backup; a new one matches no earlier set")
    return key


def read_identity(ref: SecretRef, home: Path, what: str) -> str:
    """The line of a file (0600) that is an age identity. Raises Refused, naming it by `what`."""
    lines = [line.strip() for line in resolve_secret(ref, home).splitlines()]
    found = next((line for line in lines if line.startswith("AGE-SECRET-KEY-")), None)
    if found is None:
        raise Refused(f"{what} holds no age identity", hint="it is the line that begins with AGE-SECRET-KEY-")
    return found


def place(ref: SecretRef) -> str:
    """Where a secret is kept, by name."""
    return ref.file or (f"environment variable {ref.env}" if ref.env else f"credential '{ref.credential}'")


def kept_drill_keys(home: Path) -> list[str]:
    """The drill keys of earlier times, newest first: what they opened stays readable."""
    return sorted((f"{FOLDER}/{path.name}" for path in (home / FOLDER).glob("drill-*.agekey")), reverse=True)


def public_half(identity: str) -> str:
    """The recipient of an age identity. Raises Refused if it is none that is whole."""
    from pyrage import IdentityError, x25519

    try:
        return str(x25519.Identity.from_str(identity).to_public())
    except IdentityError:
        raise Refused("this is no age identity that is whole", hint="was a character lost when it was copied?") from None


def fingerprint(public: Path) -> str:
    """SHA-256 of a public key's raw bytes, in groups of eight digits, as a person copies them to paper; the same as in evidence files."""
    from hashlib import sha256

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

    digits = sha256(load_pem_public_key(public.read_bytes()).public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()
    return " ".join(digits[at : at + 8] for at in range(0, len(digits), 8))


def make_keys(home: Path) -> dict[str, str]:
    """Make what is missing of the home's keys, 0600 in a 0700 folder; one that is there is never replaced.

    Gives back the public age keys as `drill` and `escrow`, and the path of every key file that is new by its name.
    """
    make_folder(home / FOLDER)
    known = noted_recipients(home)
    made: dict[str, str] = {}
    public = {label: _age_key(home, label, name, known, made) for label, name in (("drill", DRILL), ("escrow", ESCROW))}
    _write_recipients(home, public, made)
    _signing_key(home, made)
    _digest_key(home, made)
    return public | made


def noted_recipients(home: Path) -> dict[str, str]:
    """What an earlier call wrote down: the escrow key itself may be far away by now."""
    path = home / RECIPIENTS
    lines = path.read_text().splitlines() if path.is_file() else []
    return {label: key for label, _, key in (line.partition(" ") for line in lines) if key.startswith("age1")}


def _age_key(home: Path, label: str, name: str, known: dict[str, str], made: dict[str, str]) -> str:
    path = home / name
    if path.is_file():
        return public_half(read_identity(SecretRef(file=name), home, name))
    if label in known:
        return known[label]
    text = new_age_key(label)
    write_new(path, text)
    made[name] = str(path)
    return public_half(text.decode().splitlines()[-1])


def new_age_key(label: str) -> bytes:
    """A fresh age identity, as its file holds it."""
    from pyrage import x25519

    identity = x25519.Identity.generate()
    return f"# the {label} key of this home's backups\n# public key: {identity.to_public()}\n{identity}\n".encode()


def new_signing_key(private: bytes | None = None) -> tuple[bytes, bytes]:
    """An Ed25519 pair in PEM, private and public; a fresh one, or that of a private key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key

    key = load_pem_private_key(private, password=None) if private else Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _write_recipients(home: Path, public: dict[str, str], made: dict[str, str]) -> None:
    text = "".join(f"{label} {key}\n" for label, key in public.items())
    if write_new(home / RECIPIENTS, text.encode(), 0o644):
        made[RECIPIENTS] = str(home / RECIPIENTS)


def _signing_key(home: Path, made: dict[str, str]) -> None:
    path = home / SIGNING
    if not path.is_file():
        if (home / SIGNING_PUBLIC).is_file():
            return  # a home that only verifies
        write_new(path, new_signing_key()[0])
        made[SIGNING] = str(path)
    if write_new(home / SIGNING_PUBLIC, new_signing_key(path.read_bytes())[1], 0o644):
        made[SIGNING_PUBLIC] = str(home / SIGNING_PUBLIC)


def _digest_key(home: Path, made: dict[str, str]) -> None:
    import secrets

    if not (home / DIGEST).is_file() and write_new(home / DIGEST, f"{secrets.token_hex(32)}\n".encode()):
        made[DIGEST] = str(home / DIGEST)
