"""Who judges: the known people behind the votes with which predictions are compared."""

from collections.abc import Collection

import numpy as np

from fedsoft.analysis.effects import HALF
from fedsoft.analysis.scores import vote_halves
from fedsoft.datasets import AnnotatedDataset, Annotations, Dataset
from fedsoft.evaluation import Judges
from fedsoft.streams import stream
from fedsoft.study.data import load_dataset


def judging_answers(data: AnnotatedDataset) -> Annotations | None:
    """The single answers to all items that may be tested; None where they, or who gave them, are not known.

    One person alone is nobody among whom to draw: of other people nothing is known then.
    """
    if data.annotations is None or data.judges is None or not data.counted:
        return None
    tested = data.may_be_tested[data.annotations.item]
    answers = Annotations(
        *(
            part[tested]
            for part in (data.annotations.item, data.annotations.annotator, data.annotations.label)
        )
    )
    return answers if len(np.unique(answers.annotator)) > 1 else None


def judges_of(choice: Dataset, rows: np.ndarray, references: Collection[str]) -> dict[str, Judges]:
    """Known people by the reference that their answers make up, on test examples of dataset rows (cells,).

    Empty where nobody is known. Which votes are the half that judges in strata is drawn as counts; whose
    these are is drawn here.
    """
    data = load_dataset(choice)
    answers = judging_answers(data)
    if answers is None:
        return {}
    found = {"vote": Judges.of(rows, answers.item, answers.label, answers.annotator, data.classes)}
    if HALF in references and (halves := vote_halves(data)):
        other = np.zeros((len(data), data.classes), dtype=np.int64)
        other[data.may_be_tested] = halves[1]
        kept = _chosen(answers, other, stream("whose half judges"))
        found[HALF] = Judges.of(
            rows, answers.item[kept], answers.label[kept], answers.annotator[kept], data.classes
        )
    return found


def _chosen(answers: Annotations, wanted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Places of answers drawn at random, so many (N, C) of each item and class."""
    named = answers.item * wanted.shape[1] + answers.label
    order = np.lexsort((rng.random(len(named)), named))
    rank = np.arange(len(named)) - np.searchsorted(named[order], named[order])
    return np.sort(order[rank < wanted.ravel()[named[order]]])
