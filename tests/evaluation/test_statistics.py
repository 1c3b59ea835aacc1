import time

import numpy as np
import pytest
from scipy import stats

from fedsoft.errors import DataError
from fedsoft.evaluation import crossed_effects


def design(seeds, images, folds=5):
    """Image and seed of each cell: every seed holds out the images of its fold, seed mod folds."""
    pairs = [(image, seed) for seed in range(seeds) for image in range(seed % folds, images, folds)]
    return tuple(np.array(pairs).T)


def studies(rng, seeds, image_effect, seed_effect, images=200, count=400):
    """One column a study: effects of images, of seeds, and of cells with standard deviation 1."""
    image, seed = design(seeds, images)
    values = image_effect * rng.normal(size=(images, count))[image]
    values += seed_effect * rng.normal(size=(seeds, count))[seed]
    return values + rng.normal(size=(len(image), count)), image, seed


@pytest.mark.parametrize("seeds", [5, 10])
@pytest.mark.parametrize(("image_effect", "seed_effect"), [(1, 0), (1, 0.25), (1, 0.6), (0, 0), (0, 0.6)])
def test_intervals_cover_the_truth(seeds, image_effect, seed_effect, rng):
    """Of 400 intervals at 95 %, at least 92 % hold the truth: 380 less 2.8 standard deviations."""
    effects = crossed_effects(*studies(rng, seeds, image_effect, seed_effect))
    low, high = effects.interval()
    assert ((low <= 0) & (high >= 0)).mean() >= 0.92
    assert (effects.p_values < 0.05).mean() <= 0.08


def test_a_planted_effect_of_four_standard_errors_is_found(rng):
    values, image, seed = studies(rng, 10, 1, 0.25)
    true_se = np.sqrt(1 / 200 + 0.25**2 / 10 + 1 / len(image))
    effects = crossed_effects(values + 4 * true_se, image, seed)
    # power of a t test with 9 df at 4 standard errors: .945
    power = stats.nct.sf(stats.t.isf(0.025, 9), 9, 4)
    assert (effects.p_values < 0.05).mean() > power - 4 * np.sqrt(power * (1 - power) / 400)


def test_standard_error_of_crossed_effects(rng):
    """Its square is near the sum of the three parts that made the data."""
    effects = crossed_effects(*studies(rng, 10, 1, 0.6))
    true = 1 / 200 + 0.6**2 / 10 + 1 / 400
    assert (effects.se**2).mean() == pytest.approx(true, rel=0.12)


def test_one_seed_is_the_classical_standard_error_over_images(rng):
    values = rng.normal(size=(500, 3))
    effects = crossed_effects(values, np.arange(500), np.zeros(500))
    assert effects.images_only
    assert effects.df == np.inf
    np.testing.assert_allclose(effects.estimate[0], values.mean(axis=0))
    np.testing.assert_allclose(effects.se[0], stats.sem(values))


def test_seed_effects_alone_give_the_classical_t_interval(rng):
    """With nothing but seed effects the interval is that of a t test on the seeds' means."""
    image, seed = design(10, 100)
    means = rng.normal(size=10)
    effects = crossed_effects(means[seed][:, None], image, seed)
    assert effects.df == 9
    assert effects.se[0, 0] == pytest.approx(stats.sem(means), rel=0.02)
    reference = stats.ttest_1samp(means, 0).confidence_interval()
    low, high = effects.interval()
    assert (low[0, 0], high[0, 0]) == pytest.approx((reference.low, reference.high), abs=0.02)


@pytest.mark.parametrize("unit", ["image", "seed", "cell"])
def test_each_variance_is_what_resampling_its_units_gives(unit, rng):
    """A bootstrap over whole clusters, every draw recomputing a ratio of means, agrees within its noise."""
    values, image, seed = studies(rng, 10, 1, 0.6, count=1)
    weight = (rng.random(len(image)) < 0.3 + 0.05 * seed).astype(float)
    cluster = {"image": image, "seed": seed, "cell": np.arange(len(image))}[unit]
    upper = np.bincount(cluster, weight * values[:, 0])
    lower = np.bincount(cluster, weight)
    picked = rng.integers(len(upper), size=(20_000, len(upper)))
    drawn = upper[picked].sum(axis=1) / lower[picked].sum(axis=1)
    # Where all cells of a cluster are alone in a seed of their own, only that clustering is left.
    alone = crossed_effects(values, cluster, np.zeros(len(image)), weight[:, None])
    corrected = np.sqrt(drawn.var() * len(upper) / (len(upper) - 1))
    assert alone.se[0, 0] == pytest.approx(corrected, rel=0.1 if unit == "seed" else 0.04)


def test_weights_make_stratum_means_and_contrasts_their_differences(rng):
    image, seed = design(10, 200)
    values = rng.normal(size=len(image))
    hard = image < 40
    weight = np.stack([hard, ~hard, np.zeros(len(image))], axis=1)
    column = np.where(hard, values + 1, values)
    table = column[:, None]
    alone = crossed_effects(table, image, seed, weight)
    np.testing.assert_allclose(alone.estimate[:2, 0], [column[hard].mean(), column[~hard].mean()])
    assert np.isnan([alone.estimate[2], alone.se[2], alone.p_values[2]]).all()
    contrast = crossed_effects(table, image, seed, weight, across=np.array([[1, -1, 0], [0, 0, 1]]))
    assert contrast.estimate[0] == pytest.approx(column[hard].mean() - column[~hard].mean())
    assert np.isnan(contrast.estimate[1])
    # a difference of means of separate images: variances add
    assert contrast.se[0, 0] == pytest.approx(np.hypot(alone.se[0, 0], alone.se[1, 0]), rel=0.35)
    assert contrast.p_values[0, 0] < 0.001
    pair = crossed_effects(np.hstack([table, 2 * table]), image, seed, weight[:, :2])
    easy, difficult = column[~hard].mean(), column[hard].mean()
    np.testing.assert_allclose(pair.estimate, [[difficult, 2 * difficult], [easy, 2 * easy]])


def test_a_common_shift_does_not_touch_a_contrast(rng):
    """A seed effect shared by two columns cancels in their difference."""
    values, image, seed = studies(rng, 10, 1, 1, count=1)
    both = np.hstack([values, values + 0.3])
    effects = crossed_effects(both, image, seed, combine=np.array([[-1, 1]]))
    assert effects.estimate[0, 0] == pytest.approx(0.3)
    assert effects.se[0, 0] < 1e-12


def test_no_difference_at_all():
    image, seed = design(5, 50)
    effects = crossed_effects(np.zeros((50, 1)), image, seed)
    assert effects.p_values.tolist() == [[1]]
    assert effects.interval() == (0, 0)


def test_refuses_no_cells():
    with pytest.raises(DataError, match="share no image and seed"):
        crossed_effects(np.zeros((0, 2)), np.zeros(0), np.zeros(0))


def test_is_fast(rng):
    values = rng.normal(size=(20_000, 40))
    weight = np.ones((20_000, 6))
    started = time.process_time()
    crossed_effects(values, np.arange(20_000) % 10_000, np.arange(20_000) // 2000, weight)
    assert time.process_time() - started < 3
