"""Shamir's secret sharing over a prime field.

Flower's (`flwr.common.secure_aggregation.crypto.shamir`) does the same over GF(2^128) in Python, which costs
about a second a round of 20 clients; and it tells a wrong secret by its padding, in 255 of 256 cases.
"""

from collections.abc import Mapping, Sequence

PRIME = 2**256 + 297
"""The first prime above 2^256: every secret of 32 bytes is less."""
SECRET, SHARE = 32, 33
"""Bytes of a secret and of a share."""
COEFFICIENT = 48
"""Random bytes of a coefficient: by 128 bits more than the prime has, so that it is as good as uniform."""


def split(secret: bytes, threshold: int, points: Sequence[int], randomness: bytes) -> dict[int, bytes]:
    """Shares of a secret of 32 bytes, so many of which give it back, and fewer of which say nothing.

    Args:
        secret: 32 bytes.
        threshold: of shares, at least 1.
        points: a positive number for each share.
        randomness: ``COEFFICIENT`` bytes for each share of the threshold but one, uniform and secret.

    Returns:
        for each point the value there of a polynomial of degree ``threshold`` - 1 that is the secret at 0.
    """
    if len(randomness) != COEFFICIENT * (threshold - 1):
        raise ValueError(f"{threshold - 1} coefficients of {COEFFICIENT} bytes, not {len(randomness)} bytes")
    if min(points) < 1 or len(set(points)) < len(points) or len(points) < threshold:
        raise ValueError("points are positive, distinct, and as many as the threshold")
    coefficients = [
        int.from_bytes(randomness[start : start + COEFFICIENT], "little") % PRIME
        for start in range(0, len(randomness), COEFFICIENT)
    ]
    constant, shares = int.from_bytes(secret, "little"), {}
    for point in points:
        value = 0
        for coefficient in coefficients:
            value = (value + coefficient) * point % PRIME
        shares[point] = ((value + constant) % PRIME).to_bytes(SHARE, "little")
    return shares


def weights_at_zero(points: Sequence[int]) -> list[int]:
    """Lagrange's weights: with them the values at ``points`` of a polynomial sum to its value at 0."""
    weights = []
    for point in points:
        above, below = 1, 1
        for other in points:
            if other != point:
                above, below = above * other % PRIME, below * (other - point) % PRIME
        weights.append(above * pow(below, -1, PRIME) % PRIME)
    return weights


def combine(shares: Mapping[int, bytes]) -> bytes:
    """The secret of 32 bytes that shares, by their points, were split from.

    Raises:
        ValueError: they are shares of no such secret. That they are too few, or of several secrets, is found
            nearly never here: who combines must hold the result to something known of the secret.
    """
    points = list(shares)
    terms = zip(weights_at_zero(points), shares.values(), strict=True)
    value = sum(weight * int.from_bytes(share, "little") for weight, share in terms) % PRIME
    if value >= 2 ** (8 * SECRET):
        raise ValueError("these are no shares of one secret")
    return value.to_bytes(SECRET, "little")
