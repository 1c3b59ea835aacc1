"""Strategies beside each other: planted differences, identical strategies, luck of the partition."""

import csv
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import softmax

from fedsoft.analysis.contest import Contest, Measure, measures_of
from fedsoft.analysis.digest import digest
from fedsoft.analysis.learning import who_learned
from fedsoft.analysis.strategies import Comparison, compare_strategies
from fedsoft.analysis.values import Values
from fedsoft.config import Study, validate
from fedsoft.evaluation import critical_difference, crossed_effects, smallest_detectable
from fedsoft.holm import holm
from fedsoft.streams import stream
from fedsoft.study.data import load_dataset
from fedsoft.study.opened import OpenStudy, open_study

TABLE: dict[str, Any] = {
    "name": "contest",
    "dataset": "digits",
    "sources": ["hard", "human_soft"],
    "strategies": ["fedavg", "fedadam", {"name": "fedprox", "mu": 0.0}],
    "model": "linear",
    "rounds": 3,
    "seeds": [0, 1],
    "scenario": {"clients": 3},
    "training": {"lr": 0.5},
    "endpoint": {"source": "human_soft", "stratum": "hardest_fifth"},
}
NAMES = ["fedavg", "fedadam", "fedprox(mu=0.0)"]
IMAGES, SEEDS = 80, 8
BRIER = Measure("raw", "label", "brier", "all")


def study(**changes: Any) -> Study:
    return validate({**TABLE, **changes}, "contest.toml")


def contest(
    above: tuple[float, float, float] = (0, 0, 0), axes: dict[str, Any] | None = None,
    partition: float = 0.0, of_seed: float = 0.0, data: str = "digits", noise: float = 0.01,
) -> Contest:  # fmt: skip
    """Losses of .4 and what is said, with chance by image and seed, and by partition and seed."""
    image, seed = np.tile(np.arange(IMAGES), SEEDS), np.repeat(np.arange(SEEDS), IMAGES)
    place = str(axes or {})
    rng, chance = stream("contest", axes=place), stream("contest, seeds")
    drawn = partition * rng.normal(size=SEEDS) + of_seed * chance.normal(size=SEEDS)
    common = 0.4 + 0.1 * stream("contest, images").normal(size=IMAGES)[image]
    columns = common + np.array(above)[:, None] + noise * rng.normal(size=(3, len(image)))
    columns[1] += drawn[seed]
    columns[2] = columns[0] + above[2] - above[0]
    measures = measures_of(study())
    values = {measure: columns for measure in measures if measure.metric != "signed_gap"}
    blocks = np.array([columns[:, seed == one].mean(axis=1) for one in range(SEEDS)])
    return Contest(
        axes or {}, data, NAMES, values, image, image, seed, None, blocks, dict.fromkeys(values, NAMES), [],
        np.array([2.0, 4.0, 3.0]), np.ones(3),
    )  # fmt: skip


def compared(contests: list[Contest], **changes: Any) -> Comparison:
    found = compare_strategies(study(**changes), contests)
    assert found is not None
    return found


def test_the_endpoints_measure_comes_first_and_the_fixed_ones_always() -> None:
    own = Measure("equal_confidence", "label", "brier", "hardest_fifth")
    assert measures_of(study())[0] == own
    assert len(measures_of(study())) == 7  # the endpoint's is one of the fixed ones
    assert measures_of(study(endpoint=None))[0] == Measure("raw", "label", "brier", "all")
    view = {**TABLE["endpoint"], "view": "raw", "reference": "vote"}
    assert len(measures_of(study(endpoint=view))) == 8


def test_a_planted_difference_is_found_and_an_identical_strategy_is_zero() -> None:
    found = compared([contest(above=(0.0, 0.05, 0.0))])
    rows = {row.strategy: row for row in found.rows if row.measure == found.measures[0]}
    adam, same = rows["fedadam"], rows["fedprox(mu=0.0)"]
    assert adam.verdict == "worse"
    assert adam.low < 0.05 < adam.high
    assert adam.estimate == pytest.approx(adam.level - adam.usual)
    assert (same.estimate, same.low, same.high, same.smallest) == (0, 0, 0, 0)
    assert same.verdict == "nothing was compared"
    assert found.ranks.tolist() == [1.5, 3.0, 1.5]
    assert (found.reference, found.blocks, found.cells, found.data_sets) == ("fedavg", SEEDS, 1, 1)
    assert found.critical == critical_difference(3, 1)
    assert compared([contest(above=(0.0, -0.05, 0.0))]).rows[0].verdict == "better"


def test_intervals_are_adjusted_for_strategies_and_conditions() -> None:
    axes = [{"scenario.partition.alpha": alpha} for alpha in (0.1, 1.0)]
    contests = [contest((0, 0.004, 0.001), at, noise=0.05) for at in axes]
    contests[0].values[BRIER][2] += contests[1].values[BRIER][1] - contests[1].values[BRIER][0]
    found = compared(contests)
    assert found.cells == len(found.conditions) == 2
    rows = [row for row in found.rows if row.measure == BRIER]
    effects = []
    for one in contests:
        columns = one.values[BRIER]
        effects += [crossed_effects((mine - columns[0])[:, None], one.unit, one.seed) for mine in columns[1:]]
    se = np.array([one.se.item() for one in effects])
    assert [row.estimate for row in rows] == pytest.approx([one.estimate.item() for one in effects])
    assert [row.smallest for row in rows] == pytest.approx(
        smallest_detectable(se, SEEDS - 1, level=0.05 / 4)
    )  # four comparisons: two strategies in two conditions
    p = holm(np.array([one.p_values.item() for one in effects]))
    assert [row.low > 0 or row.high < 0 for row in rows if row.verdict != "as good"] == [
        bool(one < 0.05) for one, row in zip(p, rows, strict=True) if row.verdict != "as good"
    ]


def test_cells_that_redraw_chance_are_one_condition_in_the_mean() -> None:
    axes = [{"redraw.partition": number, "rounds": 3} for number in (0, 1, 2)]
    drawn = [contest((0, 0.03, 0), at, partition=0.05) for at in axes]
    found = compared(drawn)
    assert found.conditions == [{"rounds": 3}]
    means = [
        float((one.values[found.measures[0]][1] - one.values[found.measures[0]][0]).mean()) for one in drawn
    ]
    assert found.rows[0].estimate == pytest.approx(np.mean(means))
    assert found.blocks == 3 * SEEDS


def test_luck_is_the_partitions_or_the_seeds_as_planted() -> None:
    axes = [{"redraw.partition": number} for number in range(4)]

    def share(partition: float, of_seed: float) -> tuple[float, float, float]:
        cells = [contest((0, 0, 0), at, partition, of_seed) for at in axes]
        (luck, nothing) = compared(cells).luck
        assert (luck.strategy, nothing.strategy) == ("fedadam", "fedprox(mu=0.0)")
        assert np.isnan(nothing.share.estimate)
        return luck.share

    assert share(0.05, 0.0)[1] > 0.5
    assert share(0.0, 0.05)[2] < 0.1
    low, high = share(0.05, 0.05)[1:]
    assert low < 0.5 < high
    assert compared([contest()]).luck == []


def test_only_data_gathered_apart_count_as_data_sets() -> None:
    axes = [{"dataset": name} for name in ("digits", "lidc", "lidc 2")]
    kinds = ("digits", "lidc", "lidc")
    found = compared([contest((0, 0.1, 0), at, data=data) for at, data in zip(axes, kinds, strict=True)])
    assert (found.cells, found.data_sets) == (3, 2)
    assert found.critical == critical_difference(3, 2)


def test_seeds_that_train_on_people_of_their_own_count_by_the_sets() -> None:
    """Four sets of people whose differences go together: intervals are those of four units."""
    made = contest((0, 0.05, 0), of_seed=0.02)
    grouped = replace(made, sets=made.seed % 4)
    wide, usual = (next(row for row in compared([one]).rows) for one in (grouped, made))
    assert wide.estimate == usual.estimate
    assert wide.high - wide.low > usual.high - usual.low


def test_another_strategy_may_be_the_one_that_others_are_compared_with() -> None:
    contests = [contest((0.0, 0.05, 0.0))]
    usual = {row.strategy: row for row in compared(contests).rows if row.measure == BRIER}
    found = compare_strategies(study(), contests, "fedadam", ["fedavg", "fedadam"])
    assert found is not None
    assert (found.reference, found.strategies) == ("fedadam", ["fedavg", "fedadam"])
    (row,) = [row for row in found.rows if row.measure == BRIER]
    assert row.estimate == -usual["fedadam"].estimate
    assert row.verdict == "better"
    assert row.high < -usual["fedadam"].low  # one comparison, where there were two


def test_one_seed_decides_nothing() -> None:
    made = contest((0, 0.05, 0))
    first = made.seed == 0
    alone = Contest(
        {}, "digits", NAMES, {m: v[:, first] for m, v in made.values.items()}, made.image[first],
        made.unit[first], made.seed[first], None, made.blocks[:1], made.learned, [], made.seconds,
        made.bytes_sent,
    )  # fmt: skip
    adam = [row for row in compared([alone]).rows if row.strategy == "fedadam"]
    assert {row.verdict for row in adam} == {"undecided at this size"}


def test_only_models_that_forecast_alike_throughout_are_the_same() -> None:
    made = contest()
    nll = Measure("raw", "label", "nll", "all")
    made.values[nll] = made.values[nll].copy()
    made.values[nll][2, 0] += 1e-9  # fedprox, on one image in one seed
    rows = [row for row in compared([made]).rows if row.strategy == NAMES[2]]
    assert rows[0].estimate == 0
    assert {row.verdict for row in rows} == {"as good"}


def test_what_has_not_learned_gets_no_verdict_by_that_measure() -> None:
    made = contest((0, 0.05, -0.05))

    def verdicts(**learned: list[str]) -> list[tuple[str, tuple[str, ...]]]:
        beat = made.learned | {measure: learned.get(measure.metric, NAMES) for measure in made.learned}
        rows = compared([replace(made, learned=beat)], endpoint=None).rows
        return [(row.verdict, row.unlearned) for row in rows if row.measure == BRIER]

    assert verdicts() == verdicts(nll=[]) == [("worse", ()), ("better", ())]
    assert verdicts(brier=NAMES[:2]) == [("worse", ()), ("no verdict", (NAMES[2],))]
    assert verdicts(brier=NAMES[1:]) == 2 * [("no verdict", ("fedavg",))]


def test_whether_strategies_learned_is_judged_on_the_models_that_are_compared(tmp_path, run) -> None:
    """A step of next to nothing teaches nothing; that of the others does, against the class shares."""
    table = {**TABLE, "strategies": ["fedavg", {"name": "fedadam", "eta": 1e-9}], "endpoint": None}
    made = run(open_study(table, "contest.toml", tmp_path))
    found = digest(made).strategies
    assert found is not None
    assert [(row.verdict, row.unlearned) for row in found.rows if row.measure == BRIER] == [
        ("no verdict", ("fedadam(eta=1e-09)",))
    ]


@pytest.fixture(scope="module")
def opened(tmp_path_factory, run) -> OpenStudy:
    """The study, run."""
    made: OpenStudy = run(open_study(TABLE, "contest.toml", tmp_path_factory.mktemp("contest")))
    return made


def _excess(inverse: float, logits: np.ndarray, level: float) -> float:
    """Mean confidence at an inverse temperature, above a level."""
    return float(softmax(inverse * logits, axis=1).max(axis=1).mean() - level)


def test_equally_confident_strategies_are_at_the_mean_confidence_of_the_reference(opened) -> None:
    endpoint = {"source": "human_soft", "strategy": "fedadam"}
    other = open_study({**TABLE, "endpoint": endpoint}, "contest.toml", opened.store.root)
    found = digest(other).strategies
    assert found is not None
    assert found.measures[0] == Measure("equal_confidence", "label", "brier", "all")
    row = found.rows[0]
    assert (row.strategy, found.reference) == ("fedavg", "fedadam")
    differences = []
    for seed in (0, 1):
        avg, adam = (
            opened.store.predictions(one.key)
            for name in ("fedavg", "fedadam")
            for one in opened.plan.runs
            if (one.seed, one.source.label(), one.strategy.label()) == (seed, "human_soft", name)
        )
        logits, usual = np.log(avg["test"].astype(float)), adam["test"].astype(float)
        tempered = softmax(logits * brentq(_excess, 1e-3, 1e3, (logits, usual.max(axis=1).mean())), axis=1)
        label = np.eye(10)[load_dataset(other.plan.study.dataset).labels[avg["test_rows"]]]
        differences += [((tempered - label) ** 2).sum(1) - ((usual - label) ** 2).sum(1)]
    assert row.estimate == pytest.approx(np.concatenate(differences).mean(), abs=1e-5)


def test_strategies_of_a_study_on_their_own_predictions(opened) -> None:
    found = digest(opened).strategies
    assert found is not None
    with (opened.store.root / "strategies.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["strategy"] for row in rows[:2]] == NAMES[1:]
    assert {row["needs"] for row in rows} == {"nothing"}
    same = [row for row in rows if row["strategy"] == NAMES[2]]
    assert len(same) == 7
    assert {float(row[name]) for row in same for name in ("estimate", "low", "high")} == {0.0}
    assert {row["verdict"] for row in same} == {"nothing was compared"}
    assert found.ranks[0] == found.ranks[2]

    raw = next(row for row in found.rows if row.strategy == "fedadam" and row.measure.view == "raw")
    losses = {}
    for one in opened.plan.runs:
        if one.source.label() == "human_soft":
            made = opened.store.predictions(one.key)
            label = np.eye(10)[load_dataset(one.dataset).labels[made["test_rows"]]]
            losses[one.strategy.label(), one.seed] = ((made["test"].astype(float) - label) ** 2).sum(axis=1)
    each = {name: np.concatenate([losses[name, 0], losses[name, 1]]) for name in NAMES}
    assert raw.measure == BRIER
    assert raw.estimate == pytest.approx(np.mean(each["fedadam"] - each["fedavg"]), rel=1e-5)
    records = [
        opened.store.record(one.key)["seconds"]
        for one in opened.plan.runs
        if one.strategy.label() == "fedavg"
    ]
    assert found.seconds[0] == pytest.approx(np.mean(records))


def test_a_measure_asks_the_score_that_goes_with_it_who_learned(opened, monkeypatch) -> None:
    def by_all_but_nll(values: Values) -> dict[tuple[str, str, str], list[str]]:
        return {key: [] if key[2] == "nll" else NAMES for key in who_learned(values)}

    monkeypatch.setattr("fedsoft.analysis.contest.who_learned", by_all_but_nll)
    found = digest(opened).strategies
    assert found is not None
    rows = [row for row in found.rows if row.strategy == "fedadam"]
    assert {row.measure.metric for row in rows if row.verdict == "no verdict"} == {"nll"}
    assert {row.measure.metric for row in rows if row.verdict != "no verdict"} == {"brier", "signed_gap"}
