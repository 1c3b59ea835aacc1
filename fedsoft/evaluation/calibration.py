"""Calibration: does a stated confidence come true as often as it says?"""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from fedsoft.evaluation.bins import Binning, bin_index, bin_sums
from fedsoft.evaluation.metric import METRICS, Better, Metric, top


class Calibration(Metric):
    """A metric that falls as calibration improves, biased upwards on few examples."""

    better: ClassVar[Better] = "lower"
    floor: ClassVar[bool] = True


class Binned(Calibration):
    """A calibration metric on bins of confidence."""

    bins: int = Field(15, ge=1, description="number of bins")
    binning: Binning = Field("width", description="equal width, or equal mass (equally many examples)")

    def gaps(self, score: Tensor, outcome: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Count, sum of score - outcome, and bin of each example: (..., bins) twice and (..., N)."""
        index = bin_index(score, self.bins, self.binning)
        count = bin_sums(index, torch.ones_like(score), self.bins)
        return count, bin_sums(index, score - outcome, self.bins), index


@METRICS("signed_gap")
class SignedGap(Metric):
    """Mean confidence - accuracy, in [-1, 1]: above zero is overconfident. No bins, so no binning bias."""

    better: ClassVar[Better] = "zero"

    def compute(self, probs: Tensor, reference: Tensor) -> Tensor:
        """Mean of confidence - hit."""
        confidence, hit = top(probs, reference)
        return (confidence - hit).mean(dim=-1)


@METRICS("ece")
class ECE(Binned):
    """Expected calibration error: mean |confidence - accuracy| of the top class over bins, in [0, 1].

    Naeini et al., AAAI 2015. Biased upwards on few examples: read it beside its floor.
    """

    def compute(self, probs: Tensor, reference: Tensor) -> Tensor:
        """Sum over bins of |sum of confidence - hit| / N."""
        confidence, hit = top(probs, reference)
        return self.gaps(confidence, hit)[1].abs().sum(dim=-1) / confidence.shape[-1]

    def contributions(self, confidence: Tensor, hit: Tensor) -> Tensor:
        """Each example's confidence - hit with the sign of its bin's sum: (..., N), whose mean is the ECE.

        Away from zero, where the signs are sure, they make its interval that of a mean.
        """
        _, gap, index = self.gaps(confidence, hit)
        return gap.sign().gather(-1, index.expand(hit.shape)) * (confidence - hit)


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

    def compute(self, probs: Tensor, reference: Tensor) -> Tensor:
        """Largest mean gap of a bin."""
        count, gap, _ = self.gaps(*top(probs, reference))
        return (gap.abs() / count.clamp_min(1)).amax(dim=-1)


@METRICS("squared_ce")
class SquaredCE(Binned):
    """Debiased squared calibration error of the top class; near 0, also below it, when calibrated.

    Kumar, Liang, Ma 2019, arXiv:1909.10155: the squared gap of each bin less the variance of its mean
    hit, the sample variance / n, which for hits of 0 and 1 is hit (1 - hit) / (n - 1). Bins with one
    example add nothing, as in the authors' code.
    """

    floor: ClassVar[bool] = False
    binning: Binning = Field("mass", description="equal mass (equally many examples), or equal width")

    def compute(self, probs: Tensor, reference: Tensor) -> Tensor:
        """Mean over examples of their bin's debiased squared gap."""
        confidence, hit = top(probs, reference)
        count, gap, index = self.gaps(confidence, hit)
        mean = bin_sums(index, hit, self.bins) / count.clamp_min(1)
        spread = bin_sums(index, (hit - mean.gather(-1, index.expand(hit.shape))).square(), self.bins)
        variance = spread / (count - 1).clamp_min(1) / count.clamp_min(1)
        debiased = (gap / count.clamp_min(1)).square() - variance
        return (count * debiased.where(count > 1, 0.0)).sum(dim=-1) / confidence.shape[-1]


@METRICS("classwise_ece")
class ClasswiseECE(Binned):
    """Expected calibration error of every class's probability, averaged over classes, in [0, 1].

    Kull et al. 2019, arXiv:1910.12656; with equal width also called static calibration error
    (Nixon et al. 2019, arXiv:1904.01685).
    """

    def compute(self, probs: Tensor, reference: Tensor) -> Tensor:
        """Mean over classes of the binned gap."""
        _, gap, _ = self.gaps(probs.transpose(-1, -2), reference.transpose(-1, -2))
        return gap.abs().sum(dim=-1).mean(dim=-1) / probs.shape[-2]


@METRICS("smooth_ece")
class SmoothECE(Calibration):
    """Smooth calibration error of the top class: a kernel in place of bins, in [0, 1].

    Błasiok and Nakkiran 2023, arXiv:2309.12236: the residuals hit - confidence are smoothed along the
    confidence axis by a Gaussian reflected at 0 and 1, and the mean absolute result is taken at the
    width that equals it. Residuals are spread on a grid, so values below 0.004 are not resolved.
    """

    cells: ClassVar[int] = 256
    halvings: ClassVar[int] = 16

    def compute(self, probs: Tensor, reference: Tensor) -> Tensor:
        """The width that is its own smoothed error, by bisection."""
        confidence, hit = top(probs, reference)
        residual = (hit - confidence) / confidence.shape[-1]
        place = confidence.clamp(0, 1) * self.cells
        left = place.floor().clamp_max(self.cells - 1)
        low = bin_sums(left.long(), residual * (1 - (place - left)), self.cells + 1)
        mass = low + bin_sums(left.long() + 1, residual * (place - left), self.cells + 1)
        # Reflection at both ends makes the residuals even with period 2; there a Gaussian acts on
        # each frequency pi k by the factor exp(-(pi k width)² / 2).
        circle = torch.nn.functional.pad(mass, (0, self.cells - 1))
        waves = torch.fft.rfft(circle + circle.flip(-1).roll(1, -1))
        frequency = torch.pi * torch.arange(self.cells + 1, dtype=probs.dtype, device=probs.device)

        def smoothed(width: Tensor) -> Tensor:
            damped = waves * torch.exp(-(frequency * width.unsqueeze(-1)).square() / 2)
            return torch.fft.irfft(damped, n=2 * self.cells).abs().sum(dim=-1) / 2

        narrow, wide = torch.zeros_like(residual[..., 0]), torch.ones_like(residual[..., 0])
        for _ in range(self.halvings):
            width = (narrow + wide) / 2
            above = smoothed(width) > width
            narrow, wide = width.where(above, narrow), wide.where(above, width)
        # The error changes slowly with the width, so it is nearer to the crossing than the width is.
        return smoothed((narrow + wide) / 2)
