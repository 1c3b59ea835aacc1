"""Why a client's reply is an error: Flower's code of one that raised, and ours."""

FAILED = 2
"""Flower's: the client raised."""
NOT_FINITE = 102
"""Its update is not finite, and it therefore sends none."""
FAILING = 103
"""It fails because the scenario says so."""
UNCLIPPED = 104
"""Its update is not as private as promised, and it therefore sends none."""
ALTERED = 105
"""It was sent what another client did not write."""
