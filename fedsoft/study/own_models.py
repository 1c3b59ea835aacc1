"""Runs of the user's own models, which answer as their predictions say."""

import numpy as np

from fedsoft.datasets import AnnotatedDataset
from fedsoft.errors import DataError
from fedsoft.scenarios import Deal
from fedsoft.study.settings import RunSettings


def own_predictions(settings: RunSettings, dataset: AnnotatedDataset, dealt: Deal) -> dict[str, np.ndarray]:
    """What a run of the user's own model leaves, as every run stores it.

    Raises:
        DataError: it has no prediction for an example that is tested, or that temperatures are fitted to.
    """
    assert settings.own is not None, "a run of the user's own model"
    who = settings.arm.label()
    rows = dataset.require_predictions(settings.own, f"rival {who!r}")
    parts = {"test": dealt.test.rows, "validation": dealt.validation.rows}
    lacking = {part: chosen[np.isnan(rows[chosen, 0])] for part, chosen in parts.items()}
    if any(len(some) for some in lacking.values()):
        words = " and ".join(
            f"{len(some):,} of {len(parts[part]):,} {part} {dataset.noun}"
            for part, some in lacking.items()
            if len(some)
        )
        first = dataset.item_name(int(np.concatenate(list(lacking.values()))[0]))
        raise DataError(
            f"rival {who!r} lacks a prediction for {words} (such as {first}), without which it cannot be "
            "compared; add them, or leave the rival out (a teacher can do with some)."
        )
    arrays: dict[str, np.ndarray] = {"test_client": dealt.test.owner.astype(np.int32)}
    for part, chosen in parts.items():
        if len(chosen):
            arrays[part] = rows[chosen].astype(np.float32)
            arrays[f"{part}_rows"] = chosen.astype(np.int32)
    return arrays
