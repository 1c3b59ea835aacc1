"""Evidence from small tables."""

from collections.abc import Callable

import numpy as np
import pytest

from fedsoft.supervision import Evidence


@pytest.fixture(scope="session")
def evidence() -> Callable[..., Evidence]:
    """Builds evidence whose arrays refuse to be written to; its soft labels are the vote shares."""

    def build(
        votes: list[list[int]],
        labels: list[int],
        client: list[int] | None = None,
        predictions: list[list[float]] | None = None,
    ) -> Evidence:
        counts = np.asarray(votes, dtype=np.int64)
        parts = {
            "labels": np.asarray(labels),
            "client": np.zeros(len(labels), dtype=np.int64) if client is None else np.asarray(client),
            "votes": counts,
            "soft": counts / counts.sum(axis=1, keepdims=True),
            "predictions": None if predictions is None else np.asarray(predictions, dtype=float),
        }
        for array in parts.values():
            if array is not None:
                array.setflags(write=False)
        return Evidence(classes=counts.shape[1], **parts)

    return build
