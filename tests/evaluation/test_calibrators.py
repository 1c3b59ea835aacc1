"""Post-hoc calibration: what holds for every calibrator, and each against an independent implementation."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression

from fedsoft.evaluation import CALIBRATORS, METRICS, apply_temperature, onehot
from fedsoft.streams import stream

ALL = CALIBRATORS.names()
GAP, NLL = METRICS.parse("signed_gap"), METRICS.parse("nll")


@pytest.fixture(scope="module")
def overconfident():
    """Predictions four times too sharp, in halves to fit and to test on, with labels drawn from the truth."""
    rng = stream("overconfident")
    truth = torch.as_tensor(rng.dirichlet(np.full(4, 0.7), 6000))
    labels = torch.as_tensor((truth.numpy().cumsum(1) < rng.random((6000, 1))).sum(1))
    probs, reference = apply_temperature(truth, 0.25), onehot(labels, 4)
    return (probs[:3000], reference[:3000]), (probs[3000:], reference[3000:])


@pytest.fixture(scope="module")
def few():
    """80 predictions with three classes, and soft references: shares of five votes."""
    rng = stream("few")
    probs = rng.dirichlet(np.full(3, 0.6), 80)
    votes = rng.multinomial(5, 0.6 * probs + 0.4 * rng.dirichlet(np.ones(3), 80))
    return torch.as_tensor(probs), torch.as_tensor(votes / 5)


@pytest.mark.parametrize("name", ALL)
def test_an_overconfident_model_is_mended(name, overconfident):
    (fit, labels), (test, truth) = overconfident
    calibrated = CALIBRATORS.parse(name).fit(fit, labels)(test)
    assert GAP(test, truth) > 0.15 > 0.03 > abs(GAP(calibrated, truth))
    assert NLL(calibrated, truth) < NLL(test, truth) - 0.3


@pytest.mark.parametrize("name", ALL)
def test_an_underconfident_model_is_sharpened(name, overconfident):
    (fit, labels), (test, truth) = overconfident
    soft = [apply_temperature(probs, 12.0) for probs in (fit, test)]
    calibrated = CALIBRATORS.parse(name).fit(soft[0], labels)(soft[1])
    assert GAP(soft[1], truth) < -0.15 < -0.05 < GAP(calibrated, truth) < 0.05


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_predictions_stay_predictions(name, dtype, few):
    probs, reference = (rows.to(dtype) for rows in few)
    made = CALIBRATORS.parse(name).fit(probs, reference)(probs[:7])
    assert (made.dtype, made.shape) == (dtype, (7, 3))
    assert made.min() > 0
    torch.testing.assert_close(made.sum(-1), torch.ones(7, dtype=dtype))


@pytest.mark.parametrize("name", ALL)
def test_exact_zeros_and_separable_labels_stay_finite(name):
    sure = torch.eye(3, dtype=torch.float32)[[0, 1, 2] * 20]
    calibrated = CALIBRATORS.parse(name).fit(sure, sure.double())
    for probs in (sure, sure.roll(1, 1), torch.full((2, 3), 1 / 3)):
        made = calibrated(probs)
        assert made.isfinite().all()
        assert NLL(made, torch.full_like(made, 1 / 3).double()).isfinite()


@pytest.mark.parametrize("name", ALL)
def test_one_example_is_enough(name):
    made = CALIBRATORS.parse(name).fit(torch.tensor([[0.5, 0.3, 0.2]]), torch.tensor([[0.0, 1.0, 0.0]]))
    assert made(torch.tensor([[0.1, 0.8, 0.1]])).isfinite().all()


@pytest.mark.parametrize("name", ALL)
def test_equivariant_under_a_permutation_of_classes(name, few):
    probs, reference = few
    order = [2, 0, 1]
    one, other = (CALIBRATORS.parse(name).fit(probs[:, o], reference[:, o]) for o in ([0, 1, 2], order))
    torch.testing.assert_close(one(probs)[:, order], other(probs[:, order]), atol=1e-6, rtol=0)


PLAIN = {name: {"name": name, "pseudo": 0} for name in ALL}
PLAIN["vector_scaling"] |= {"l2": 0}


@pytest.mark.parametrize("name", ALL)
def test_ten_examples_a_client_ruin_nothing(name):
    """A model right nine times of ten, nearly calibrated, on 40 clients with ten validation examples each."""
    rng = stream("many small clients")
    truth = torch.as_tensor(rng.dirichlet(np.full(4, 0.08), (40, 110)))
    labels = torch.as_tensor((truth.numpy().cumsum(-1) < rng.random((40, 110, 1))).sum(-1)).clamp_max(3)
    probs, reference = apply_temperature(truth, 0.9), onehot(labels, 4)
    losses = [float(NLL(probs[:, 10:].flatten(0, 1), reference[:, 10:].flatten(0, 1)))]
    for spelling in (name, PLAIN[name]):
        maps = [
            CALIBRATORS.parse(spelling).fit(p[:10], r[:10]) for p, r in zip(probs, reference, strict=True)
        ]
        made = torch.cat([own(p[10:]) for own, p in zip(maps, probs, strict=True)])
        losses.append(float(NLL(made, reference[:, 10:].flatten(0, 1))))
    before, after, plain = losses
    assert after < before + 0.02 < before + 0.3 < plain


@pytest.mark.parametrize("name", ALL)
def test_without_evidence_nothing_changes_and_with_much_it_is_the_plain_fit(name, few):
    probs, reference = few
    strong = CALIBRATORS.parse({"name": name, "pseudo": 1e9}).fit(probs, reference)
    torch.testing.assert_close(strong(probs), probs, atol=2e-3, rtol=0)  # isotonic has its floor
    many = [rows.repeat(3000, 1) for rows in few]
    plain, usual = (CALIBRATORS.parse(spelling).fit(*many)(probs) for spelling in (PLAIN[name], name))
    assert (plain - probs).abs().max() > 0.05
    torch.testing.assert_close(usual, plain, atol=2e-3, rtol=0)


@pytest.mark.parametrize("name", ALL)
def test_zeros_count_as_every_metric_counts_them(name, few):
    probs, reference = (rows.clone() for rows in few)
    probs[0] = torch.tensor([1.0, 0.0, 0.0])
    least = probs.clamp_min(1e-12)
    one, other = (CALIBRATORS.parse(name).fit(rows, reference)(rows) for rows in (probs, least))
    torch.testing.assert_close(one, other, atol=1e-9, rtol=0)


@pytest.mark.parametrize("pseudo", [0, 30])
def test_vector_scaling_is_the_minimum(pseudo, few):
    """Against SciPy's minimiser with numerical gradients; the penalty is that of the docstring."""
    probs, reference = (rows.numpy() for rows in few)

    def loss(x):
        scaled = log_softmax(x[:3] * np.log(probs) + x[3:], axis=1)
        nll = -((reference + pseudo / 80 * probs) * scaled).sum()
        return (nll + 0.8 * (((x[:3] - 1) ** 2).sum() + (x[3:] ** 2).sum())) / 80

    best = minimize(loss, np.r_[np.ones(3), np.zeros(3)], tol=1e-12).x
    made = CALIBRATORS.parse({"name": "vector_scaling", "l2": 0.8, "pseudo": pseudo}).fit(*few)(few[0])
    wanted = np.exp(log_softmax(best[:3] * np.log(probs) + best[3:], axis=1))
    np.testing.assert_allclose(made.numpy(), wanted, atol=1e-5)


def test_vector_scaling_under_a_strong_penalty_is_the_identity(few):
    made = CALIBRATORS.parse({"name": "vector_scaling", "l2": 1e6}).fit(*few)(few[0])
    torch.testing.assert_close(made, few[0], atol=1e-5, rtol=0)


class Fixed:
    """A scikit-learn classifier whose predictions are its inputs."""

    classes_ = np.arange(4)
    _estimator_type = "classifier"

    def fit(self, X, y):
        return self

    def predict(self, X):
        return X.argmax(1)

    def predict_proba(self, X):
        return X

    def __sklearn_tags__(self):
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression().__sklearn_tags__()

    def __sklearn_is_fitted__(self):
        return True


def test_isotonic_agrees_with_scikit_learn(overconfident):
    (fit, labels), (test, _) = overconfident
    theirs = CalibratedClassifierCV(FrozenEstimator(Fixed()), method="isotonic", ensemble=False)
    theirs.fit(fit.numpy(), labels.argmax(1).numpy())
    made = CALIBRATORS.parse({"name": "isotonic", "smallest": 1e-9, "pseudo": 0}).fit(fit, labels)(test)
    np.testing.assert_allclose(made.numpy(), theirs.predict_proba(test.numpy()), atol=1e-6)


def test_isotonic_takes_shares_as_weighted_votes(few):
    """A share of votes is the same as every vote for itself, all with the image's prediction."""
    probs, shares = few
    votes = (shares * 5).round().long()
    image = torch.arange(80).repeat_interleave(votes.sum(1))
    single = onehot(torch.cat([torch.arange(3).repeat_interleave(row) for row in votes]), 3)
    for c in range(3):
        one = IsotonicRegression().fit(probs[:, c], shares[:, c])
        each = IsotonicRegression().fit(probs[image, c], single[:, c])
        np.testing.assert_allclose(one.predict(probs[:, c]), each.predict(probs[:, c]), atol=1e-9)
    calibrator = CALIBRATORS.parse({"name": "isotonic", "pseudo": 0})
    torch.testing.assert_close(
        calibrator.fit(probs, shares)(probs), calibrator.fit(probs[image], single)(probs), atol=1e-9, rtol=0
    )


def test_isotonic_is_floored():
    probs = torch.tensor([[0.9, 0.1]] * 30 + [[0.2, 0.8]] * 30, dtype=torch.float64)
    made = CALIBRATORS.parse({"name": "isotonic", "pseudo": 0}).fit(probs, (probs > 0.5).double())(probs[:1])
    torch.testing.assert_close(made, torch.tensor([[1, 0.001]], dtype=torch.float64) / 1.001)


def test_isotonic_by_hand():
    """Examples of .4 and .6, the first a hit: one step of .5, averaged 2 to 6 with the prediction."""
    p = torch.tensor([0.4, 0.6], dtype=torch.float64)
    hit = torch.tensor([1, 0], dtype=torch.float64)
    calibrated = CALIBRATORS.parse({"name": "isotonic", "pseudo": 6}).fit(
        torch.stack([p, 1 - p], 1), torch.stack([hit, 1 - hit], 1)
    )
    made = calibrated(torch.tensor([[0.9, 0.1]], dtype=torch.float64))
    torch.testing.assert_close(made, torch.tensor([[0.8, 0.2]], dtype=torch.float64))


def test_histogram_binning_by_hand():
    """Two bins of four: .1 to .4 with one hit, .6 to .9 with three; and two more, as predicted, in each."""
    p = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9], dtype=torch.float64)
    hit = torch.tensor([0, 1, 0, 0, 1, 1, 0, 1], dtype=torch.float64)
    calibrated = CALIBRATORS.parse({"name": "histogram_binning", "bins": 2, "pseudo": 2}).fit(
        torch.stack([p, 1 - p], 1), torch.stack([hit, 1 - hit], 1)
    )
    made = calibrated(torch.tensor([[0.05, 0.95], [0.95, 0.05]], dtype=torch.float64))
    low, high = (1 + 2 * 0.05) / 6, (3 + 2 * 0.95) / 6
    torch.testing.assert_close(made, torch.tensor([[low, high], [high, low]], dtype=torch.float64))


def test_histogram_binning_agrees_with_loops(overconfident):
    """Bins of equal mass as netcal and others cut them, by quantiles; no ties here."""
    (fit, labels), (test, _) = overconfident
    bins, wanted = 7, np.empty((len(test), 4))
    for c in range(4):
        p, hit = fit[:, c].numpy(), labels[:, c].numpy()
        groups = np.split(np.argsort(p), [-(-k * len(p) // bins) for k in range(1, bins)])
        low = [p[group].min() for group in groups]
        share = [hit[group].mean() for group in groups]
        for n, value in enumerate(test[:, c].numpy()):
            wanted[n, c] = share[max((b for b in range(bins) if value >= low[b]), default=0)]
    made = CALIBRATORS.parse({"name": "histogram_binning", "bins": bins, "pseudo": 0}).fit(fit, labels)(test)
    np.testing.assert_allclose(made.numpy(), wanted / wanted.sum(1, keepdims=True), atol=1e-12)


def test_equal_predictions_share_a_bin():
    p = torch.tensor([0.3] * 9 + [0.7], dtype=torch.float64)
    probs = torch.stack([p, 1 - p], 1)
    made = CALIBRATORS.parse({"name": "histogram_binning", "bins": 5}).fit(probs, probs)(probs)
    torch.testing.assert_close(made, probs)


@pytest.mark.parametrize(
    "options", [{"on": "votes"}, {"name": "isotonic", "smallest": 0}, {"bins": 0}, {"pseudo": -1}]
)
def test_impossible_options_are_told(options):
    with pytest.raises(ValueError):
        CALIBRATORS.parse({"name": "histogram_binning"} | options)
