"""The effects of the design, and the ways in which two sources are compared."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from fedsoft.evaluation import (
    SMALLEST,
    Judges,
    apply_temperature,
    entropy,
    fit_temperature,
    onehot,
    temperature_for_confidence,
)
from fedsoft.supervision.noise_matched import label_of_control

View = Literal["raw", "equal_confidence", "calibrated_confidence", "own_temperature", "own_temperature_vote"]
VIEWS: tuple[View, ...] = get_args(View)
VIEW_NAMES: dict[View, str] = {
    "raw": "as predicted",
    "equal_confidence": "at equal mean confidence, the baseline's",
    "calibrated_confidence": "at equal mean confidence, the baseline's once calibrated",
    "own_temperature": "after each source's own temperature",
    "own_temperature_vote": "after each source's own temperature, fitted to one vote an example",
}
CHAIN: dict[str, dict[str, int]] = {
    "amount": {"mass_only": 1, "hard": -1},
    "classes": {"human_soft_mode_matched": 1, "mass_only": -1},
    "place": {"human_soft_mode_matched": 1, "shuffled_mode_matched": -1},
    "softness": {"human_soft_mode_matched": 1, "hard": -1},
    "mode": {"human_hard": 1, "hard": -1},
    "interaction": {"human_soft": 1, "human_soft_mode_matched": -1, "human_hard": -1, "hard": 1},
    "sampling": {"human_soft": 1, "human_soft_shrunk": -1},
    "carelessness": {"human_soft_shrunk": 1, "human_soft_denoised": -1},
}
"""Each effect as a combination of label sources by name (amount + classes = softness)."""


@dataclass(frozen=True)
class Effect:
    """A named combination of sources, as one coefficient for each source of the study."""

    name: str
    formula: str
    coefficients: np.ndarray


def effects_of(sources: Sequence[str], baselines: Sequence[str]) -> list[Effect]:
    """The effects that a study's sources allow: the chain, then every source less each of the baselines, then
    every private source less the smoothing that its noise would be mistaken for."""
    # A source stands for its name, whatever its options, if it is the only one of that name; a rival, which
    # is spelled with a plus, never does.
    names = [source if " + " in source else source.partition("(")[0] for source in sources]
    label = {name: source for name, source in zip(names, sources, strict=True) if names.count(name) == 1}
    combinations = [
        (effect, {label[name]: sign for name, sign in terms.items()})
        for effect, terms in CHAIN.items()
        if label.keys() >= terms.keys()
    ]
    known = [terms for _, terms in combinations]
    for baseline in dict.fromkeys(baselines):
        for source in sources:
            if source != baseline and (terms := {source: 1, baseline: -1}) not in known:
                combinations.append((difference(source, baseline), terms))
                known += [terms, {baseline: 1, source: -1}]
    for source in sources:
        control = label_of_control(source)
        if control in sources and (terms := {source: 1, control: -1}) not in known:
            combinations.append((difference(source, control), terms))
    return [Effect(name, _formula(terms), _vector(terms, sources)) for name, terms in combinations]


def difference(source: str, baseline: str) -> str:
    """The name of the effect of one source less another."""
    return f"{source} − {baseline}"


def _formula(terms: dict[str, int]) -> str:
    text = " ".join(f"{'+' if sign > 0 else '−'} {source}" for source, sign in terms.items())
    return text.removeprefix("+ ")


def _vector(terms: dict[str, int], sources: Sequence[str]) -> np.ndarray:
    return np.array([float(terms.get(source, 0)) for source in sources])


def views(
    test: Tensor, validation: Tensor | None, labels: Tensor | None, votes: Tensor | None, baseline: int
) -> Iterator[tuple[View, Tensor, str]]:
    """Predictions of J sources as they are and tempered, none of it with test labels.

    A level of confidence depends on the baseline alone, so that other sources in a study change no
    comparison.

    Args:
        test: (J, N, C) predictions of one seed on its test fold.
        validation: (J, V, C) predictions on validation examples, or None.
        labels: (V, C) or (J, V, C) one-hot labels of these, or None.
        votes: (V, C) or (J, V, C) one vote for each of these, one-hot, or None.
        baseline: whose mean confidence all are tempered to.

    Yields:
        a view, its predictions (J, N, C), and the reference that it is for, empty where it is for all: raw;
        all sources at the mean confidence that the baseline has as it predicts; all at the one that it has
        after its own temperature, fitted to votes where it is compared with votes; every source after the
        temperature that fits its own validation predictions to labels, and to votes. Without them these are
        left out.
    """

    def at(level: Tensor) -> Tensor:
        return apply_temperature(test, temperature_for_confidence(test, level))

    yield "raw", test, ""
    yield "equal_confidence", at(test[baseline].amax(-1).mean()), ""
    if validation is None:
        return
    # Fitted from equal confidence, where the pseudo-examples of all are equally soft: so a mere shift of
    # confidence cancels, however few validation examples there are.
    first = temperature_for_confidence(validation, validation[baseline].amax(-1).mean())
    start, seen = apply_temperature(test, first), apply_temperature(validation, first)
    fitted: dict[View, Tensor | None] = {"own_temperature": labels, "own_temperature_vote": votes}
    for view, known in fitted.items():
        if known is not None:
            own = apply_temperature(start, fit_temperature(seen, known))
            yield view, own, ""
            calibrated = at(own[baseline].amax(-1).mean())
            for reference in ("label", "mode") if view == "own_temperature" else ("vote",):
                yield "calibrated_confidence", calibrated, reference


def example_values(probs: Tensor, references: Mapping[str, Tensor]) -> dict[tuple[str, str], Tensor]:
    """The linear metrics, example by example: (J, N) by (reference, metric).

    Args:
        probs: (J, N, C) predictions.
        references: (N, C) rows on the simplex by name; to ``vote``, vote distributions, KL is a distance of
            its own.
    """
    confidence, predicted = probs.max(-1)
    squares, logs = probs.square().sum(-1), probs.clamp_min(SMALLEST).log()
    values = {}
    for name, reference in references.items():
        hit = reference.expand_as(probs).gather(-1, predicted.unsqueeze(-1)).squeeze(-1)
        values[name, "brier"] = squares - 2 * (probs * reference).sum(-1) + 1
        values[name, "nll"] = -(logs * reference).sum(-1)
        if reference_of(name) == "vote":
            values[name, "kl"] = values[name, "nll"] - entropy(reference)
        values[name, "signed_gap"] = confidence - hit
        values[name, "accuracy"] = hit
    return values


def answer_values(probs: Tensor, name: str, judges: Judges) -> dict[tuple[str, str], Tensor]:
    """The linear metrics, answer by answer: (J, P) by (reference, metric), for the judges' P pairs.

    Args:
        probs: (J, N, C) predictions on the judges' cells.
        name: the reference that these answers make up.
        judges: who answered what.

    KL, which takes the vote's own entropy away, does so to first order: nll + log share, whose mean over a
    cell's answers is its KL (they are the KL's influence, so that intervals are those of the delta method).
    """
    cell, label = (torch.from_numpy(part).to(probs.device) for part in (judges.cell, judges.label))
    found = example_values(probs[:, cell], {name: onehot(label, probs.shape[-1])})
    share = torch.from_numpy(judges.share).to(probs.device)
    return found | {(name, "kl"): found[name, "nll"] + share.log()}


def seed_values(
    test: Tensor,
    validation: Tensor | None,
    labels: Tensor | None,
    references: Mapping[str, Tensor],
    votes: Tensor | None = None,
    baseline: int = 0,
    judges: Mapping[str, Judges] | None = None,
) -> dict[tuple[str, str, str], Tensor]:
    """Everything that one seed adds to a comparison of J sources: (J, N) by (view, reference, metric).

    Values by the answers of known people, (J, P), stand under the reference's name in `EACH`.

    Args:
        test: (J, N, C) predictions on the seed's test fold.
        validation: (J, V, C) predictions on validation examples, or None.
        labels: (V, C) or (J, V, C) one-hot labels of these, or None.
        references: (N, C) by name, what test predictions are compared with.
        votes: (V, C) or (J, V, C) one vote an example, one-hot, or None.
        baseline: whose mean confidence sources are compared at.
        judges: known people by the reference that their answers on the test fold make up.
    """
    found: dict[tuple[str, str, str], Tensor] = {}
    for view, probs, only in views(test, validation, labels, votes, baseline):
        known = {name: rows for name, rows in references.items() if only in ("", reference_of(name))}
        for (name, metric), values in example_values(probs, known).items():
            found[view, name, metric] = values
        for name, some in (judges or {}).items():
            if only in ("", reference_of(name)):
                for (_, metric), values in answer_values(probs, name, some).items():
                    found[view, EACH[name], metric] = values
    return found


HALF = "vote, other half"
"""A reference: the votes that did not cut the strata."""

EACH = {"vote": "vote, each answer", HALF: "vote, each answer of the other half"}
"""What the values of single answers stand under, by the reference that these make up."""


def reference_of(name: str) -> str:
    """The reference that a variant of it stands for."""
    return name.partition(",")[0]
