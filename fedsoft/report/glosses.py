"""What each arm of a study is, in a few plain words."""

from collections.abc import Callable

from fedsoft.config import Arm
from fedsoft.supervision.teacher import Teacher
from fedsoft.training import Training

SOURCES = {
    "hard": "each label taken as certain",
    "human_hard": "people's most frequent answer, taken as certain",
    "human_soft": "the shares of people's votes",
    "human_soft_mode_matched": "the shares of votes, with the label on top",
    "human_soft_shrunk": "shares of votes, less the noise of few votes",
    "human_soft_denoised": "shares of votes, less noise and slips",
    "mass_only": "as sure of the label as people are, the rest even",
    "entropy_only": "as uncertain as people, the rest even",
    "shuffled_mode_matched": "another example's shares of votes (a control)",
    "human_class_mean": "one vector a class, the mean of its votes",
    "smoothing": "the same softness for every example",
    "noise_matched": "targets in the clear, as soft as noise alone makes them",
    "votes_k": "shares of only a few votes each",
    "teacher": "another model's forecasts",
    "ensemble": "several models' mean forecasts",
    "stochastic": "shares of votes, delivered as drawn hard labels",
    "multipass": "votes one by one",
    "dawid_skene": "one true class, from who answered what",
    "one_coin": "one true class, from how reliable people are",
    "wawa": "votes weighted by how often people agree",
    "mace": "one true class, from who answers by habit",
    "glad": "one true class, from people's ability and examples' easiness",
}
"""By source; one that is not here is glossed by the first sentence of its documentation."""


def gloss(arm: Arm) -> str:
    """An arm in words: its labels, and what is done to the model beside."""
    if arm.source is None:
        beside = extras(arm)
        return "; ".join([_own(arm.own), *beside]) if beside else f"{_own(arm.own)}, as they are"
    source = type(arm.source)
    words = SOURCES.get(source.name) or (source.__doc__ or "").strip().split(".")[0].split(":")[0]
    if source.name == "votes_k":
        count = int(arm.source.k)  # type: ignore[attr-defined]
        words = "one vote each" if count == 1 else f"shares of {count} votes each"
    if isinstance(arm.source, Teacher) and arm.source.own is not None:
        words = _own(arm.source.own)
    return "; ".join([words, *extras(arm)])


def _own(name: str | None) -> str:
    return f"your own model {name}'s forecasts"


def extras(arm: Arm) -> list[str]:
    """What is done to an arm's model beside training on its labels, each in a few words."""
    said = [_TRAINING[key](arm.training) for key in sorted(arm.training.model_fields_set) if key in _TRAINING]
    if arm.members > 1:
        said.append(f"{arm.members} models averaged")
    if arm.calibration:
        fitted = "one vote each" if arm.calibration.on == "vote" else "labels"
        kind = type(arm.calibration).name.replace("_", " ")
        noise = "" if arm.calibration.spends is None else f" with noise of ε {arm.calibration.spends:g}"
        said.append(f"{kind} fitted to {fitted}{noise}{_SCOPES[arm.calibration.scope]}")
    return said


_SCOPES = {"all": "", "federated": ", by sums across clients", "client": ", by each client"}
_AUGMENT: dict[str, str] = {
    "none": "images as they are",
    "crops": "random crops",
    "flips": "random flips",
    "crops_and_flips": "random crops and flips",
}
_TRAINING: dict[str, Callable[[Training], str]] = {
    "stop": lambda t: "stopped early by validation" if t.stop == "best_validation" else "trained to the end",
    "weight_decay": lambda t: f"weight decay {t.weight_decay:g}",
    "mixup": lambda t: f"mixup {t.mixup:g}",
    "augment": lambda t: _AUGMENT[t.augment],
    "loss": lambda t: f"{type(t.loss).name.replace('_', ' ')} loss",
    "lr": lambda t: f"learning rate {t.lr:g}",
}
