"""Runs that train nothing: ensembles, calibrated runs, and the user's own models, all made of predictions."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fedsoft.errors import DataError
from fedsoft.evaluation import BySums, Calibrator, Exchanges, onehot
from fedsoft.evaluation.calibrators import Calibration, Temperature
from fedsoft.evaluation.private_temperature import whole_example
from fedsoft.privacy import charge_calibration
from fedsoft.study.data import load_dataset
from fedsoft.study.dealing import NO_VALIDATION, client_labels, deal_data
from fedsoft.study.own_models import own_predictions
from fedsoft.study.settings import RunSettings
from fedsoft.study.store import Store
from fedsoft.study.votes import drawn_votes

PREDICTED = ("test", "validation")
FEWEST = 10
"""Validation examples of a client that a map of its own takes."""


def derive(settings: RunSettings, store: Store, device: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Average an ensemble's members, calibrate a run, or take the predictions of the user's own model.

    Returns:
        predictions as a run stores them, and what they cost: seconds and bytes of all parts together; the
        votes behind the targets, which members share, and those that a calibrator is fitted to; what crosses
        where that is fitted by sums, and how many clients have a map of their own where each may. A model of
        the user's own costs nothing here, and has no targets.

    Raises:
        StoreError: a part is not done.
        DataError: there is nothing to fit a calibrator to, or an own model lacks a prediction.
    """
    if settings.kind == "given":
        data = load_dataset(settings.dataset)
        free = {
            "votes_bought": 0,
            "privacy": {},
            "targets": {},
            "softness": {},
            "quality": {},
            "seconds": 0.0,
            "bytes_sent": 0,
        }
        return own_predictions(settings, data, deal_data(settings, data)), free | {"crowd": data.crowd}
    parts = settings.parts()
    made = [store.predictions(part.key, PREDICTED) for part in parts]
    records = [store.record(part.key) for part in parts]
    cost = {name: records[0][name] for name in ("votes_bought", "privacy", "targets", "crowd")}
    cost |= {name: records[0].get(name, {}) for name in ("quality", "softness")}  # earlier versions have none
    cost |= {name: sum(record[name] for record in records) for name in ("seconds", "bytes_sent")}
    if settings.calibration is None:
        return average(made), cost
    if "validation" not in made[0]:
        raise DataError(NO_VALIDATION)
    rows = made[0]["validation_rows"]
    if settings.calibration.on == "vote":
        classes = drawn_votes(settings, rows)
        cost["votes_bought"] += int(load_dataset(settings.dataset).voted[rows].sum())
    else:
        classes = client_labels(settings, load_dataset(settings.dataset))[rows]
    if isinstance(settings.calibration, Temperature) and settings.calibration.epsilon is not None:
        cost["privacy"] = charged(settings, settings.calibration, cost["privacy"], rows)
        draw = partial(settings.calibration.draw, rng=settings.stream("votes", "private calibration"))
        return calibrate(draw, made[0], classes, device), cost
    if settings.calibration.scope == "all":
        return calibrate(settings.calibration.fit, made[0], classes, device), cost
    validation = deal_data(settings, load_dataset(settings.dataset)).validation
    order = np.argsort(validation.rows)
    owner = validation.owner[order[np.searchsorted(validation.rows, rows, sorter=order)]]
    if isinstance(settings.calibration, BySums) and settings.calibration.scope == "federated":
        calibrated, crossed = calibrate_by_sums(settings.calibration, made[0], classes, owner, device)
        cost["bytes_sent"] += crossed["bytes_up"] + crossed["bytes_down"]
        return calibrated, cost | {"calibration": crossed}
    sizes = np.unique(owner, return_counts=True)[1]
    own = {"clients": len(sizes), "own": int((sizes >= FEWEST).sum())}
    calibrated = calibrate_clients(settings.calibration, made[0], classes, owner, device)
    return calibrated, cost | {"own_maps": own}


def charged(
    settings: RunSettings, calibration: Temperature, spent: Mapping[str, float | str], rows: np.ndarray
) -> dict[str, float | str]:
    """The privacy losses of a run, with that of a temperature drawn by validation examples (V,)."""
    dataset = load_dataset(settings.dataset)
    owner = deal_data(settings, dataset).validation.owner
    answered = np.array([len(rows)])  # were all one person's
    if dataset.annotations is not None:
        answers = dataset.annotations
        answered = np.bincount(answers.annotator[np.isin(answers.item, rows)], minlength=1)
    held = {"client": np.unique(owner, return_counts=True)[1], "annotator": answered}
    assert calibration.epsilon is not None, "one in the clear costs no ε"
    whole = whole_example(calibration.epsilon, calibration.pseudo, len(rows))
    return charge_calibration(spent, calibration.epsilon, whole, held)


def average(made: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The mean of several models' predictions on the same rows.

    Deep ensembles of Lakshminarayanan et al. 2017, arXiv:1612.01474.
    """
    means = {
        name: np.stack([m[name] for m in made]).mean(axis=0, dtype=np.float64).astype(np.float32)
        for name in PREDICTED
        if name in made[0]
    }
    return made[0] | means


def calibrate(
    fit: Callable[[Tensor, Tensor], Calibration],
    made: dict[str, np.ndarray],
    classes: np.ndarray,
    device: str,
) -> dict[str, np.ndarray]:
    """Predictions after the map that is fitted to those on validation examples, by classes (V,), these
    included."""
    probs = {name: torch.from_numpy(made[name]).to(device).double() for name in PREDICTED}
    reference = onehot(torch.from_numpy(classes).to(device), probs["validation"].shape[1])
    calibrated = fit(probs["validation"], reference)
    return made | {name: calibrated(p).float().cpu().numpy() for name, p in probs.items()}


def calibrate_clients(
    calibrator: Calibrator, made: dict[str, np.ndarray], classes: np.ndarray, owner: np.ndarray, device: str
) -> dict[str, np.ndarray]:
    """A map for each client, fitted to its own validation examples and applied to its own test examples.

    A client with fewer than ten validation examples takes the map of all.

    Args:
        calibrator: the kind of map.
        made: predictions of a run, with the client of each test example.
        classes: (V,) what validation predictions are fitted to.
        owner: (V,) the client of each validation example.
        device: where to compute.
    """
    result = calibrate(calibrator.fit, made, classes, device)
    for client in np.unique(owner):
        mine, tested = owner == client, made["test_client"] == client
        if mine.sum() >= FEWEST:
            part = {"validation": made["validation"][mine], "test": made["test"][tested]}
            own = calibrate(calibrator.fit, part, classes[mine], device)
            result["validation"][mine], result["test"][tested] = own["validation"], own["test"]
    return result


def calibrate_by_sums(
    calibrator: BySums, made: dict[str, np.ndarray], classes: np.ndarray, owner: np.ndarray, device: str
) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """One map for all clients, for which each tells no more than sums over its own validation examples.

    Nothing is trained here, so no client is started: each client's part is cut from the stored predictions.

    Args:
        calibrator: the kind of map.
        made: predictions of a run.
        classes: (V,) what validation predictions are fitted to.
        owner: (V,) the client of each validation example.
        device: where clients compute.

    Returns:
        the predictions after the map; and the clients that took part (those with validation examples), the
        exchanges with all of them, and the bytes that crossed: sums up; parameters, and the map itself, down.
    """
    probs = {name: torch.from_numpy(made[name]).to(device).double() for name in PREDICTED}
    reference = onehot(torch.from_numpy(classes).to(device), probs["validation"].shape[1])
    mine = [torch.from_numpy(np.flatnonzero(owner == client)).to(device) for client in np.unique(owner)]
    exchanges = Exchanges(calibrator.sums, [(probs["validation"][rows], reference[rows]) for rows in mine])
    numbers = calibrator.solve(reference.shape[1], exchanges)
    exchanges.send(numbers)
    calibrated = {name: calibrator.apply(p, numbers).float().cpu().numpy() for name, p in probs.items()}
    return made | calibrated, {
        "clients": len(mine),
        "exchanges": exchanges.number,
        "bytes_up": exchanges.bytes_up,
        "bytes_down": exchanges.bytes_down,
    }
