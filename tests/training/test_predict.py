"""Predictions of several models at once are those of each."""

import numpy as np
import pytest
import torch

from fedsoft.streams import stream
from fedsoft.training import MODELS, predict, predict_together

NETS = [{"name": "mlp", "hidden": [6]}, {"name": "cnn", "channels": [4, 8], "groups": 2}]


@pytest.mark.parametrize("net", NETS, ids=lambda net: net["name"])
@pytest.mark.parametrize("numbers", [1, 200, 2**25])
def test_models_predict_together_what_each_predicts_alone(net, numbers):
    model, rng = MODELS.parse(net), stream("predictions")
    inputs = torch.from_numpy(rng.integers(0, 256, (30, 1, 4, 4)).astype(np.uint8))
    rows = torch.from_numpy(np.stack([rng.permutation(30)[:11] for _ in range(5)]))
    models = [model.initial((1, 4, 4), 3, stream("w", model=k)) for k in range(5)]
    stacked = {name: torch.from_numpy(np.stack([one[name] for one in models])) for name in models[0]}
    found = predict_together(model, stacked, inputs, rows, numbers)
    assert found.shape == (5, 11, 3)
    for k in range(5):
        own = {name: value[k] for name, value in stacked.items()}
        torch.testing.assert_close(found[k], predict(model, own, inputs[rows[k]]), atol=1e-6, rtol=0)
