"""What a study with private training must leave out, since noise could not protect it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedsoft.federation import StrategyOptions
from fedsoft.privacy import DpSgd, ModelMechanism
from fedsoft.training import COUPLED, Training, changed

if TYPE_CHECKING:
    from fedsoft.config.study import Study


def check_private_model(study: Study) -> None:
    """Refuse what ``privacy.model`` cannot protect.

    Raises:
        ValueError: with the cause and the mend.
    """
    private = study.privacy and study.privacy.in_force()
    if not private or not private.model:
        return
    _check_arms(study)
    by_example = isinstance(private.model, DpSgd)
    for strategy in study.strategies:
        _check_strategy(strategy, private.model)
        for arm in study.arms if by_example else ():
            _check_by_example(arm.trained(changed(study.training, strategy.training)))
    if by_example and study.scenario.partition.overlaps:
        raise ValueError(
            f"privacy.model dp_sgd counts what one client gives away of an example, but partition "
            f"{study.scenario.partition.name!r} gives an image to several; choose another"
        )


def _check_arms(study: Study) -> None:
    """Refuse arms that see labels in the clear, or spend more than is counted."""
    for arm in study.arms:
        if arm.members > 1:
            raise ValueError(
                f"rival {arm.label()!r} trains {arm.members} models, each of which would spend ε anew; leave "
                "it out of a study with privacy.model"
            )
    for source in study.chosen_sources:
        if source.needs_predictions:
            raise ValueError(
                f"source {source.label()!r} learns from a model that was trained without noise, which "
                "privacy.model does not protect; leave it out"
            )
        if study.privacy and isinstance(study.privacy.model, DpSgd) and source.delivery != "whole":
            raise ValueError(
                f"source {source.label()!r} delivers hard labels epoch by epoch, and steps of dp_sgd draw "
                "their examples anew instead of in epochs; leave it out, or choose dp_fedavg"
            )


def _check_strategy(strategy: StrategyOptions, mechanism: ModelMechanism) -> None:
    """Refuse strategies that are told more than is protected."""
    if not isinstance(mechanism, DpSgd):
        if not strategy.of_means:
            raise ValueError(
                f"strategy {strategy.label()!r} sees more of clients than the mean of their updates, which "
                "is all that dp_fedavg protects; choose fedavg, fedprox, fedavgm, fedadam, fedyogi or "
                "fedadagrad"
            )
    elif strategy.needs not in ("nothing", "unlabelled examples"):
        raise ValueError(
            f"strategy {strategy.label()!r} needs {strategy.needs}, which dp_sgd does not protect; choose "
            "one that is given models alone, such as fedavg"
        )
    elif strategy.couples_examples:
        raise ValueError(
            f"strategy {strategy.label()!r} adds a calibration gap of whole batches to the loss, and dp_sgd "
            "clips the gradient of each example by itself; choose another"
        )


def _check_by_example(training: Training) -> None:
    """Refuse local training in which an example's gradient is not its own."""
    if training.mixup:
        raise ValueError(
            "training.mixup puts an example into several gradients, and dp_sgd clips that of each example by "
            "itself; set it to 0"
        )
    if training.loss.name in COUPLED:
        raise ValueError(
            f"training.loss {training.loss.name!r} is of a batch as a whole, and dp_sgd clips the gradient "
            "of each example by itself; choose cross_entropy, focal or confidence_penalty"
        )
