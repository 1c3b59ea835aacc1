"""Agreement with people: does the model spread its probability as the votes are spread?"""

from typing import ClassVar

from torch import Tensor

from fedsoft.evaluation.bins import rank_correlation
from fedsoft.evaluation.metric import METRICS, Better, Metric
from fedsoft.evaluation.predictions import Predictions, Reference
from fedsoft.evaluation.quality import cross_entropy
from fedsoft.evaluation.references import entropy


class Agreement(Metric):
    """A metric that compares whole distributions, so it is read against votes only."""

    better: ClassVar[Better] = "lower"
    against: ClassVar[tuple[str, ...]] = ("vote",)


@METRICS("kl")
class KL(Agreement):
    """Kullback-Leibler divergence from the vote distribution h to the prediction p, KL(h || p), in nats.

    The cross-entropy to the people is ``nll`` against votes; this is it less the people's own entropy.
    """

    def compute(self, probs: Predictions, reference: Reference) -> Tensor:
        """Mean divergence."""
        return cross_entropy(probs, reference) - entropy(reference.rows).mean(dim=-1)


@METRICS("total_variation")
class TotalVariation(Agreement):
    """Total variation between prediction and vote distribution, ½ sum |p - h|, in [0, 1].

    DistCE of Baan et al. 2022, arXiv:2210.16133.
    """

    def compute(self, probs: Predictions, reference: Reference) -> Tensor:
        """Mean distance."""
        return (probs.probs - reference.rows).abs().sum(dim=(-1, -2)) / (2 * probs.size)


@METRICS("entropy_error")
class EntropyError(Agreement):
    """Mean of the model's less the people's entropy, H(p) - H(h), in nats: below zero is too sure.

    Signed EntCE of Baan et al. 2022, arXiv:2210.16133.
    """

    better: ClassVar[Better] = "zero"

    def compute(self, probs: Predictions, reference: Reference) -> Tensor:
        """Mean difference."""
        return probs.entropy.mean(dim=-1) - entropy(reference.rows).mean(dim=-1)


@METRICS("entropy_correlation")
class EntropyCorrelation(Agreement):
    """Spearman correlation of the model's and the people's entropies, in [-1, 1].

    Ties, such as unanimous images, share their mean rank; NaN where either side does not vary.
    """

    better: ClassVar[Better] = "higher"

    def compute(self, probs: Predictions, reference: Reference) -> Tensor:
        """Spearman's correlation."""
        return rank_correlation(probs.entropy, entropy(reference.rows))
