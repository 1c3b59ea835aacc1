"""Named randomness: every draw in fedsoft comes from a generator that its purpose and key name."""

import hashlib
import json

import numpy as np

_spell = json.JSONEncoder(separators=(",", ":")).encode


def stream(purpose: str, /, **key: int | str) -> np.random.Generator:
    """The random generator for one purpose and key, the same in any process and in any order of calls.

    Args:
        purpose: what is drawn, for example ``"batch order"``.
        key: what the draw belongs to, for example ``seed=0, client=3, round=7``. Streams whose
            purpose or any part of the key differ are independent.
    """
    name = _spell([purpose, sorted(key.items())])
    words = np.frombuffer(hashlib.sha256(name.encode()).digest(), dtype=np.uint32)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))
