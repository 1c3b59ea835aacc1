"""What privacy losses on training examples and on validation examples come to together."""

from collections.abc import Mapping

import numpy as np

APART = ("vote", "image", "example")
"""Units that are in training or in validation, never in both: their losses compose in parallel."""
HELD = ("annotator", "client")
"""Units that may have answers in both: their losses add up."""


def charge_calibration(
    spent: Mapping[str, float | str], epsilon: float, whole: float, held: Mapping[str, np.ndarray]
) -> dict[str, float | str]:
    """The privacy losses of a run whose calibrator was fitted to validation answers with noise.

    Args:
        spent: losses of labels and, by keys with ``model_``, of training, such as ``epsilon_per_vote_max``.
        epsilon: ε of the answer to one validation example.
        whole: ε of a whole validation example, its input too, as private training protects it.
        held: for each unit that may have answers in both, (U,) how many validation examples each of the units
            has a say in. Of several answers changed at once every one costs ε.

    Returns:
        the same keys with what is spent together, and ``epsilon_calibration``. Means of units that are apart
        stay those of training.
    """
    total = dict(spent)
    for kind, each in (("", epsilon), ("model_", whole)):
        for unit in APART:
            if (key := f"{kind}epsilon_per_{unit}_max") in total:
                total[key] = max(float(total[key]), each)
        for unit in HELD:
            for name, over in (("max", np.max), ("mean", np.mean)):
                if (key := f"{kind}epsilon_per_{unit}_{name}") in total:
                    total[key] = float(total[key]) + each * float(over(held[unit]))
    return total | {"epsilon_calibration": epsilon}
