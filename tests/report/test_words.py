import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fedsoft.analysis.conclusions import Conclusion
from fedsoft.analysis.digest import Digest, digest
from fedsoft.config import Endpoint
from fedsoft.report.gallery import plates
from fedsoft.report.page import page
from fedsoft.report.shown import with_results
from fedsoft.report.words import cell_verdicts, data_line, headline, verdict_notes, verdict_sentence
from fedsoft.streams import stream
from fedsoft.study.opened import reopen_study


def conclusion(verdict: str, **changes: object) -> Conclusion:
    found = Conclusion({}, 0.0182, -0.0121, 0.0486, verdict, None, 0.0407, 5, {})
    return dataclasses.replace(found, **changes)  # type: ignore[arg-type]


ENDPOINT = Endpoint(stratum="hardest_fifth")


def test_undecided_says_what_the_study_could_have_seen() -> None:
    assert verdict_sentence(conclusion("undecided at this size"), ENDPOINT, "simulated crowd") == (
        "Undecided at this size: human_soft_mode_matched − hard is +0.018 Brier score (95 % interval "
        "−0.012 to 0.049) on the hardest fifth at equal mean confidence, the baseline's, measured against "
        "the label, under fedavg; the smallest effect this study could have seen is 0.041."
    )


def test_undecided_says_where_nothing_could_have_been_seen() -> None:
    sentence = verdict_sentence(conclusion("undecided at this size", smallest=2.1), ENDPOINT, "human votes")
    assert sentence.endswith("; of effects none could have been seen by this study, however large.")
    nll = Endpoint(metric="nll")  # which has no bound
    assert verdict_sentence(conclusion("undecided at this size", smallest=2.1), nll, "x").endswith(
        "is 2.100."
    )


@pytest.mark.parametrize("verdict", ["better", "worse", "as good"])
def test_the_verdict_comes_first(verdict: str) -> None:
    sentence = verdict_sentence(conclusion(verdict), ENDPOINT, "human votes")
    assert sentence.startswith(f"{verdict.capitalize()}: ")
    assert ("margin of ±0.005" in sentence) == (verdict == "as good")


def test_people_are_called_what_they_are() -> None:
    endpoint = Endpoint(reference="vote")
    assert "a vote of the simulated crowd" in verdict_sentence(
        conclusion("better"), endpoint, "simulated crowd"
    )
    assert "a vote of the people" in verdict_sentence(conclusion("better"), endpoint, "human votes")


def test_undefined_intervals_are_words() -> None:
    found = conclusion(
        "undecided at this size", estimate=math.nan, low=math.nan, high=math.nan, smallest=math.nan
    )
    assert verdict_sentence(found, ENDPOINT, "human votes").count("not enough data") == 3


def test_a_grid_is_counted(result: Digest) -> None:
    cells = [
        conclusion("better", axes={"privacy.labels.epsilon": 1.0}),
        conclusion("as good", axes={"privacy.labels.epsilon": 2.0}),
        conclusion("better", axes={"privacy.labels.epsilon": math.inf}),
    ]
    grid = dataclasses.replace(result, conclusions=cells)
    assert headline(grid).startswith("Of 3 cells of the grid, better in 2, as good in 1: human_soft − hard")
    assert cell_verdicts(grid)[2].startswith("privacy.labels.epsilon = ∞: Better: ")
    assert any("Holm-adjusted over the 3 cells" in note for note in verdict_notes(grid))


def test_without_results_there_is_no_verdict(result: Digest) -> None:
    assert "not enough data" in headline(dataclasses.replace(result, conclusions=[]))


def test_the_data_line_names_the_crowd(result: Digest) -> None:
    assert data_line(result) == (
        "Data: digits, 1,797 images in 10 classes (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), simulated crowd, 18 votes "
        "each. 3 clients, partition iid. Seeds 0, 1. One of 5 folds of the images is held out in turn, "
        "stratified by label. Intervals are over images and seeds; those against a vote also over the 18 "
        "people who judge."
    )


@pytest.fixture(scope="module")
def two_datasets(run_tiny: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Digest:
    """The tiny study on simulated people's digits, then on answers of real people."""
    folder = tmp_path_factory.mktemp("real")
    rng = stream("real people")
    labels = np.arange(90) % 3
    votes = rng.multinomial(5, np.ones(3) / 3, 90)
    np.savez(folder / "real.npz", features=rng.random((90, 4)), labels=labels, votes=votes)
    own = {"name": "npz", "path": str(folder / "real.npz"), "labels_are": "independent"}
    made = run_tiny(
        grid={"dataset": ["digits", own]}, sources=["hard", "human_soft"], strategies=["fedavg"], rounds=1,
        endpoint={"source": "human_soft", "reference": "vote"},
    )  # fmt: skip
    return digest(reopen_study(made))


def test_people_of_a_cell_are_called_as_the_cells_data_say(two_datasets: Digest) -> None:
    digits, real = with_results(two_datasets)
    assert digits.against("vote") == "a vote of the simulated crowd"
    assert real.against("vote") == "a vote of the people"
    assert real.crowd == "a vote (human votes)"
    assert "simulated" not in " ".join(plate.caption for plate in plates(real))
    first, second = cell_verdicts(two_datasets)
    assert "a vote of the simulated crowd" in first
    assert "a vote of the people," in second
    assert "a vote of the people, some of them simulated" in headline(two_datasets)
    assert data_line(two_datasets).startswith(
        "Data (the first of 2 datasets): digits, 1,797 images in 10 classes (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), "
        "simulated crowd, 18 votes"
    )
    detail = page(two_datasets).partition("In detail: dataset = npz")[2].partition("<h2>People")[0]
    assert "human votes" in detail
    assert "simulated" not in detail
