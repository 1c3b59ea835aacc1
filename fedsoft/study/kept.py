"""What a study keeps of its data, so that its results can be reported on where the data are not."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from fedsoft.datasets import DATASETS, AnnotatedDataset, Annotations, Dataset
from fedsoft.errors import StoreError
from fedsoft.files import content_hash, read_json, read_npz, write_json, write_npz
from fedsoft.study.data import content_of, give_dataset, load_dataset, predicted_of
from fedsoft.study.seal import hash_of

FOLDER = "data"
PREDICTED = "predicted_"
ANSWERS = ("item", "annotator", "label", "annotator_ids")
ARRAYS = ("labels", "votes", "groups", "item_ids", "held_out", "testable", "labelled", "repeated")
WORDS = (
    "name", "class_names", "crowd", "notes", "noun", "labels_are_majority", "groups_are", "attribution",
)  # fmt: skip


def keep_data(root: Path, choices: Iterable[Dataset]) -> None:
    """Write labels, votes, answers and predictions of datasets in files beside a study's results."""
    for choice in choices:
        if not (content := content_of(choice)):
            continue
        predicted = predicted_of(choice)
        file = root / FOLDER / f"{'-'.join([content, *predicted.values()])}.json"
        if file.exists():
            continue
        data = load_dataset(choice)
        arrays = {name: array for name in ARRAYS if (array := getattr(data, name)) is not None}
        if data.annotations:
            arrays |= {f"answers_{name}": getattr(data.annotations, name) for name in ANSWERS}
        arrays |= {PREDICTED + name: rows for name, rows in data.predictions.items()}
        write_npz(file.with_suffix(".npz"), {name: _plain(array) for name, array in arrays.items()})
        about = {
            "dataset": choice.dump(),
            "content": content,
            "predicted": predicted,
            "inputs": {"shape": list(data.inputs.shape), "dtype": str(data.inputs.dtype)},
            "told": sorted(data.told),
            **{name: getattr(data, name) for name in WORDS},
            "arrays": content_hash(file.with_suffix(".npz")),
        }
        write_json(file, {**about, "seal": hash_of(about)})


def _plain(array: np.ndarray) -> np.ndarray:
    """Text instead of objects, which are never stored."""
    return array.astype(str) if array.dtype == object else array


def give_kept(root: Path) -> list[str]:
    """Have this process use what a study's folder kept of datasets whose files are not here.

    Returns:
        A sentence on each such dataset.

    Raises:
        StoreError: what was kept is damaged.
    """
    told = []
    for file in sorted((root / FOLDER).glob("*.json")):
        about = read_json(file)
        if not isinstance(about, dict) or "seal" not in about:
            continue  # somebody else's
        arrays = file.with_suffix(".npz")
        seal = about.pop("seal")
        if seal != hash_of(about) or not arrays.is_file() or about["arrays"] != content_hash(arrays):
            raise StoreError(
                f"{file} or {arrays.name} beside it is not what the study kept of its data; delete both, and "
                "run the study again where the data are."
            )
        choice = DATASETS.parse(about["dataset"])
        if reason := choice.missing():
            give_dataset(choice, _read(file, about), about["content"], about["predicted"])
            told.append(
                f"{reason} What the study kept of the data is used: labels, votes, answers and predictions."
            )
    return told


def _read(file: Path, about: dict[str, Any]) -> AnnotatedDataset:
    made = read_npz(file.with_suffix(".npz"))
    answers = None
    if "answers_item" in made:
        answers = Annotations(*(made[f"answers_{name}"] for name in ANSWERS))
    inputs = np.broadcast_to(np.zeros(1, dtype=about["inputs"]["dtype"]), about["inputs"]["shape"])
    words = {name: about[name] for name in WORDS}
    known = {name: made[name] for name in ARRAYS if name in made}
    return AnnotatedDataset(
        inputs=inputs,
        annotations=answers,
        predictions={
            name.removeprefix(PREDICTED): rows for name, rows in made.items() if name.startswith(PREDICTED)
        },
        told=frozenset(about["told"]),
        **{**words, **known, "class_names": tuple(words["class_names"]), "notes": tuple(words["notes"])},
    )
