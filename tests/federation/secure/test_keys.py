"""Masks come from a cipher, are known to the two that share them, and never repeat."""

import itertools

import numpy as np
import pytest

from fedsoft.federation.secure.keys import (
    AlteredError,
    KeyPair,
    Secrets,
    agreed,
    commitment,
    key_stream,
    mask,
    own_mask,
    pair_mask,
)
from fedsoft.federation.secure.shamir import combine


def client(number, server_round=1, run="run", seed=0, attempt=0):
    return Secrets.of(run, seed, number, server_round, attempt)


def test_the_key_stream_is_chacha20s():
    """RFC 8439, appendix A.1, test vector 1."""
    expected = "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
    assert key_stream(bytes(32), 32).hex() == expected
    assert mask(bytes(32), 1)[0] == int.from_bytes(bytes.fromhex(expected[:8]), "little")


def test_two_agree_by_x25519():
    """The public key is that of RFC 7748, section 6.1."""
    alice = KeyPair(bytes(range(32)))
    bob = KeyPair(bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"))
    assert bob.public.hex() == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
    assert agreed(alice, bob.public, "any") == agreed(bob, alice.public, "any")
    assert agreed(alice, bob.public, "any") != agreed(alice, bob.public, "other")


def test_no_two_masks_are_alike():
    """Of no two pairs, rounds, runs, seeds or attempts, nor of one client and any pair."""
    masks = []
    for change in ({}, {"server_round": 2}, {"run": "other"}, {"seed": 1}, {"attempt": 1}):
        clients = [client(k, **change) for k in range(6)]
        masks += [own_mask(one.seed, 100) for one in clients]
        for one, other in itertools.combinations(clients, 2):
            masks.append(pair_mask(one.masking, other.told.masking, 100))
            np.testing.assert_array_equal(masks[-1], pair_mask(other.masking, one.told.masking, 100))
    words = np.concatenate(masks)
    assert len(np.unique(words)) == len(
        words
    )  # of 10 500 words two are alike with chance 1.3 %, and not here
    assert abs(words.mean() / 2**31 - 1) < 5 * 0.577 / np.sqrt(len(words))


def test_secrets_differ_by_purpose():
    told = client(3).told
    assert len({told.masking, told.sealing, told.commitment, client(3).seed, client(3).root}) == 5


def test_shares_are_for_one_pair_of_eyes():
    one, other, third = client(0), client(1), client(2)
    shares = one.shares(2, [0, 1, 2])
    sealed = one.seal(shares[1], 1, other.told.sealing)
    assert other.open(sealed, 0, one.told.sealing) == shares[1]
    assert all(share not in sealed for share in shares[1])
    altered = bytes([sealed[0] ^ 1]) + sealed[1:]
    with pytest.raises(AlteredError, match="shares that client 0 sealed for client 1 were changed"):
        other.open(altered, 0, one.told.sealing)
    with pytest.raises(AlteredError):
        third.open(sealed, 0, one.told.sealing)
    with pytest.raises(AlteredError):  # sent back to who sealed it
        one.open(sealed, 1, other.told.sealing)


def test_shares_give_both_secrets_back():
    one = client(4)
    shares = one.shares(3, [1, 4, 7, 9])
    some = [9, 1, 4]
    key = combine({k + 1: shares[k][0] for k in some})
    assert KeyPair(key).public == one.told.masking
    seed = combine({k + 1: shares[k][1] for k in some})
    assert seed == one.seed
    assert commitment(seed) == one.told.commitment
