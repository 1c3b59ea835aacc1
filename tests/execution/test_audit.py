"""Audits of whole studies: what is claimed holds, what is switched off leaks, what lies is caught."""

from dataclasses import replace

import numpy as np
import pytest

from fedsoft.errors import EngineError
from fedsoft.execution import run as running
from fedsoft.execution.attack import Attack, Effort, Kept
from fedsoft.execution.audit import audited_runs, claims_of, plan_audit
from fedsoft.federation import asks
from fedsoft.privacy import MECHANISMS
from fedsoft.privacy.audit import area_under_curve, audit_guesses
from fedsoft.privacy.labels import randomized_response
from fedsoft.report.audit_tables import verdict
from fedsoft.streams import stream
from fedsoft.study.canaries import ABSENT
from fedsoft.study.opened import open_study

SMALL = Effort(canaries=100, shadows=8, attacked=8)


@pytest.fixture
def study(tiny, tmp_path):
    """Opens a small study of one source under some privacy."""

    def opened(labels=None, source="human_soft", **more):
        privacy = {"privacy": {"labels": labels}} if labels else {}
        asked = {"sources": [source], "strategies": ["fedavg"], "seeds": [0], "scenario": {"clients": 4}}
        table = tiny | asked | {"model": "linear", "rounds": 1} | privacy | more
        return open_study(table, "tiny.toml", tmp_path)

    return opened


def by_labels(opened, effort=SMALL):
    """The bound on what the labels of the first run give away, and the claim on them."""
    (run, *_) = audited_runs(opened.plan.cells[0])
    claim = claims_of(run, None)[0]
    attack = Attack.planned(run, claim, effort, opened)
    stores = attack.train() if run.behind() else [Kept()] * len(attack.runs)
    found = attack.by_labels(stores)
    return audit_guesses(found.score.ravel(), found.coin.ravel(), stream("test"), claim.delta), claim


def audited(opened, effort=SMALL):
    return plan_audit(opened, opened.plan.cells[0], effort).run()


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("mechanism", MECHANISMS.names())
def test_no_mechanism_leaks_more_than_it_claims(mechanism, epsilon, study):
    delta = {"delta": 1e-6} if "delta" in MECHANISMS.get(mechanism).model_fields else {}
    opened = study({"name": mechanism, "epsilon": epsilon} | delta)
    guessed, claim = by_labels(opened)
    assert (claim.epsilon, claim.delta, claim.unit) == (epsilon, delta.get("delta", 0), "vote")
    assert 0 < guessed.epsilon <= epsilon or (guessed.epsilon == 0 and epsilon < 4)
    assert guessed.ceiling > epsilon


def test_an_image_is_attacked_with_all_its_answers(study):
    opened = study(
        {"name": "randomized_response", "epsilon": 4.0, "unit": "image"}, {"name": "votes_k", "k": 1}
    )
    guessed, claim = by_labels(opened)
    assert 2 < guessed.epsilon <= claim.epsilon == 4
    opened = study(
        {"name": "randomized_response", "epsilon": 4.0, "unit": "image"}, {"name": "votes_k", "k": 4}
    )
    of_four, _ = by_labels(opened)  # of ε / 4 each, of which all that they say together is rarely said
    assert 0.3 < of_four.epsilon < guessed.epsilon


@pytest.mark.parametrize(("epsilon", "leaks"), [(4.0, False), (2000.0, True)])
def test_a_client_is_attacked_with_all_that_it_holds(epsilon, leaks, study):
    """An ε of 4 over some 350 answers hides each of them, and one of 2000 none."""
    opened = study({"name": "randomized_response", "epsilon": epsilon, "unit": "client"}, "hard")
    guessed, claim = by_labels(opened, Effort(canaries=4, shadows=4, attacked=30))
    assert claim.unit == "client"
    assert (guessed.epsilon == guessed.ceiling) == leaks
    assert guessed.epsilon <= epsilon


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 4.0])
def test_the_attack_is_as_strong_as_randomized_response_is_weak(epsilon, study):
    """Most of ε is found by many canaries: a test that is passed by whatever shows nothing would be none."""
    effort = Effort(canaries=1000, shadows=4, attacked=12)
    guessed, _ = by_labels(study({"name": "randomized_response", "epsilon": epsilon}), effort)
    assert 0.75 * epsilon < guessed.epsilon <= epsilon


def test_without_noise_labels_tell_all_that_they_could(study):
    guessed, claim = by_labels(study(source="hard"))
    assert claim.epsilon is None
    assert guessed.right == guessed.made == 800
    assert guessed.epsilon == guessed.ceiling


def test_an_infinite_epsilon_claims_nothing(study):
    guessed, claim = by_labels(study({"name": "randomized_response", "epsilon": float("inf")}))
    assert claim.mechanism is None
    assert guessed.epsilon == guessed.ceiling


def test_a_mechanism_that_spends_three_times_its_epsilon_is_caught(study, monkeypatch):
    honest = randomized_response.randomize
    monkeypatch.setattr(
        randomized_response, "randomize", lambda votes, epsilon, rng: honest(votes, 3 * epsilon, rng)
    )
    for epsilon in (0.5, 1.0, 2.0):
        audit = audited(study({"name": "randomized_response", "epsilon": epsilon}))
        assert [one.contradicts for one in audit.findings if one.seen == "labels"] == [True]


def test_labels_told_beside_the_noise_are_caught(study, monkeypatch):
    """A source that lets one image in two out as it is."""
    from fedsoft.supervision.human import HumanSoft

    def targets(self, evidence, rng):
        clear = evidence.votes / evidence.votes.sum(axis=1, keepdims=True)
        return np.where(np.arange(len(clear))[:, None] % 2, clear, evidence.soft)

    monkeypatch.setattr(HumanSoft, "targets", targets)
    guessed, _ = by_labels(study({"name": "randomized_response", "epsilon": 1.0}))
    assert guessed.epsilon > 1.5


@pytest.fixture
def learnt_by_heart(tmp_path):
    """A study of a model that can do nothing but learn its 60 examples by heart."""
    rng = stream("test", what="noise to learn")
    path = tmp_path / "noise.npz"
    np.savez(path, features=rng.normal(size=(80, 30)), labels=np.arange(80) % 4)
    table = {
        "name": "heart",
        "dataset": {"name": "npz", "path": str(path)},
        "sources": ["hard"],
        "strategies": ["fedavg"],
        "model": {"name": "mlp", "hidden": [64]},
        "rounds": 30,
        "seeds": [0],
        "folds": 4,
        "scenario": {"clients": 2},
        "training": {"lr": 0.5},
    }
    return open_study(table, "heart.toml", tmp_path / "out")


def test_a_model_that_learns_by_heart_gives_its_members_away(learnt_by_heart):
    effort = Effort(canaries=30, shadows=8, attacked=6, members=True)
    audit = audited(learnt_by_heart, effort)
    members, by_model = audit.findings[-1], audit.findings[1]
    assert (members.claim.of, members.claim.fates, members.seen) == ("training", "members", "model")
    assert members.test.auc > 0.9
    assert members.guessed.epsilon > members.guessed.ceiling / 2
    assert (by_model.claim.of, by_model.seen) == ("labels", "model")
    assert by_model.guessed.epsilon > by_model.guessed.ceiling / 2


def test_whoever_was_never_seen_is_not_found(learnt_by_heart):
    (run, *_) = audited_runs(learnt_by_heart.plan.cells[0])
    effort = Effort(canaries=30, shadows=8, attacked=6, members=True)
    attack = Attack.planned(run, claims_of(run, None, members=True)[1], effort, learnt_by_heart)
    nobody = replace(attack.canaries, heads=np.full(30, ABSENT))
    attack = replace(attack, planted=[replace(one, canaries=nobody) for one in attack.planted])
    found = attack.by_model(attack.train())
    assert area_under_curve(found.score, found.coin) == pytest.approx(0.5, abs=0.12)


def test_another_draw_repeats_an_audit_with_other_coins(study):
    opened = study(source="hard")
    (run, *_) = audited_runs(opened.plan.cells[0])
    (claim,) = claims_of(run, None)
    first, again, other = (
        Attack.planned(run, claim, replace(SMALL, draw=draw), opened) for draw in (0, 0, 1)
    )
    for a, b in zip(first.planted, again.planted, strict=True):
        np.testing.assert_array_equal(a.coin, b.coin)
    assert not {one.key for one in first.runs} & {one.key for one in other.runs}
    for part in ("training", "votes"):  # noise and coins of their own, each
        assert len({getattr(one.redraw, part) for one in (*first.runs, *other.runs)}) == 32
    assert run.key not in {one.key for one in first.runs}
    assert not np.array_equal(first.planted[-1].coin, other.planted[-1].coin)
    shadows = np.stack([one.coin for one in first.planted[: SMALL.shadows]])
    assert (shadows.sum(axis=0) == SMALL.shadows // 2).all()  # each world of each canary is in half of them


def test_a_study_whose_training_diverges_is_one_error(study):
    opened = study(source="hard", model={"name": "mlp", "hidden": [8]}, training={"lr": 1e30}, rounds=3)
    with pytest.raises(EngineError, match=r"audit cannot be trained: .*diverged"):
        audited(opened, Effort(canaries=10, shadows=4, attacked=1))


def test_sources_that_cannot_be_attacked_are_named(study):
    audit = audited(study(source="teacher"))
    assert audit.findings == []
    assert "teacher: it learns from other models" in audit.left_out[0]


def test_a_control_claims_nothing(study):
    labels = {"name": "randomized_response", "epsilon": 1.0}
    endpoint = {"source": "smoothing as private human_soft", "baseline": "human_soft"}
    audit = plan_audit(opened := study(labels, endpoint=endpoint), opened.plan.cells[0], SMALL)
    assert [source for source, _ in audit.attacks] == ["human_soft"]
    assert audit.left_out == [
        "smoothing as private human_soft: it is a control, which sees labels in the clear and claims nothing."
    ]


def test_too_few_canaries_are_no_test(study):
    (finding, *_) = audited(study(source="hard"), Effort(canaries=1, shadows=4, attacked=1)).findings
    assert finding.guessed.ceiling == 0
    assert verdict(finding) == "no test: the ceiling is too low"


def test_clients_of_private_training_are_canaries_in_or_out(study):
    pytest.importorskip("dp_accounting")
    opened = study(
        source="hard",
        privacy={"model": {"name": "dp_fedavg", "epsilon": 8.0}, "delta": 1e-4},
        scenario={"clients": 20},
        rounds=2,
    )
    effort = Effort(canaries=8, shadows=8, attacked=8)
    (found,) = audited(opened, effort).findings
    claim = found.claim
    assert (claim.of, claim.unit, claim.fates, claim.delta) == ("training", "client", "flipped", 1e-4)
    assert claim.epsilon == pytest.approx(8, rel=0.01)
    assert not found.contradicts
    assert found.guessed.canaries == 64


@pytest.mark.parametrize("sampling", ["poisson", "without_replacement"])
@pytest.mark.parametrize("honest", [True, False])
def test_private_gradients_hide_an_example_and_without_noise_do_not(
    sampling, honest, learnt_by_heart, tmp_path, monkeypatch
):
    """Neighbours differ in a row that is there or is not, or in a row's label, as the account has it."""
    pytest.importorskip("dp_accounting")
    private = {"name": "dp_sgd", "epsilon": 0.5, "sampling": sampling, "clip": 10.0}
    table = {**learnt_by_heart.table, "privacy": {"model": private, "delta": 1e-5}}
    table["training"] = {"lr": 0.5, "batch_size": 10}
    opened = open_study(table, "heart.toml", tmp_path / "private")
    if not honest:
        told = running.asked_of_clients
        monkeypatch.setattr(
            running, "asked_of_clients", lambda protection: told(protection) | {asks.EXAMPLE_NOISE: 1e-6}
        )
    (found,) = audited(opened, Effort(canaries=20, shadows=8, attacked=8)).findings
    claim = found.claim
    fates = {"poisson": "flipped", "without_replacement": "labels"}
    assert (claim.of, claim.unit, claim.fates) == ("training", "example", fates[sampling])
    assert claim.epsilon == pytest.approx(0.5, rel=0.01)
    assert found.contradicts == (not honest)
