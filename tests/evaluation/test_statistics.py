import time

import numpy as np
import pytest
from scipy import stats

from fedsoft.errors import DataError
from fedsoft.evaluation import two_way_bootstrap


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
    effects = two_way_bootstrap(*studies(rng, seeds, image_effect, seed_effect), rng, draws=1000)
    low, high = effects.interval()
    assert ((low <= 0) & (high >= 0)).mean() >= 0.92
    assert (effects.p_values < 0.05).mean() <= 0.08


def test_a_planted_effect_of_four_standard_errors_is_found(rng):
    values, image, seed = studies(rng, 10, 1, 0.25)
    true_se = np.sqrt(1 / 200 + 0.25**2 / 10 + 1 / len(image))
    effects = two_way_bootstrap(values + 4 * true_se, image, seed, rng)
    # power of a t test with 9 df at 4 standard errors: .945
    power = stats.nct.sf(stats.t.isf(0.025, 9), 9, 4)
    assert (effects.p_values < 0.05).mean() > power - 4 * np.sqrt(power * (1 - power) / 400)


def test_standard_error_of_crossed_effects(rng):
    """Its square is near the sum of the three parts that made the data."""
    effects = two_way_bootstrap(*studies(rng, 10, 1, 0.6), rng, draws=3000)
    true = 1 / 200 + 0.6**2 / 10 + 1 / 400
    assert (effects.se**2).mean() == pytest.approx(true, rel=0.12)


def test_one_seed_is_the_classical_standard_error_over_images(rng):
    values = rng.normal(size=(500, 3))
    effects = two_way_bootstrap(values, np.arange(500), np.zeros(500), rng, draws=4000)
    assert effects.images_only
    assert effects.df == np.inf
    np.testing.assert_allclose(effects.estimate, values.mean(axis=0))
    np.testing.assert_allclose(effects.se, stats.sem(values), rtol=0.06)


def test_seed_effects_alone_give_the_classical_t_interval(rng):
    """With nothing but seed effects the interval is that of a t test on the seeds' means."""
    image, seed = design(10, 100)
    means = rng.normal(size=10)
    effects = two_way_bootstrap(means[seed][:, None], image, seed, rng, draws=20_000)
    assert effects.df == 9
    assert effects.se[0] == pytest.approx(stats.sem(means), rel=0.02)
    reference = stats.ttest_1samp(means, 0).confidence_interval()
    low, high = effects.interval()
    assert (low[0], high[0]) == pytest.approx((reference.low, reference.high), abs=0.02)


def test_weights_make_stratum_means_and_contrasts_their_differences(rng):
    image, seed = design(10, 200)
    values = rng.normal(size=len(image))
    hard = image < 40
    weight = np.stack([hard, ~hard, np.zeros(len(image))], axis=1)
    column = np.where(hard, values + 1, values)
    table = column[:, None]
    alone = two_way_bootstrap(table, image, seed, rng, weight=weight)
    np.testing.assert_allclose(alone.estimate[:2], [column[hard].mean(), column[~hard].mean()])
    assert np.isnan([alone.estimate[2], alone.se[2], alone.p_values[2]]).all()
    contrast = two_way_bootstrap(
        table, image, seed, rng, weight=weight, contrasts=np.array([[1, -1, 0], [0, 0, 1]])
    )
    assert contrast.estimate[0] == pytest.approx(column[hard].mean() - column[~hard].mean())
    assert np.isnan(contrast.estimate[1])
    # a difference of means of separate images: variances add
    assert contrast.se[0] == pytest.approx(np.hypot(alone.se[0], alone.se[1]), rel=0.35)
    assert contrast.p_values[0] < 0.001
    pair = two_way_bootstrap(np.hstack([table, 2 * table]), image, seed, rng, weight=weight[:, :2])
    easy, difficult = column[~hard].mean(), column[hard].mean()
    np.testing.assert_allclose(pair.estimate, [difficult, 2 * difficult, easy, 2 * easy])


def test_a_common_shift_does_not_touch_a_contrast(rng):
    """A seed effect shared by two columns cancels in their difference."""
    values, image, seed = studies(rng, 10, 1, 1, count=1)
    both = np.hstack([values, values + 0.3])
    effects = two_way_bootstrap(both, image, seed, rng, contrasts=np.array([[-1, 1]]))
    assert effects.estimate[0] == pytest.approx(0.3)
    assert effects.se[0] < 1e-12


def test_no_difference_at_all(rng):
    image, seed = design(5, 50)
    effects = two_way_bootstrap(np.zeros((50, 1)), image, seed, rng)
    assert effects.p_values.tolist() == [1]
    assert effects.interval() == (0, 0)


def test_refuses_no_cells(rng):
    with pytest.raises(DataError, match="share no image and seed"):
        two_way_bootstrap(np.zeros((0, 2)), np.zeros(0), np.zeros(0), rng)


def test_is_fast(rng):
    values = rng.normal(size=(10_000, 100))
    started = time.process_time()
    two_way_bootstrap(values, np.arange(10_000) % 5000, np.arange(10_000) // 1000, rng, draws=1000)
    assert time.process_time() - started < 3
