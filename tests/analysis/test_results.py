import csv

import numpy as np
import pytest
import torch

from fedsoft.analysis.comparison import compare
from fedsoft.analysis.conclusions import conclude
from fedsoft.analysis.digest import digest
from fedsoft.analysis.effects import HALF, effects_of, example_values
from fedsoft.analysis.estimates import CONTRAST, estimate
from fedsoft.analysis.scores import score_seed, write_results
from fedsoft.analysis.scores import test_fold as score_fold
from fedsoft.analysis.values import gather, smallest_margin
from fedsoft.evaluation import METRICS, apply_temperature
from fedsoft.execution.conduct import run_study
from fedsoft.study.data import load_dataset
from fedsoft.study.opened import open_study


def rows_of(study):
    """What is written of a study's scores."""
    scored = [
        score_seed(cell, seed, study.store, "cpu") for cell in study.plan.cells for seed in cell.study.seeds
    ]
    write_results(study.plan, study.store, scored)
    with (study.store.root / "results.csv").open() as file:
        return list(csv.DictReader(file))


def test_results_are_tidy_and_right(finished):
    rows = rows_of(finished)
    columns = "dataset source strategy partition fold seed engine stratum client reference metric value"
    assert list(rows[0]) == columns.split()
    keys = {tuple(v for k, v in row.items() if k != "value") for row in rows}
    assert len(keys) == len(rows)  # one row a run × stratum × client × reference × metric
    one = finished.plan.runs[0]
    made = finished.store.predictions(one.key)
    labels = load_dataset(one.dataset).labels[made["test_rows"]]
    wanted = {"source": "hard", "strategy": "fedavg", "seed": "0", "stratum": "all", "client": "all"}
    found = {
        row["metric"]: float(row["value"])
        for row in rows
        if wanted.items() <= row.items() and row["reference"] == "label"
    }
    assert found["accuracy"] == pytest.approx(np.mean(made["test"].argmax(1) == labels))
    assert found["nll"] == pytest.approx(
        -np.log(made["test"][np.arange(len(labels)), labels]).mean(), rel=1e-5
    )
    assert {row["stratum"] for row in rows} == {"all", "unanimous", "middle", "hardest_fifth"}
    assert {row["fold"] for row in rows} == {"0", "1"}  # seed 6 holds out fold 1


def test_old_runs_are_left_out(tiny, tmp_path, run):
    run(open_study(tiny, "tiny.toml", tmp_path))
    tiny["sources"] = ["hard"]
    changed = open_study(tiny, "tiny.toml", tmp_path)
    assert {row["source"] for row in rows_of(changed)} == {"hard"}


def test_effects_are_the_designs(finished):
    controls = ["human_soft_mode_matched", "mass_only", "shuffled_mode_matched"]
    sources = ["hard", "human_hard", "human_soft", *controls]
    effects = {effect.name: effect.coefficients for effect in effects_of(sources, ["hard"])}
    np.testing.assert_array_equal(effects["amount"], [-1, 0, 0, 0, 1, 0])
    np.testing.assert_array_equal(effects["classes"], [0, 0, 0, 1, -1, 0])
    np.testing.assert_array_equal(effects["place"], [0, 0, 0, 1, 0, -1])
    np.testing.assert_array_equal(effects["mode"], [-1, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(effects["interaction"], [1, -1, 1, -1, 0, 0])
    np.testing.assert_array_equal(effects["softness"], effects["amount"] + effects["classes"])
    assert not set(effects_of(["hard", "teacher"], ["hard"])[0].name.split()) & {"amount", "mode"}
    crowd = ["hard", "human_soft", "human_soft_shrunk", "human_soft_denoised(slip_rate=0.05)"]
    effects = {effect.name: effect.coefficients for effect in effects_of(crowd, ["hard"])}
    np.testing.assert_array_equal(effects["sampling"], [0, 1, -1, 0])
    np.testing.assert_array_equal(effects["carelessness"], [0, 0, 1, -1])


def test_estimates_are_means_over_cells(finished):
    values = gather(finished.plan.cells[0], "fedavg", finished.store, "cpu")
    rows = {
        (row.name, row.view, row.reference, row.metric, row.stratum): row
        for row in estimate(values, "fedavg", ["hard"])
    }
    brier = values.values["raw", "label", "brier"]
    soft, hard = brier[values.sources.index("human_soft")], brier[values.sources.index("hard")]
    hardest = values.strata["hardest_fifth"]
    level = rows["hard", "raw", "label", "brier", "all"]
    assert level.estimate == pytest.approx(hard.mean())
    effect = rows["human_soft − hard", "raw", "label", "brier", "hardest_fifth"]
    assert effect.estimate == pytest.approx((soft - hard)[hardest].mean())
    assert effect.low < effect.estimate < effect.high
    contrast = rows["human_soft − hard", "raw", "label", "brier", CONTRAST]
    assert contrast.estimate == pytest.approx((soft - hard)[hardest].mean() - (soft - hard)[~hardest].mean())


@pytest.mark.parametrize("metric", ["nll", "kl"])
def test_a_zero_costs_an_effect_what_it_costs_the_metric(metric):
    probs = torch.tensor([[[1.0, 0.0], [0.3, 0.7], [1.0, 0.0]]])
    votes = torch.tensor([[0.5, 0.5], [0.2, 0.8], [0.0, 1.0]]).double()
    values = example_values(probs.double(), {"vote": votes})["vote", metric]
    assert float(values.mean()) == pytest.approx(float(METRICS.parse(metric)(probs[0], votes)), rel=1e-6)


def test_equal_confidence_is_equal_and_keeps_predictions(finished):
    values = gather(finished.plan.cells[0], "fedavg", finished.store, "cpu")
    gap, hit = (values.values["equal_confidence", "label", name] for name in ("signed_gap", "accuracy"))
    for seed in (0, 6):
        confidence = (gap + hit)[:, values.seed == seed].mean(axis=1)
        np.testing.assert_allclose(confidence, confidence[0], atol=1e-6)
    np.testing.assert_array_equal(hit, values.values["raw", "label", "accuracy"])


def test_a_shift_of_confidence_is_no_effect_at_equal_confidence(finished, monkeypatch):
    """Two sources whose predictions differ by one temperature have no effect left at equal confidence."""
    values = gather(finished.plan.cells[0], "fedavg", finished.store, "cpu")
    store = finished.store
    original = type(store).predictions

    def shifted(self, key, parts):
        made = original(self, finished.plan.runs[0].key if self.settings(key).seed == 0 else hard_six)
        if self.settings(key).source.label() == "human_soft":
            for part in ("test", "validation"):
                made[part] = apply_temperature(torch.from_numpy(made[part]).double(), 2.0).numpy()
        return made

    hard_six = next(r.key for r in finished.plan.runs if r.seed == 6 and r.source.label() == "hard")
    monkeypatch.setattr(type(store), "predictions", shifted)
    values = gather(finished.plan.cells[0], "fedavg", store, "cpu")
    hard, soft = values.sources.index("hard"), values.sources.index("human_soft")
    raw = values.values["raw", "label", "signed_gap"]
    assert abs((raw[soft] - raw[hard]).mean()) > 0.02
    for view in ("equal_confidence", "own_temperature"):
        for metric in ("signed_gap", "brier", "nll"):
            column = values.values[view, "label", metric]
            np.testing.assert_allclose(column[soft], column[hard], atol=1e-4)


def test_conclusions_are_adjusted_over_the_grid(tiny, tmp_path, run):
    tiny |= {
        "sources": ["hard", "human_soft"],
        "strategies": ["fedavg"],
        "endpoint": {"source": "human_soft", "baseline": "hard", "view": "raw", "margin": 0.001},
        "rounds": 8,
        "grid": {"training.lr": [0.3, 0.5, 0.8]},
    }
    study = run(open_study(tiny, "tiny.toml", tmp_path))
    endpoint = study.plan.study.endpoint
    compared = [
        compare(gather(cell, "fedavg", study.store, "cpu"), endpoint, cell.axes, None)
        for cell in study.plan.cells
    ]
    together = conclude(compared, endpoint)
    alone = [conclude([one], endpoint)[0] for one in compared]
    widths = [(c.high - c.low) / (a.high - a.low) for c, a in zip(together, alone, strict=True)]
    assert [c.axes["training.lr"] for c in digest(study).conclusions] == [0.3, 0.5, 0.8]
    assert max(widths) > 1.2  # with three cells, the least sure is not widened and the surest is
    assert min(widths) >= 0.99
    assert {row["training.lr"] for row in rows_of(study)} == {"0.3", "0.5", "0.8"}


def two_classes(top):
    top = torch.tensor(top, dtype=torch.float64)
    return torch.stack([top, 1 - top], dim=-1)


def test_margins_come_from_other_seeds_that_held_the_image_out():
    first = np.array([0, 1, 2, 3, 4]), two_classes([0.51, 0.9, 0.9, 0.9, 0.9])
    second = np.array([4, 3, 2, 1, 0]), two_classes([0.9, 0.6, 0.9, 0.9, 0.9])
    third = np.array([0, 1, 2, 3, 4]), two_classes([0.9, 0.9, 0.52, 0.9, 0.9])
    # seed 0 goes by the mean of seeds 5 and 10, where image 2 (0.9 and 0.52) is less sure than image 3
    masks = smallest_margin({0: first, 5: second, 10: third})
    found = [images[mask].tolist() for (images, _), mask in zip((first, second, third), masks, strict=True)]
    assert found == [[2], [0], [0]]


def test_an_image_without_another_seed_leaves_no_margin_stratum(finished):
    first, second = (np.arange(5), two_classes([0.6] * 5)), (np.arange(4), two_classes([0.6] * 4))
    assert smallest_margin({0: first, 5: second}) == []
    assert smallest_margin({0: first}) == []
    assert "smallest_margin" not in gather(finished.plan.cells[0], "fedavg", finished.store, "cpu").strata


def test_labels_only_are_cut_by_margin(tmp_path, tiny, run):
    labels = np.arange(200) % 3
    features = np.stack([labels, labels**2], axis=1) + np.arange(400).reshape(200, 2) % 7 / 5
    np.savez(tmp_path / "mine.npz", features=features.astype(np.float32), labels=labels)
    tiny |= {
        "dataset": {"name": "npz", "path": str(tmp_path / "mine.npz")},
        "sources": ["hard"],
        "strategies": ["fedavg"],
        "scenario": {"clients": 2},
        "seeds": [0, 5, 1, 6],
    }
    study = run(open_study(tiny, "tiny.toml", tmp_path / "out"))
    values = gather(study.plan.cells[0], "fedavg", study.store, "cpu")
    assert list(values.strata) == ["smallest_margin"]
    for seed in (0, 5, 1, 6):
        assert values.strata["smallest_margin"][values.seed == seed].sum() == 8  # of forty images
    assert {row.stratum for row in estimate(values, "fedavg", ["hard"])} == {
        "all",
        "smallest_margin",
        "larger_margin",
        "smallest_margin − rest",
    }


def test_doses_are_distances_between_targets(finished):
    by_stratum = digest(finished).cells[0].doses
    assert list(by_stratum) == ["all", "unanimous", "middle", "hardest_fifth"]
    for doses in by_stratum.values():
        np.testing.assert_allclose(doses, doses.T)
        np.testing.assert_array_equal(np.diag(doses), 0)
    assert (by_stratum["all"][~np.eye(4, dtype=bool)] > 0).all()
    with (finished.store.root / "doses.csv").open() as file:
        rows = [
            row for row in csv.DictReader(file) if (row["source"], row["other"]) == ("hard", "human_soft")
        ]
    assert {row["stratum"]: float(row["dose"]) for row in rows} == {
        stratum: doses[0, 1] for stratum, doses in by_stratum.items()
    }


def test_doses_by_stratum_by_hand(tmp_path, run):
    """Of ten images six are unanimous, two have one vote of four astray and two have two, dealt at random."""
    labels = np.arange(100) % 2
    astray = np.tile(np.repeat([0, 1, 2], [12, 4, 4]), 5)
    votes = np.zeros((100, 2), dtype=int)
    votes[np.arange(100), labels], votes[np.arange(100), 1 - labels] = 4 - astray, astray
    np.savez(tmp_path / "d.npz", features=np.eye(2)[labels], labels=labels, votes=votes)
    table = {
        "name": "doses",
        "dataset": {"name": "npz", "path": str(tmp_path / "d.npz")},
        "sources": ["hard", "human_soft"],
        "strategies": ["fedavg"],
        "model": "linear",
        "rounds": 1,
        "seeds": [0],
        "scenario": {"clients": 1},
    }
    doses = digest(run(open_study(table, "doses.toml", tmp_path / "out"))).cells[0].doses
    doses = {stratum: found[0, 1] for stratum, found in doses.items()}
    assert doses.pop("all") == pytest.approx(0.2 * 0.25 + 0.2 * 0.5, abs=0.05)
    assert doses == pytest.approx({"unanimous": 0, "middle": 0.25, "hardest_fifth": 0.5}, abs=0.05)


def test_no_vote_both_cuts_strata_and_judges_in_them(finished):
    """Of 18 votes one half is a vote within strata; with fewer than ten all votes do both."""
    run = finished.plan.runs[0]
    made = finished.store.predictions(run.key)
    fold = score_fold(run, made["test_rows"], made["test_client"], "cpu")
    votes = load_dataset(run.dataset).votes[made["test_rows"]]
    assert set(fold.references) == {"label", "mode", "vote", HALF}
    judged = fold.in_strata["vote"].numpy() * 9
    np.testing.assert_allclose(judged, judged.round(), atol=1e-9)
    cut = votes - judged.round()
    assert (cut >= 0).all()
    assert (cut.sum(axis=1) == 9).all()
    assert ((cut.max(axis=1) == 9) == fold.strata["unanimous"].numpy()).all()


def test_a_source_that_cannot_be_done_costs_no_other_its_doses(tmp_path):
    """One vote an image tells nothing of noise: `human_soft_shrunk` fails, and the others are reported."""
    table = {
        "name": "half",
        "dataset": "digits",
        "sources": ["hard", "human_soft", "human_soft_shrunk"],
        "strategies": ["fedavg"],
        "model": "linear",
        "rounds": 1,
        "seeds": [0],
        "scenario": {"clients": 3},
        "grid": {"scenario.votes": [3, 1]},
    }
    study = open_study(table, "half.toml", tmp_path)
    run_study(study, "inprocess", 1, lambda *told: None, lambda: False)
    assert {failed.run.scenario.votes for failed in study.failures} == {1}
    whole, part = digest(study).cells
    assert np.isfinite(whole.doses["all"]).all()
    assert np.isfinite(part.doses["all"][:2, :2]).all()
    assert np.isnan(part.doses["all"][2]).all()
