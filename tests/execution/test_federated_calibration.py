"""Runs calibrated by sums: what the pooled map does, at a price that is recorded."""

import numpy as np
import pytest
import torch

from fedsoft.analysis.digest import digest
from fedsoft.config import validate
from fedsoft.errors import StudyFileError
from fedsoft.evaluation import CALIBRATORS, Exchanges, onehot
from fedsoft.execution.derive import calibrate_by_sums
from fedsoft.report.glosses import gloss
from fedsoft.report.page import page
from fedsoft.report.run_tables import settings_table
from fedsoft.study.data import load_dataset
from fedsoft.study.dealing import deal_data
from fedsoft.study.opened import open_study

NAMES = ("temperature", "vector_scaling", "histogram_binning")
SCOPES = ("all", "federated")
VOTE = {"name": "temperature", "on": "vote", "scope": "federated"}
TABLE = {
    "name": "federated",
    "dataset": "digits",
    "sources": ["hard"],
    "rivals": [
        {"source": "hard", "calibration": calibration}
        for calibration in [*({"name": name, "scope": scope} for name in NAMES for scope in SCOPES), VOTE]
    ],
    "strategies": ["fedavg"],
    "model": {"name": "mlp", "hidden": [8]},
    "rounds": 3,
    "seeds": [0],
    "scenario": {"clients": 30, "partition": {"name": "dirichlet", "alpha": 0.1, "smallest": 1}},
    "training": {"lr": 0.2},
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory, run):
    return run(open_study(dict(TABLE), "federated.toml", tmp_path_factory.mktemp("federated")))


def found(study, label):
    return next(run for run in study.plan.runs if run.arm.label() == label)


def validating(study):
    """(clients,) validation examples of each."""
    run = found(study, "hard")
    return deal_data(run, load_dataset(run.dataset)).validation.sizes


@pytest.mark.parametrize("name", NAMES[:2])
@pytest.mark.parametrize("part", ["test", "validation"])
def test_it_is_the_pooled_run(name, part, ran):
    pooled, summed, plain = (
        ran.store.predictions(found(ran, f"hard{end}").key)[part]
        for end in (f" + {name}", f" + {name}(scope=federated)", "")
    )
    np.testing.assert_allclose(summed, pooled, atol=2e-6)
    assert np.abs(plain - pooled).max() > 0.01


def test_bins_are_those_of_one_client_that_holds_all(ran):
    run = found(ran, "hard + histogram_binning(scope=federated)")
    plain = ran.store.predictions(run.parts()[0].key)
    labels = torch.from_numpy(load_dataset(run.dataset).labels[plain["validation_rows"]])
    probs = torch.from_numpy(plain["validation"]).double()
    alone = Exchanges(run.calibration.sums, [(probs, onehot(labels, 10))])
    made = run.calibration.apply(torch.from_numpy(plain["test"]).double(), run.calibration.solve(10, alone))
    np.testing.assert_array_equal(ran.store.predictions(run.key)["test"], made.float().numpy())


@pytest.mark.parametrize(
    ("name", "asked", "told", "numbers"),
    [
        ("temperature", 1, 3, 1),
        ("temperature(on=vote, ", 1, 3, 1),
        ("vector_scaling", 20, 2 + 20 + 210, 20),
        ("histogram_binning", 0, 2 * 10 * 64, 10 * 3 * 10),
    ],
)
def test_what_it_sends_is_recorded(name, asked, told, numbers, ran):
    """Clients without validation examples send nothing and are sent nothing."""
    label = f"hard + {name}scope=federated)" if "(" in name else f"hard + {name}(scope=federated)"
    run = found(ran, label)
    record, plain = ran.store.record(run.key), ran.store.record(run.parts()[0].key)
    sent, times = record["calibration"], record["calibration"]["exchanges"]
    assert sent["clients"] == (validating(ran) > 0).sum() < 30
    assert sent["bytes_up"] == 8 * sent["clients"] * told * times
    assert sent["bytes_down"] == 8 * sent["clients"] * (asked * times + numbers)
    assert record["bytes_sent"] == plain["bytes_sent"] + sent["bytes_up"] + sent["bytes_down"]


def test_other_scopes_record_nothing_more(ran):
    for label in ("hard", "hard + temperature"):
        record = ran.store.record(found(ran, label).key)
        assert "calibration" not in record
        assert record["bytes_sent"] == ran.store.record(found(ran, "hard").key)["bytes_sent"]


def test_the_report_says_how_and_at_what_price(ran):
    result = digest(ran)
    rows = {row[0].text: row[1].text for row in settings_table(result).rows}
    said = rows["sent for calibration, a run"].split("; ")
    sent = result.records[found(ran, "hard + histogram_binning(scope=federated)").key]["calibration"]
    assert len(said) == 4
    kilobytes = 8 * (1280 + 300) * sent["clients"] / 1000
    assert f"hard + histogram_binning(scope=federated): {kilobytes:.3g} kB in 1 exchange" in said
    assert "fitted to labels, by sums across clients" in page(result)
    arm = found(ran, "hard + vector_scaling(scope=federated)").arm
    assert gloss(arm).endswith("vector scaling fitted to labels, by sums across clients")


def test_clients_of_one_example_do():
    probs = torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]]).numpy()
    made = {"validation": probs, "test": probs}
    calibrator = CALIBRATORS.parse({"name": "temperature", "scope": "federated"})
    each, sent = calibrate_by_sums(calibrator, made, np.array([0, 1, 1]), np.array([4, 2, 9]), "cpu")
    one, _ = calibrate_by_sums(calibrator, made, np.array([0, 1, 1]), np.zeros(3, dtype=int), "cpu")
    np.testing.assert_allclose(each["test"], one["test"], atol=1e-7)
    assert sent["clients"] == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"rivals": [{"source": "hard", "calibration": {"name": "isotonic", "scope": "federated"}}]},
            "isotonic: .*choose temperature, vector_scaling or histogram_binning",
        ),
        (
            {"sources": ["human_soft"], "rivals": [{"source": "hard", "calibration": VOTE}]}
            | {"privacy": {"labels": {"name": "randomized_response", "epsilon": 1.0}}},
            r"'hard \+ temperature\(on=vote, scope=federated\)' is calibrated on .* in the clear",
        ),
    ],
)
def test_what_cannot_be_is_told(change, words):
    with pytest.raises(StudyFileError, match=words):
        validate(TABLE | change, "federated.toml")
