"""Real keys, made for one test: two age recipients, an Ed25519 signing key, a digest key."""

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pyrage import x25519

from dr.errors import Damaged, Refused


class TestKeys:
    """`dr.model.ports.Keyring`. `can_read=False`: a backup host, which has no drill key."""

    __test__ = False

    def __init__(self, *, seed: str = "a", can_read: bool = True) -> None:
        self._drill = x25519.Identity.generate()
        self.escrow = x25519.Identity.generate()
        self._can_read = can_read
        self._signing = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest())
        self.recipients: tuple[str, ...] = (str(self._drill.to_public()), str(self.escrow.to_public()))

    @property
    def public(self) -> Ed25519PublicKey:
        return self._signing.public_key()

    def digest_key(self) -> bytes:
        return b"digest key for tests............"

    def identity(self) -> str:
        if not self._can_read:
            raise Refused("this home has no drill key")
        return str(self._drill)

    def sign(self, data: bytes) -> bytes:
        return self._signing.sign(data)

    def verify(self, data: bytes, signature: bytes) -> None:
        try:
            self.public.verify(signature, data)
        except InvalidSignature:
            raise Damaged("no trusted key made the signature") from None


class CredulousKeys(TestKeys):
    """The guard switched off: believes every signature."""

    def verify(self, data: bytes, signature: bytes) -> None:
        return None
