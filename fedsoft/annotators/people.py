"""What is known of the people who gave single answers: whom they agree with, which classes they say."""

from dataclasses import dataclass

import numpy as np

from fedsoft.annotators.beside import Beside
from fedsoft.annotators.shares import Shares, shares
from fedsoft.annotators.standing_out import Standing, standing_out


@dataclass(frozen=True)
class People:
    """R people, by annotator number.

    Attributes:
        answers: (R,) answers given.
        agreement: of the others' answers to the same items, the share that is the same answer, on average
            over a person's answers to items that others answered too.
        others: (R,) how often two of these others gave the same answer to the same item; NaN where no item
            was answered by two others.
        guessing: (R,) the agreement of someone who answers each class as often as the whole crowd does,
            without looking.
        right: the share of answers that are the item's label; None where labels are the votes' own mode, or
            there are none.
        consistent: of the pairs of answers that a person gave to one item, the share that is the same answer;
            None where nobody answered an item twice.
        says: (R, C) share of each class among a person's answers.
        expected: (R, C) mean share of each class among the others' answers to the same items.
        standing: who stands out.
    """

    answers: np.ndarray
    agreement: Shares
    others: np.ndarray
    guessing: np.ndarray
    right: Shares | None
    consistent: Shares | None
    says: np.ndarray
    expected: np.ndarray
    standing: Standing

    def __len__(self) -> int:
        return len(self.answers)

    @property
    def blind(self) -> np.ndarray:
        """(R,) whether a person agrees with others less than chance explains, and no more than a guess."""
        found: np.ndarray = self.standing.less & (self.agreement.low <= self.guessing)
        return found


def people_of(
    item: np.ndarray,
    annotator: np.ndarray,
    label: np.ndarray,
    people: int,
    classes: int,
    labels: np.ndarray | None = None,
    repeated: np.ndarray | None = None,
) -> People:
    """Everybody beside the others who answered the same items.

    Of several answers of one person to one item the first counts.

    Args:
        item: (A,) index of the item answered.
        annotator: (A,) who answered it, from 0 to R - 1.
        label: (A,) the class answered.
        people: R.
        classes: C.
        labels: (N,) the items' labels, independent of these answers, -1 where there is none; None for no
            labels of that kind.
        repeated: (P, 4) item, annotator, class of an earlier answer, class of the later one.
    """
    _, first = np.unique(item * people + annotator, return_index=True)
    item, annotator, label = item[first], annotator[first], label[first]
    answers = np.bincount(annotator, minlength=people)
    beside = Beside.of(item, label, classes)
    met = beside.others > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        count = np.bincount(annotator[met], minlength=people)
        agreement = shares(np.bincount(annotator, beside.agreement, people), count)
        others = _means(annotator, beside.among_others, people)
        says = _by_class(annotator, label, np.ones(len(label)), people, classes) / answers[:, np.newaxis]
        of, share = beside.other_answers()
        expected = _by_class(annotator[of], beside.entry_class, share, people, classes) / count[:, np.newaxis]
    crowd = np.bincount(label, minlength=classes) / len(label)
    return People(
        answers=answers,
        agreement=agreement,
        others=others,
        guessing=expected @ crowd,
        right=None if labels is None else _right(item, annotator, label, people, labels),
        consistent=None if repeated is None or not len(repeated) else _consistent(repeated, people),
        says=says,
        expected=expected,
        standing=standing_out(beside, annotator, label, people, classes),
    )


def _right(
    item: np.ndarray, annotator: np.ndarray, label: np.ndarray, people: int, labels: np.ndarray
) -> Shares:
    known = labels[item] >= 0
    hits = np.bincount(annotator[known], label[known] == labels[item[known]], people)
    return shares(hits, np.bincount(annotator[known], minlength=people))


def _consistent(repeated: np.ndarray, people: int) -> Shares:
    same = np.bincount(repeated[:, 1], repeated[:, 2] == repeated[:, 3], people)
    return shares(same, np.bincount(repeated[:, 1], minlength=people))


def _means(annotator: np.ndarray, value: np.ndarray, people: int) -> np.ndarray:
    """(R,) mean over a person's answers for which a value is known."""
    known = ~np.isnan(value)
    total = np.bincount(annotator[known], value[known], people)
    mean: np.ndarray = total / np.bincount(annotator[known], minlength=people)
    return mean


def _by_class(
    annotator: np.ndarray, label: np.ndarray, weight: np.ndarray, people: int, classes: int
) -> np.ndarray:
    """(R, C) sums of weights."""
    return np.bincount(annotator * classes + label, weight, people * classes).reshape(people, classes)
