"""Keys of clients, what two of them agree on, sealed shares, and masks from a cipher.

Keys are agreed on by X25519 (RFC 7748), derived by HKDF-SHA256 (RFC 5869), shares are sealed by
ChaCha20-Poly1305 and masks are the key stream of ChaCha20 (RFC 8439). Every key is of one run and round, and
serves one purpose, so that no key stream and no nonce is used twice.
"""

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Self

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fedsoft.errors import EngineError
from fedsoft.federation.codes import ALTERED
from fedsoft.federation.secure.shamir import COEFFICIENT, SHARE, split
from fedsoft.streams import stream

KEY = 32
"""Bytes of every key, public ones too."""


class AlteredError(EngineError):
    """What a client was sent is not what another client wrote."""

    code = ALTERED


def derived(key: bytes, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose."""
    return HKDF(SHA256(), KEY, None, f"fedsoft secure sum: {purpose}".encode()).derive(key)


def key_stream(key: bytes, size: int) -> bytes:
    """The first bytes of ChaCha20's key stream; the key must be used for nothing else."""
    encryptor = Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None).encryptor()
    return encryptor.update(bytes(size))


def mask(key: bytes, size: int) -> np.ndarray:
    """(size,) uniform words of 32 bits."""
    return np.frombuffer(key_stream(key, 4 * size), dtype="<u4")


class KeyPair:
    """A private key with its public one."""

    def __init__(self, private: bytes) -> None:
        self.key = X25519PrivateKey.from_private_bytes(private)
        self.public = self.key.public_key().public_bytes_raw()


@dataclass(frozen=True)
class _Two:
    """Two keys, known by their public parts, so that either side's is the other's."""

    public: frozenset[bytes]
    own: KeyPair = field(compare=False)
    other: bytes = field(compare=False)


@lru_cache(maxsize=2**15)  # clients simulated in one process compute for each other what both would come to
def _agreed(two: _Two, purpose: str) -> bytes:
    return derived(two.own.key.exchange(X25519PublicKey.from_public_bytes(two.other)), purpose)


def agreed(own: KeyPair, other: bytes, purpose: str) -> bytes:
    """What two clients derive from their keys, each from its own private key and the other's public one."""
    return _agreed(_Two(frozenset((own.public, other)), own, other), purpose)


def pair_mask(own: KeyPair, other: bytes, size: int) -> np.ndarray:
    """(size,) the mask that two clients share: the lower number adds it, the higher subtracts it."""
    return mask(agreed(own, other, "mask of two"), size)


def own_mask(seed: bytes, size: int) -> np.ndarray:
    """(size,) the mask that is a client's own."""
    return mask(derived(seed, "mask of one"), size)


def commitment(seed: bytes) -> bytes:
    """What a client tells of the seed of its own mask, so that shares of it can be held to it."""
    return derived(seed, "commitment")


@dataclass(frozen=True)
class Told:
    """What a client lets all others know.

    Attributes:
        masking: public key of the masks that it shares with others.
        sealing: public key under which others seal shares for it.
        commitment: to the seed of its own mask.
    """

    masking: bytes
    sealing: bytes
    commitment: bytes


@dataclass(frozen=True)
class Secrets:
    """What a client keeps to itself in a round."""

    client: int
    root: bytes

    @classmethod
    @lru_cache(maxsize=2**12)  # each exchange asks for them
    def of(cls, run: str, seed: int, client: int, server_round: int, attempt: int = 0) -> Self:
        """Those of a client of a simulation, from a stream of each attempt at a round of a run."""
        source = stream("secure sum", run=run, seed=seed, client=client, round=server_round, attempt=attempt)
        return cls(client, source.bytes(KEY))

    @cached_property
    def masking(self) -> KeyPair:
        """The key of the masks that it shares with others."""
        return KeyPair(derived(self.root, "masking key"))

    @cached_property
    def sealing(self) -> KeyPair:
        """The key by which it opens what others seal for it."""
        return KeyPair(derived(self.root, "sealing key"))

    @cached_property
    def seed(self) -> bytes:
        """The seed of its own mask."""
        return derived(self.root, "seed")

    @property
    def told(self) -> Told:
        """What it lets all others know."""
        return Told(self.masking.public, self.sealing.public, commitment(self.seed))

    def shares(self, threshold: int, clients: list[int]) -> dict[int, tuple[bytes, bytes]]:
        """For each client a share of the masking key, and one of the seed of the own mask."""
        points = [client + 1 for client in clients]
        key, seed = (
            split(secret, threshold, points, key_stream(derived(self.root, purpose), size))
            for size in [COEFFICIENT * (threshold - 1)]
            for secret, purpose in (
                (self.masking.key.private_bytes_raw(), "shares of the masking key"),
                (self.seed, "shares of the seed"),
            )
        )
        return {client: (key[client + 1], seed[client + 1]) for client in clients}

    def seal(self, shares: tuple[bytes, bytes], to: int, sealing: bytes) -> bytes:
        """Two shares that only another client, whose public key is ``sealing``, can open."""
        cipher = ChaCha20Poly1305(agreed(self.sealing, sealing, "shares"))
        return cipher.encrypt(_direction(self.client, to), b"".join(shares), None)

    def open(self, sealed: bytes, sender: int, sealing: bytes) -> tuple[bytes, bytes]:
        """The two shares that another client sealed for this one.

        Raises:
            AlteredError: it did not, or somebody changed them.
        """
        cipher = ChaCha20Poly1305(agreed(self.sealing, sealing, "shares"))
        try:
            both = cipher.decrypt(_direction(sender, self.client), sealed, None)
        except InvalidTag:
            raise AlteredError(
                f"the shares that client {sender} sealed for client {self.client} were changed on their way; "
                "find out by whom, and run again"
            ) from None
        return both[:SHARE], both[SHARE:]


def _direction(sender: int, recipient: int) -> bytes:
    """The nonce of a message between two clients, who have one key for both directions."""
    return sender.to_bytes(6, "little") + recipient.to_bytes(6, "little")
