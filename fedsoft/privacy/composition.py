"""What privacy losses on training examples and on validation examples come to together."""

from collections.abc import Mapping

import numpy as np

APART = ("vote", "image", "example")
"""Units that are in training or in validation, never in both: their losses compose in parallel."""
HELD = ("annotator", "client")
"""Units that may have answers in both: their losses add up."""


def charge_calibration(
    spent: Mapping[str, float | str],
    epsilon: float,
    held: Mapping[str, np.ndarray],
    whole: float | None = None,
) -> dict[str, float | str]:
    """The privacy losses of a run whose calibrator was fitted to validation answers with noise.

    Args:
        spent: losses of training by key, such as ``epsilon_per_vote_max``.
        epsilon: ε of the answer to one validation example.
        held: for each unit that may have answers in both, (U,) how many validation examples each of the units
            has a say in. Of several answers changed at once every one costs ε.
        whole: ε of a whole validation example, its input too, where training protects whole examples; else
            None.

    Returns:
        the same keys with what is spent together, and ``epsilon_calibration``. Means of units that are apart
        stay those of training.
    """
    total = dict(spent)
    for kind, each in (("", epsilon), ("model_", epsilon if whole is None else whole)):
        for unit in APART:
            if (key := f"{kind}epsilon_per_{unit}_max") in total:
                total[key] = max(float(total[key]), each)
        for unit in HELD:
            for name, over in (("max", np.max), ("mean", np.mean)):
                if (key := f"{kind}epsilon_per_{unit}_{name}") in total:
                    total[key] = float(total[key]) + each * float(over(held[unit]))
    return total | {"epsilon_calibration": epsilon}
