import csv
from dataclasses import replace

import numpy as np
import pytest

from fedsoft.annotators.crowd import KnownCrowd, crowd_of
from fedsoft.annotators.krippendorff import Alpha
from fedsoft.datasets.annotated import AnnotatedDataset, Annotations
from fedsoft.report.figures import people as draw
from fedsoft.report.people_words import (
    alpha_line,
    differ_line,
    people_lines,
    spread_table,
    standing_table,
    write_people,
)
from fedsoft.streams import stream

ITEMS, PEOPLE, NAMES = 200, 9, ("cat", "dog", "owl")


def dataset(label: np.ndarray | None = None, **changes: object) -> AnnotatedDataset:
    """Nine people answer 200 items: person 0 guesses, person 1 always says owl, the others mostly agree."""
    rng = stream("nine people")
    truth = np.arange(ITEMS) % 3
    item, who = (some.ravel() for some in np.indices((ITEMS, PEOPLE)))
    if label is None:
        label = np.where(rng.random(len(item)) < 0.8, truth[item], rng.integers(0, 3, len(item)))
        label = np.where(who == 0, rng.integers(0, 3, len(item)), np.where(who == 1, 2, label))
    votes = np.zeros((ITEMS, 3), dtype=np.int64)
    np.add.at(votes, (item, label), 1)
    data = AnnotatedDataset(
        name="nine",
        inputs=np.arange(2.0 * ITEMS).reshape(ITEMS, 2),
        labels=truth,
        class_names=NAMES,
        votes=votes,
        crowd="real",
        annotations=Annotations(item, who, label, np.array(list("ABCDEFGHI"))),
    )
    return replace(data, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def crowd() -> KnownCrowd:
    found = crowd_of(dataset())
    assert found is not None
    return found


def test_lines(crowd: KnownCrowd) -> None:
    text = "\n".join(people_lines(crowd, "ALPHA"))
    assert "9 people, 200 answers each." in text
    assert "ALPHA" in text
    right = crowd.people.right
    assert right is not None
    assert f"An answer is the label {100 * right.share.mean():.0f} % of the time" in text
    assert "2 people agree less with the others than chance explains: " in text
    leaning = int(crowd.people.standing.says_more.any(axis=1).sum())
    assert f"{leaning} people answer some class more often than the others" in text
    assert people_lines(crowd, differ_first=True)[0] == differ_line(crowd)


def test_what_people_differ_in_most(crowd: KnownCrowd) -> None:
    assert "differ most in how often they agree with the others" in differ_line(crowd)
    assert crowd.differences is not None
    no_agreement = replace(crowd, differences=replace(crowd.differences, agreement=None))
    assert "differ most in how often they answer “owl”" in differ_line(no_agreement)
    says = no_agreement.differences.says
    says = [says[0], replace(says[1], low=0.1, high=0.9, beyond=True), says[2]]
    lean = replace(crowd, differences=replace(crowd.differences, agreement=None, says=says))
    assert "answer “dog”: of the 9 people with 20 answers or more, 10 % to 90 %" in differ_line(lean)
    assert "cannot be told" in differ_line(replace(crowd, differences=None))


def test_people_who_are_alike(crowd: KnownCrowd) -> None:
    rng = stream("alike")
    alike = crowd_of(
        dataset(np.where(rng.random(ITEMS * PEOPLE) < 0.7, np.repeat(np.arange(ITEMS) % 3, PEOPLE), 0))
    )
    assert alike is not None
    text = "\n".join(people_lines(alike))
    assert "Nobody stands out" in text
    assert "differ no more than people who are alike would" in text


def test_one_person_alone() -> None:
    truth = np.arange(ITEMS) % 3
    alone = dataset(annotations=Annotations(np.arange(ITEMS), np.zeros(ITEMS, dtype=int), truth))
    found = crowd_of(alone)
    assert found is not None
    assert people_lines(found) == [
        "1 person gave 200 answers. Nobody else gave any, so nothing can be said of people."
    ]


def test_the_table_of_those_who_stand_out(crowd: KnownCrowd) -> None:
    table, left = standing_table(crowd)
    assert left == 0
    rows = {row[0].text: row for row in table.rows}
    assert set(list(rows)[:2]) == {"A", "B"}
    assert "always “owl”" in rows["B"][-1].text
    assert rows["A"][-1].text.startswith("no better than guessing")
    assert len(table.columns) == len(rows["A"]) == 6
    majority = crowd_of(dataset(labels_are_majority=True))
    assert majority is not None
    assert len(standing_table(majority)[0].columns) == 5


def test_repeated_answers_give_self_consistency() -> None:
    repeated = np.array([[0, 2, 1, 1], [1, 2, 0, 0], [2, 3, 0, 2], [3, 3, 1, 1]])
    found = crowd_of(dataset(repeated=repeated))
    assert found is not None
    # Wilson: 3 of 4
    assert (
        "Of 4 pairs of answers by one person to one item, 3 are the same: 75 % (30 % to 95 %)."
        in people_lines(found)
    )


def test_alpha_in_words() -> None:
    items, both = Alpha(0.5, 0.4, 0.6, False), Alpha(0.5, 0.3, 0.65, True)
    text = alpha_line(items, both)
    assert "α is 0.500" in text
    assert "0.400 to 0.600 for other items, 0.300 to 0.650 for other items and other people" in text
    assert alpha_line(Alpha(np.nan, np.nan, np.nan, False), None) == ""
    assert "interval" not in alpha_line(Alpha(1.0, np.nan, np.nan, False))


def test_the_file_of_people_holds_every_figure(crowd: KnownCrowd, tmp_path) -> None:
    write_people(tmp_path / "people.csv", crowd)
    with (tmp_path / "people.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["annotator"] for row in rows] == list("ABCDEFGHI")
    np.testing.assert_allclose([float(row["agreement"]) for row in rows], crowd.people.agreement.share)
    np.testing.assert_allclose([float(row["says_owl"]) for row in rows], crowd.people.says[:, 2])
    assert rows[1]["stands_out"].endswith("always “owl”")


def test_the_spread_table_and_the_figure(crowd: KnownCrowd) -> None:
    table = spread_table(crowd)
    assert table is not None
    assert table.rows[0][0].text == "agrees with the others"
    assert len(table.rows) == 4
    figure = draw(crowd)
    assert figure is not None
    marks = [mark.get_offsets() for axes in figure.axes for mark in axes.collections]
    dots = [np.asarray(some) for some in marks if len(some)]
    drawn = np.concatenate(dots)[:, 0]
    for share in (*crowd.people.agreement.share, *crowd.people.says.ravel()):
        assert np.abs(drawn - share).min() < 1e-9
    assert draw(replace(crowd, differences=None)) is None
    assert spread_table(replace(crowd, differences=None)) is None
