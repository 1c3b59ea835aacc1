"""Controls: instruments that differ from a human source in exactly one thing."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from fedsoft.supervision.evidence import Evidence
from fedsoft.supervision.matching import (
    Match,
    entropy,
    mass_of_entropy,
    mode_matched,
    spread,
)
from fedsoft.supervision.source import SOURCES, LabelSource


def _matched(evidence: Evidence, name: str, rng: np.random.Generator) -> np.ndarray:
    return mode_matched(evidence.need("soft", name), evidence.labels, rng)


@SOURCES("shuffled_mode_matched")
class ShuffledModeMatched(LabelSource):
    """The mode-matched soft labels permuted among images of one label: the same softness, wrong images."""

    sees_labels: ClassVar[bool] = True

    across: Literal["client", "all"] = Field("client", description="permute within each client, or over all")

    def targets(self, evidence: Evidence, rng: np.random.Generator) -> np.ndarray:
        """h' of another image with the same label (and of the same client)."""
        soft = _matched(evidence, "shuffled_mode_matched", rng)
        client = evidence.client if self.across == "client" else np.zeros_like(evidence.client)
        inside = np.lexsort((evidence.labels, client))
        shuffled = np.lexsort((rng.random(len(evidence)), evidence.labels, client))
        targets = np.empty_like(soft)
        targets[inside] = soft[shuffled]
        return targets


@SOURCES("mass_only")
class MassOnly(LabelSource):
    """The mass that the mode-matched soft label gives the label stays there, the rest is spread evenly.

    Differs from `human_soft_mode_matched` in which other classes get mass, not in how much, image by image.
    """

    sees_labels: ClassVar[bool] = True

    def targets(self, evidence: Evidence, rng: np.random.Generator) -> np.ndarray:
        """Rows with h'(y) on the label."""
        mass = _matched(evidence, "mass_only", rng)[np.arange(len(evidence)), evidence.labels]
        return spread(mass, evidence.labels, evidence.classes)


@SOURCES("entropy_only")
class EntropyOnly(LabelSource):
    """The label on top, the rest even, with the entropy of the mode-matched soft label, image by image."""

    sees_labels: ClassVar[bool] = True

    def targets(self, evidence: Evidence, rng: np.random.Generator) -> np.ndarray:
        """Rows of the same entropy as h'."""
        mass = mass_of_entropy(entropy(_matched(evidence, "entropy_only", rng)), evidence.classes)
        return spread(mass, evidence.labels, evidence.classes)


@SOURCES("human_class_mean")
class HumanClassMean(LabelSource):
    """The mean mode-matched soft label of the training images with that label: no votes on the image."""

    sees_labels: ClassVar[bool] = True

    def targets(self, evidence: Evidence, rng: np.random.Generator) -> np.ndarray:
        """The class's mean h' for each image."""
        soft = _matched(evidence, "human_class_mean", rng)
        sums = np.zeros((evidence.classes, evidence.classes))
        np.add.at(sums, evidence.labels, soft)
        counts = np.bincount(evidence.labels, minlength=evidence.classes)
        return (sums / np.maximum(counts, 1)[:, None])[evidence.labels]


@SOURCES("smoothing")
class Smoothing(LabelSource):
    """Uniform label smoothing, as soft as people on average (by entropy or by top mass), or at a fixed rate.

    Szegedy et al. 2016, arXiv:1512.00567. Differs from `entropy_only` / `mass_only` in that every image
    gets the same softness.
    """

    sees_labels: ClassVar[bool] = True

    match: Match = Field("entropy", description="what is matched to the mode-matched soft labels on average")
    rate: float | None = Field(None, ge=0, lt=1, description="mass moved off the label; without it, matched")

    @property
    def needs_votes(self) -> bool:
        """A matched smoothing looks at votes, one at a fixed rate does not."""
        return self.rate is None

    @property
    def borrows_rate(self) -> bool:
        """A matched smoothing takes its one rate from people."""
        return self.rate is None

    def targets(self, evidence: Evidence, rng: np.random.Generator) -> np.ndarray:
        """The same row for each label."""
        if self.rate is not None:
            mass = 1 - self.rate
        else:
            soft = _matched(evidence, "smoothing", rng)
            if self.match == "entropy":
                mass = float(mass_of_entropy(entropy(soft).mean(keepdims=True), evidence.classes)[0])
            else:
                mass = float(soft[np.arange(len(soft)), evidence.labels].mean())
        return spread(np.full(len(evidence), mass), evidence.labels, evidence.classes)
