"""Writes what Crowd-Kit makes of a small crowd, for the tests to compare with.

It wants older packages than fedsoft, and large ones, so it has an environment of its own:

    python -m venv ENV && ENV/bin/pip install crowd-kit==1.4.2 'scikit-learn<1.6' fedsoft
    ENV/bin/python tests/annotators/reference/crowd_kit.py
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from crowdkit.aggregation import GLAD, MACE, DawidSkene, OneCoinDawidSkene, Wawa

from fedsoft.streams import stream

IMAGES, PEOPLE, CLASSES = 40, 8, 3


def crowd() -> np.ndarray:
    """(A, 3) image, annotator and class of each answer; no image is tied."""
    rng = stream("crowd-kit")
    true = np.arange(IMAGES) % CLASSES
    skill = np.linspace(0.05, 0.8, PEOPLE)
    rows = []
    for image in range(IMAGES):
        # Numbers appear in order (Crowd-Kit's MACE mixes them up otherwise), and no two classes tie.
        while True:
            people = np.arange(PEOPLE) if not image else np.sort(rng.choice(PEOPLE, 6, replace=False))
            right = rng.random(len(people)) < skill[people]
            label = np.where(right, true[image], rng.integers(0, CLASSES, len(people)))
            votes = np.sort(np.bincount(label, minlength=CLASSES))
            if votes[-1] > votes[-2] and (image or list(dict.fromkeys(label)) == list(range(CLASSES))):
                break
        rows += [(image, who, what) for who, what in zip(people, label, strict=True)]
    return np.array(rows)


MODELS = {
    "dawid_skene": lambda: DawidSkene(n_iter=600, tol=-1),
    "one_coin": lambda: OneCoinDawidSkene(n_iter=600, tol=-1),
    "wawa": Wawa,
    "mace": lambda: MACE(n_restarts=1, n_iter=300),
    # Its own tolerance compares a mean with a sum, and so ends after two steps.
    "glad": lambda: GLAD(n_iter=25, tol=-np.inf, m_step_max_iter=50, m_step_tol=1e-5),
}

if __name__ == "__main__":
    answers = crowd()
    found = {}
    for name, model in MODELS.items():
        table = pd.DataFrame(answers, columns=["task", "worker", "label"])
        shares = model().fit_predict_proba(table).reindex(index=range(IMAGES), columns=range(CLASSES))
        found[name] = shares.fillna(0).round(7).to_numpy().tolist()
    text = json.dumps({"answers": answers.tolist(), **found})
    Path(__file__).with_suffix(".json").write_text(text.replace("]], ", "]],\n") + "\n")
