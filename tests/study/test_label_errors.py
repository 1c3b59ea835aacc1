"""Wrong labels of clients: everything that clients do goes by them, nothing that tests does."""

import numpy as np
import pytest
import torch

from fedsoft.analysis.scores import test_fold as score_fold
from fedsoft.analysis.values import gather
from fedsoft.errors import StudyFileError
from fedsoft.evaluation import apply_temperature, fit_temperature, onehot
from fedsoft.study.data import load_dataset
from fedsoft.study.dealing import client_labels
from fedsoft.study.opened import open_study
from fedsoft.study.prepare import prepare


@pytest.fixture
def wrong(tiny, tmp_path):
    """The tiny study with a fifth of the labels wrong."""
    tiny |= {"sources": ["hard", "human_hard", "human_soft_mode_matched", "teacher"]}
    tiny |= {"strategies": ["fedavg"], "scenario": {"clients": 4, "label_errors": 0.2}}
    return open_study(tiny, "tiny.toml", tmp_path)


def test_clients_have_wrong_labels_and_tests_have_true_ones(wrong):
    run = wrong.plan.runs[0]
    ready = prepare(run, wrong.store, "cpu")
    truth, dealt = ready.dataset.labels, ready.deal
    held = np.concatenate([dealt.train.rows, dealt.validation.rows])
    assert (ready.labels != truth)[held].sum() == round(0.2 * len(held))
    assert (ready.labels != truth)[dealt.train.rows].any()
    assert (ready.labels != truth)[dealt.validation.rows].any()
    np.testing.assert_array_equal(ready.labels[dealt.test.rows], truth[dealt.test.rows])
    label = score_fold(run, dealt.test.rows, dealt.test.owner, "cpu").references["label"]
    np.testing.assert_array_equal(label.argmax(dim=1), truth[dealt.test.rows])


def test_sources_see_the_wrong_labels(wrong):
    by_name = {run.arm.label(): run for run in wrong.plan.runs if run.seed == 0}
    ready = {name: prepare(run, wrong.store, "cpu") for name, run in by_name.items() if name != "teacher"} | {
        "teacher half": prepare(by_name["teacher"].teachers()[0], wrong.store, "cpu")
    }
    for name in ("hard", "teacher half"):
        one = ready[name]
        np.testing.assert_array_equal(one.targets.argmax(axis=1), one.labels[one.task.train.rows])
        assert one.summary["mode_shift_rate"] == 0  # against what sources see
    assert ready["human_soft_mode_matched"].summary["mode_shift_rate"] == pytest.approx(0, abs=0.01)
    assert ready["human_hard"].summary["mode_shift_rate"] > 0.15
    people = ready["human_hard"]
    right = people.targets.argmax(axis=1) == people.dataset.labels[people.task.train.rows]
    assert right.mean() > 0.95  # people's votes are not touched


def test_seeds_differ_and_rates_do_not_move_data(wrong, tiny, tmp_path):
    one, other = (next(r for r in wrong.plan.runs if r.seed == seed) for seed in (0, 6))
    data = load_dataset(one.dataset)
    assert (client_labels(one, data) != client_labels(other, data)).mean() > 0.1
    tiny["scenario"] = {"clients": 4}
    clean = open_study(tiny, "tiny.toml", tmp_path / "clean")
    assert client_labels(clean.plan.runs[0], data) is data.labels
    assert clean.plan.runs[0].key != one.key
    before, after = (prepare(s.plan.runs[0], s.store, "cpu").task.train.rows for s in (clean, wrong))
    np.testing.assert_array_equal(before, after)


def test_validation_goes_by_the_wrong_labels(wrong, run):
    run(wrong)
    one = next(r for r in wrong.plan.runs if r.seed == 0)
    made, labels = wrong.store.predictions(one.key), client_labels(one, load_dataset(one.dataset))
    p = made["validation"][np.arange(len(made["validation"])), labels[made["validation_rows"]]]
    assert wrong.store.rounds(one.key)[-1]["nll"] == pytest.approx(-np.log(p).mean(), abs=1e-5)
    values = gather(wrong.plan.cells[0], "fedavg", wrong.store, "cpu")
    fits = fit_temperature(
        torch.from_numpy(made["validation"]).double(),
        onehot(torch.from_numpy(labels[made["validation_rows"]]), 10),
    )
    expected = apply_temperature(torch.from_numpy(made["test"]).double(), fits).amax(-1)
    gap, hit = (values.values["own_temperature", "label", name][0] for name in ("signed_gap", "accuracy"))
    np.testing.assert_allclose((gap + hit)[values.seed == 0], expected, atol=1e-9)


def test_data_without_votes_are_refused(tmp_path):
    labels = np.arange(60) % 3
    np.savez(tmp_path / "d.npz", features=np.eye(3)[labels], labels=labels)
    table = {
        "name": "bare",
        "dataset": {"name": "npz", "path": str(tmp_path / "d.npz")},
        "sources": ["hard"],
        "strategies": ["fedavg"],
        "model": "linear",
        "rounds": 1,
        "seeds": [0],
        "scenario": {"clients": 2, "label_errors": 0.1},
    }
    with pytest.raises(StudyFileError, match=r"label_errors .*only labels; .* set it to 0"):
        open_study(table, "bare.toml", tmp_path / "out")
