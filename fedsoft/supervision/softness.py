"""What the noise of label privacy does to the softness of targets, before and after it is corrected for."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from fedsoft.privacy import LabelMechanism
from fedsoft.privacy.labels.simplex import project_to_simplex
from fedsoft.supervision.evidence import Evidence
from fedsoft.supervision.matching import entropy
from fedsoft.supervision.measures import dose
from fedsoft.supervision.source import LabelSource, private_answers

Stage = Literal["clear", "uncorrected", "corrected", "trained"]
"""Targets of the answers in the clear; of private answers as they are told; of these once corrected for the
noise, before they are projected onto the simplex; and those that are trained on."""

Softness = dict[Stage, dict[str, float]]
"""By stage, means over examples: entropy (nats), top_mass, and dose (total variation to the targets in the
clear). Targets that may leave the simplex have a dose alone."""


def measure_softness(
    source: LabelSource,
    evidence: Evidence,
    privacy: LabelMechanism,
    stream: Callable[[str], np.random.Generator],
) -> Softness:
    """The softness of a source's targets, stage by stage, from the same answers and the same noise as theirs.

    Args:
        source: a source that is made of answers.
        evidence: what is known of the N examples.
        privacy: the mechanism.
        stream: gives the generator for a purpose, the same each time.
    """
    answers = source.answers(evidence, stream("votes bought"))
    assert answers is not None, "without answers nothing is told"
    told = private_answers(source, evidence, answers)
    corrected = privacy.release(told, stream("randomized response"))
    soft: dict[Stage, np.ndarray] = {
        "clear": answers / told.total[:, None],
        "uncorrected": project_to_simplex(privacy.uncorrected(told, stream("randomized response"))),
        "trained": project_to_simplex(corrected) if privacy.project else corrected,
    }
    if source.linear:
        soft["corrected"] = corrected
    targets = {
        stage: source.targets(replace(evidence, soft=rows), stream("targets")) for stage, rows in soft.items()
    }
    return {stage: _measures(rows, targets["clear"]) for stage, rows in targets.items()}


def mean_softness(parts: Sequence[tuple[Softness, int]]) -> Softness:
    """The means over several parts, each with its weight; what some part lacks is left out."""
    known = [(part, weight) for part, weight in parts if part]
    if not known:
        return {}
    total = sum(weight for _, weight in known)
    return {
        stage: {
            name: sum(part[stage][name] * weight for part, weight in known) / total
            for name in measures
            if all(name in part.get(stage, {}) for part, _ in known)
        }
        for stage, measures in known[0][0].items()
    }


def _measures(targets: np.ndarray, clear: np.ndarray) -> dict[str, float]:
    measured = {"dose": dose(targets, clear)}
    if (targets < 0).any():
        return measured
    return {
        "entropy": float(entropy(targets).mean()),
        "top_mass": float(targets.max(axis=1).mean()),
        **measured,
    }
