"""What a study's label privacy protects, held against its data before anything is written."""

import numpy as np
import pytest

from fedsoft.errors import StudyFileError
from fedsoft.streams import stream
from fedsoft.study.opened import open_study
from fedsoft.study.prepare import prepare

N, PEOPLE = 90, 6
LABELS = np.arange(N) % 3


@pytest.fixture
def study(tmp_path):
    """Builds a study on 90 examples, each answered by three of six people."""

    def build(known=True, **keys):
        rng = stream("private units")
        who = np.array([rng.choice(PEOPLE, 3, replace=False) for _ in range(N)])
        said = np.where(rng.random(who.shape) < 0.3, rng.integers(3, size=who.shape), LABELS[:, np.newaxis])
        arrays = {"features": np.eye(3)[LABELS], "labels": LABELS}
        if known:
            arrays |= {"annotator_labels": said, "annotator_ids": np.array([f"w{p}" for p in range(6)])[who]}
        else:
            arrays["votes"] = (said[:, :, np.newaxis] == np.arange(3)).sum(axis=1)
        np.savez(tmp_path / "mine.npz", **arrays)
        table = {
            "name": "own",
            "dataset": {"name": "npz", "path": str(tmp_path / "mine.npz")},
            "sources": ["human_soft"],
            "strategies": ["fedavg"],
            "model": "linear",
            "rounds": 1,
            "seeds": [0],
            "scenario": {"clients": 3},
        }
        return open_study(table | keys, "own.toml", tmp_path / "runs")

    return build


def labels(name="randomized_response", unit="annotator", epsilon=2.0, **options):
    return {"labels": {"name": name, "epsilon": epsilon, "unit": unit, **options}}


@pytest.mark.parametrize("name", ["randomized_response", "laplace", "rr_with_prior", "discrete_gaussian"])
@pytest.mark.parametrize("unit", ["vote", "image", "annotator", "client"])
def test_a_study_spends_what_it_says_on_what_it_protects(study, run, name, unit):
    delta = {"delta": 1e-3} if name == "discrete_gaussian" else {}
    opened = run(study(privacy=labels(name, unit, **delta)))
    spent = prepare(opened.plan.runs[0], opened.store, "cpu").privacy_spent
    assert spent == opened.store.record(opened.plan.runs[0].key)["privacy"]
    assert spent[f"epsilon_per_{unit}_max"] == pytest.approx(2.0, rel=1e-6)
    assert {f"epsilon_per_{one}_mean" for one in ("vote", "image", "annotator", "client")} <= spent.keys()
    assert spent["epsilon_per_vote_max"] < spent["epsilon_per_client_max"] or unit == "client"
    assert ("delta" in spent) == bool(delta)


def test_people_who_buy_few_votes_share_epsilon_over_those(study):
    """Each example's one vote is a person's: who gave m of them spends ε / m on each."""
    ready = study(privacy=labels("laplace", "annotator"), scenario={"clients": 3, "votes": 1})
    spent = prepare(ready.plan.runs[0], ready.store, "cpu").privacy_spent
    assert spent["epsilon_per_image_max"] == spent["epsilon_per_vote_max"] > 0.1
    assert spent["epsilon_per_annotator_max"] == pytest.approx(2.0)


def test_simulated_people_are_known(study):
    crowd = {"clients": 3, "crowd": {"name": "experts", "people": 4}}
    ready = study(known=False, privacy=labels(), scenario=crowd)
    spent = prepare(ready.plan.runs[0], ready.store, "cpu").privacy_spent
    assert spent["epsilon_per_annotator_max"] == pytest.approx(2.0)


def refused(study, tmp_path, words, **keys):
    with pytest.raises(StudyFileError, match=words):
        study(**keys)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (
            {"known": False, "privacy": labels()},
            'unit = "annotator" needs to know who answered what, but dataset .* does not say it; add',
        ),
        (
            {
                "known": False,
                "privacy": labels(unit="vote"),
                "grid": {"privacy.labels.unit": ["vote", "annotator"]},
            },
            'unit = "annotator" needs to know who answered what',
        ),
        (
            {"privacy": labels(), "scenario": {"clients": 3, "parties": [{"share": 0.34, "votes": 2}]}},
            "6 people answer for clients of two parties .the first is w0.; leave scenario.parties out",
        ),
        (
            {"privacy": labels(), "sources": ["hard"]},
            "'hard' is made of answers of which nobody knows who gave",
        ),
        (
            {"privacy": labels(), "sources": [{"name": "votes_k", "k": 2}]},
            "'votes_k.k=2.' is made of answers of which nobody knows",
        ),
        (
            {"privacy": labels(unit="vote"), "sources": ["mass_only"]},
            "'mass_only' sees each example's label in the clear",
        ),
        (
            {"privacy": labels(unit="vote"), "sources": ["human_soft", {"name": "smoothing", "rate": 0.1}]},
            "'smoothing.rate=0.1.' sees each example's label in the clear",
        ),
        (
            {"privacy": labels("discrete_gaussian", "annotator", delta=0.2)},
            "delta = 0.2 would allow to tell the answers of one annotator .* there are 6; set it below 0.2",
        ),
        (
            {"privacy": labels("discrete_gaussian", "image", delta=0.02), "sources": ["hard"]},
            "one image in the clear, of which there are 6[0-9]",
        ),
        (
            {"privacy": labels("rr_with_prior", "vote", project=False)},
            "project: private votes are not corrected",
        ),
        ({"privacy": labels("laplace", "vote", delta=1e-5)}, "spends ε alone and no `delta`; leave it out"),
    ],
)
def test_what_the_data_or_a_mechanism_cannot_give_is_refused(study, tmp_path, keys, words):
    refused(study, tmp_path, words, **keys)


def test_whose_answers_they_are_changes_no_votes(study):
    """Votes, and so targets, are the same whether it is known who gave them."""
    targets = []
    for known in (True, False):
        ready = study(known=known, privacy=labels("laplace", "image"), scenario={"clients": 3, "votes": 2})
        targets.append(prepare(ready.plan.runs[0], ready.store, "cpu").targets)
    np.testing.assert_array_equal(*targets)
