"""Calibration: does a stated confidence come true as often as it says?"""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from fedsoft.evaluation.bins import Binning, bin_index, bin_sums
from fedsoft.evaluation.metric import METRICS, Better, Metric
from fedsoft.evaluation.predictions import Predictions, Reference


class Calibration(Metric):
    """A metric that falls as calibration improves, biased upwards on few examples."""

    better: ClassVar[Better] = "lower"
    floor: ClassVar[bool] = True


class Binned(Calibration):
    """A calibration metric on bins of confidence, or of every class's probability."""

    bins: int = Field(15, ge=1, description="number of bins")
    binning: Binning = Field("width", description="equal width, or equal mass (equally many examples)")


@METRICS("signed_gap")
class SignedGap(Metric):
    """Mean confidence - accuracy, in [-1, 1]: above zero is overconfident. No bins, so no binning bias."""

    better: ClassVar[Better] = "zero"

    def compute(self, probs: Predictions, reference: Reference) -> Tensor:
        """Mean of confidence - hit."""
        return (probs.confidence - reference.hit(probs)).mean(dim=-1)


@METRICS("ece")
class ECE(Binned):
    """Expected calibration error: mean |confidence - accuracy| of the top class over bins, in [0, 1].

    Naeini et al., AAAI 2015. Biased upwards on few examples: read it beside its floor.
    """

    def compute(self, probs: Predictions, reference: Reference) -> Tensor:
        """Sum over bins of |sum of confidence - hit| / N."""
        bins = probs.bins(self.bins, self.binning)
        return (bins.score - bins.sums(reference.hit(probs))).abs().sum(dim=-1) / probs.size

    def contributions(self, confidence: Tensor, hit: Tensor) -> Tensor:
        """Each example's confidence - hit with the sign of its bin's sum: (..., N), whose mean is the ECE.

        Away from zero, where the signs are sure, they make its interval that of a mean.
        """
        return self.signs(confidence, hit) * (confidence - hit)

    def signs(self, confidence: Tensor, hit: Tensor) -> Tensor:
        """The sign (..., N) of the sum of confidence - hit in each example's bin."""
        index = bin_index(confidence, self.bins, self.binning)
        return bin_sums(index, confidence - hit, self.bins).sign().gather(-1, index.expand(hit.shape))


@METRICS("ece_mass")
class ECEMass(ECE):
    """Expected calibration error on bins of equal mass, in [0, 1].

    Less biased than equal width (Roelofs et al. 2022, arXiv:2012.08668).
    """

    binning: Binning = Field("mass", description="equal mass (equally many examples), or equal width")


@METRICS("mce")
class MCE(Binned):
    """Maximum calibration error: |confidence - accuracy| in the worst bin that holds examples, in [0, 1].

    Naeini et al., AAAI 2015. One example can decide it: its floor is high.
    """

    def compute(self, probs: Predictions, reference: Reference) -> Tensor:
        """Largest mean gap of a bin."""
        bins = probs.bins(self.bins, self.binning)
        return ((bins.score - bins.sums(reference.hit(probs))).abs() / bins.filled).amax(dim=-1)


@METRICS("squared_ce")
class SquaredCE(Binned):
    """Debiased squared calibration error of the top class; near 0, also below it, when calibrated.

    Kumar, Liang, Ma 2019, arXiv:1909.10155: the squared gap of each bin less the variance of its mean
    hit, the sample variance / n, which for hits of 0 and 1 is hit (1 - hit) / (n - 1). Bins with one
    example add nothing, as in the authors' code.
    """

    floor: ClassVar[bool] = False
    binning: Binning = Field("mass", description="equal mass (equally many examples), or equal width")

    def compute(self, probs: Predictions, reference: Reference) -> Tensor:
        """Mean over examples of their bin's debiased squared gap."""
        bins, hit = probs.bins(self.bins, self.binning), reference.hit(probs)
        mean = bins.sums(hit) / bins.filled
        spread = bins.sums((hit - mean.gather(-1, bins.index.expand(hit.shape))).square())
        variance = spread / (bins.count - 1).clamp_min(1) / bins.filled
        debiased = (bins.score / bins.filled - mean).square() - variance
        return (bins.count * debiased.where(bins.count > 1, 0.0)).sum(dim=-1) / probs.size


@METRICS("classwise_ece")
class ClasswiseECE(Binned):
    """Expected calibration error of every class's probability, averaged over classes, in [0, 1].

    Kull et al. 2019, arXiv:1910.12656; with equal width also called static calibration error
    (Nixon et al. 2019, arXiv:1904.01685).
    """

    def compute(self, probs: Predictions, reference: Reference) -> Tensor:
        """Mean over classes of the binned gap."""
        bins = probs.class_bins(self.bins, self.binning)
        gap = bins.score - reference.class_sums(bins)
        return gap.abs().sum(dim=-1).mean(dim=-1) / probs.size


@METRICS("smooth_ece")
class SmoothECE(Calibration):
    """Smooth calibration error of the top class: a kernel in place of bins, in [0, 1].

    Błasiok and Nakkiran 2023, arXiv:2309.12236: the residuals hit - confidence are smoothed along the
    confidence axis by a Gaussian reflected at 0 and 1, and the mean absolute result is taken at the
    width that equals it. Residuals are spread on a grid, so values below 0.004 are not resolved.
    """

    cells: ClassVar[int] = 256
    steps: ClassVar[int] = 9

    def compute(self, probs: Predictions, reference: Reference) -> Tensor:
        """The width that is its own smoothed error, by regula falsi (Illinois: Dowell and Jarratt 1971)."""
        confidence, hit = probs.confidence, reference.hit(probs)
        residual = (hit - confidence) / probs.size
        place = confidence.clamp(0, 1) * self.cells
        left = place.floor().clamp_max(self.cells - 1)
        low = bin_sums(left.long(), residual * (1 - (place - left)), self.cells + 1)
        mass = low + bin_sums(left.long() + 1, residual * (place - left), self.cells + 1)
        # Reflection at both ends makes the residuals even with period 2; there a Gaussian acts on
        # each frequency pi k by the factor exp(-(pi k width)² / 2).
        circle = torch.nn.functional.pad(mass.float(), (0, self.cells - 1))  # a grid resolves no more
        waves = torch.fft.rfft(circle + circle.flip(-1).roll(1, -1))
        frequency = torch.pi * torch.arange(self.cells + 1, device=mass.device)

        def smoothed(width: Tensor) -> Tensor:
            # Beyond 60 there is nothing left, and numbers too small to be normal are slow.
            decay = (frequency * width.unsqueeze(-1)).square_().div_(-2).clamp_min_(-60)
            damped = waves * decay.exp_()
            return torch.fft.irfft(damped, n=2 * self.cells).abs().sum(dim=-1) / 2

        narrow, wide = torch.zeros_like(circle[..., 0]), torch.ones_like(circle[..., 0])
        above, below = smoothed(narrow) - narrow, smoothed(wide) - wide
        tiny = torch.finfo(circle.dtype).tiny
        kept = torch.zeros_like(narrow)  # which end stayed last: 1 the wide one, -1 the narrow one
        for _ in range(self.steps):
            width = narrow + (wide - narrow) * above / (above - below).clamp_min(tiny)
            excess = smoothed(width) - width
            short = excess > 0
            # An end that stays twice counts half, or it would stay for ever.
            below, above = (
                (below / 2).where(short & (kept > 0), below),
                (above / 2).where(~short & (kept < 0), above),
            )
            narrow, above = width.where(short, narrow), excess.where(short, above)
            wide, below = wide.where(short, width), below.where(short, excess)
            kept = 2.0 * short - 1
        # The error changes slowly with the width, so it is nearer to the crossing than the width is.
        return width + excess
