"""Models with canaries, trained in lockstep, and what they tell an attacker about the canaries' coins."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from fedsoft.errors import EngineError
from fedsoft.execution.groups import groups_of
from fedsoft.execution.lockstep import execute_hosted
from fedsoft.execution.run import Hooks, Host
from fedsoft.federation.grids import InProcessGrid
from fedsoft.federation.records import to_parameters
from fedsoft.privacy.audit import log_likelihood_ratio, log_odds, pooled_evidence
from fedsoft.streams import stream
from fedsoft.study.canaries import Canaries, Fates, Planted, choose_canaries
from fedsoft.study.data import input_tensor, load_dataset
from fedsoft.study.dealing import deal_data
from fedsoft.study.failures import Failure
from fedsoft.study.opened import OpenStudy
from fedsoft.study.prepare import Prepared, prepare
from fedsoft.study.protection import Protection
from fedsoft.study.settings import RunSettings
from fedsoft.study.store import Store
from fedsoft.training import predict

Seen = Literal["labels", "model"]
"""What the attacker looks at: what leaves clients for training, or the trained model."""

ENOUGH = 32
"""Shadow models from which on each canary's statistic has a variance of its own."""


@dataclass(frozen=True)
class Effort:
    """How much an audit does.

    Attributes:
        canaries: a model; by default a quarter of the examples, or half of clients or people, and
            150 at most.
        shadows: models that the attacker trains to know what to look for, whose coins it knows.
        attacked: models that are attacked, each with coins and noise of its own.
        draw: number of the audit's draws: another one repeats it.
        members: whether to ask who was trained on, too, where nothing is claimed of it.
    """

    canaries: int | None = None
    shadows: int = 32
    attacked: int = 16
    draw: int = 0
    members: bool = False

    @property
    def runs(self) -> range:
        """Numbers of the models: the shadows first."""
        first = 1 + self.draw * (self.shadows + self.attacked)
        return range(first, first + self.shadows + self.attacked)


@dataclass(frozen=True)
class Claim:
    """What is to be hidden of one unit, and by what.

    Attributes:
        of: what is made private: the "labels", or the "training", of which the model alone is seen.
        mechanism: label of the mechanism; None where there is none.
        unit: one "vote" or "image", an "annotator", an "example", or a "client".
        fates: what a coin decides of a canary.
        epsilon: ε; None where nothing is claimed.
        delta: δ.
    """

    of: Literal["labels", "training"]
    mechanism: str | None
    unit: str
    fates: Fates
    epsilon: float | None = None
    delta: float = 0.0


@dataclass(frozen=True)
class Evidence:
    """What attacked models tell about the coins of their M canaries.

    Attributes:
        seen: what the attacker looked at.
        score: (attacked, M) evidence of heads, above 0, or of tails.
        coin: (attacked, M) bool, the coins.
    """

    seen: Seen
    score: np.ndarray
    coin: np.ndarray


@dataclass(frozen=True)
class Attack:
    """Models of one run with one kind of canary, ready to be trained and looked at.

    Attributes:
        claim: what it is on.
        runs: settings of the models, the shadows first.
        planted: their canaries and coins.
        shadows: how many are the attacker's own.
        study: what to execute them like.
    """

    claim: Claim
    runs: list[RunSettings]
    planted: list[Planted]
    shadows: int
    study: OpenStudy

    @classmethod
    def planned(
        cls,
        run: RunSettings,
        claim: Claim,
        effort: Effort,
        study: OpenStudy,
        protection: Protection | None = None,
    ) -> "Attack":
        """Choose canaries, the same in all models, and toss their coins, which half of the shadows have."""
        dataset = load_dataset(run.dataset)
        train = deal_data(run, dataset).train
        named = {"seed": run.seed, "of": claim.of, "fates": claim.fates}
        rng = stream("canaries", **named, draw=effort.draw)
        canaries = choose_canaries(dataset, train, effort.canaries, rng, claim.unit, claim.fates)
        numbers = list(effort.runs)
        coins = [
            stream("coins", **named, model=number).random(len(canaries)) < 0.5
            for number in numbers[effort.shadows :]
        ]
        halves = rng.permuted(np.tile(np.arange(effort.shadows) % 2 == 0, (len(canaries), 1)), axis=1).T
        # Who asks for members knows what they were labelled; else labels are drawn, and noise with them.
        votes_too = claim.fates != "members"
        return cls(
            claim,
            [_redrawn(run, number, votes_too) for number in numbers],
            [Planted(canaries, coin, protection) for coin in (*halves, *coins)],
            effort.shadows,
            study,
        )

    @property
    def canaries(self) -> Canaries:
        """The canaries of every model."""
        return self.planted[0].canaries

    def evidence(self) -> list[Evidence]:
        """What the attacked models tell, by what the attacker sees of them."""
        stores = self.train()
        return [*([self.by_labels(stores)] if self.claim.of == "labels" else []), self.by_model(stores)]

    def train(self) -> list["Kept"]:
        """Train all models in lockstep, after those that they need; their results, model by model.

        Raises:
            EngineError: one of them cannot be trained.
        """
        device = self.study.device
        stack = groups_of(self.runs[:1], self.study.plan.study.stack, 1, device)[0][1]
        stores = [Kept() for _ in self.runs]
        hosts = [
            Host(store, lambda task: InProcessGrid(task, stack), "audit", device, Hooks(), planted)
            for store, planted in zip(stores, self.planted, strict=True)
        ]
        for step in zip(*([*run.behind(), run] for run in self.runs), strict=True):
            execute_hosted(list(zip(step, hosts, strict=True)), stack)
        for failure in (failure for store in stores for failure in store.failed.values()):
            raise EngineError(f"a model of the audit cannot be trained: {failure['message']}")
        return stores

    def by_labels(self, stores: Sequence[Store]) -> Evidence:
        """What the targets tell that leave clients, where both fates are labels.

        Args:
            stores: what each model needs: the results of runs that its targets are made of.
        """
        models = zip(self.runs, stores, self.planted, strict=True)
        told, world = np.stack([self._told(*model) for model in models]), self._world
        s = self.shadows
        return Evidence("labels", pooled_evidence(told[:s], world[:s], told[s:], self._alike()), world[s:])

    def by_model(self, stores: Sequence["Kept"]) -> Evidence:
        """What trained models tell."""
        models = list(zip(self.runs, stores, strict=True))
        taught = None if self.canaries.by_label else self._taught(*models[0])
        said, world = np.stack([self._said(*model, taught) for model in models]), self._world
        s = self.shadows
        ratio = log_likelihood_ratio(said[:s], world[:s], said[s:], pooled=s < ENOUGH)
        return Evidence("model", ratio, world[s:])

    @property
    def _world(self) -> np.ndarray:
        """(models, M) bool, the coins."""
        return np.stack([one.coin for one in self.planted])

    def _told(self, run: RunSettings, store: Store, planted: Planted) -> np.ndarray:
        """(M,) how much more mass the targets that leave clients have on the class of heads than of tails."""
        canaries = self.canaries
        rows = _at(prepare(run, store, self.study.device, planted), canaries.row)
        place = np.arange(len(rows))
        return canaries.mean(rows[place, canaries.heads] - rows[place, canaries.tails])

    def _taught(self, run: RunSettings, store: Store) -> np.ndarray:
        """(R, C) the targets of rows that take part on heads."""
        heads, classes = self.canaries.heads, load_dataset(run.dataset).classes
        if (heads >= 0).all():
            return np.eye(classes)[heads]
        return _at(prepare(run, store, self.study.device), self.canaries.row)

    def _said(self, run: RunSettings, store: "Kept", taught: np.ndarray | None) -> np.ndarray:
        """(M,) what the trained model says of canaries: how well it knows what it was taught on heads (R, C),
        or, where both fates are labels, how much likelier it holds the first."""
        canaries, inputs = self.canaries, input_tensor(run.dataset, self.study.device)
        parameters = to_parameters(store.models[run.key], inputs.device)
        probs = predict(run.model, parameters, inputs[torch.from_numpy(canaries.row)]).double().cpu().numpy()
        if taught is not None:
            return canaries.mean(log_odds(probs, taught))
        log, place = np.log(np.maximum(probs, np.finfo(np.float32).tiny)), np.arange(len(probs))
        return canaries.mean(log[place, canaries.heads] - log[place, canaries.tails])

    def _alike(self) -> np.ndarray:
        """(M,) how many answers there are on each canary, by which an attacker knows its noise."""
        canaries = self.canaries
        votes = load_dataset(self.runs[0].dataset).votes
        if votes is None or canaries.single:
            return np.zeros(len(canaries))
        return canaries.mean(votes[canaries.row].sum(axis=1).astype(float)).round()


@dataclass(frozen=True)
class Kept(Store):
    """Results of one model of an audit and of what it needs, in memory: nothing of it is a result."""

    root: Path = Path(os.devnull)
    models: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    predicted: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    failed: dict[str, Failure] = field(default_factory=dict)

    def is_done(self, key: str) -> bool:
        """Whether a run has finished."""
        return key in self.models

    def save_settings(self, settings: RunSettings) -> None:
        """They are known."""

    def checkpoint(self, key: str) -> None:
        """An audit is not continued."""

    def save_checkpoint(self, key: str, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
        """An audit is not continued."""

    def predictions(self, key: str, parts: Sequence[str] = ("",)) -> dict[str, np.ndarray]:
        """Predictions of a finished run."""
        return self.predicted[key]

    def finish(
        self,
        key: str,
        record: Mapping[str, Any],
        rounds: list[dict[str, float]],
        model: Mapping[str, np.ndarray],
        predictions: Mapping[str, np.ndarray],
    ) -> None:
        """Keep what an attacker, or another run, may look at."""
        self.models[key], self.predicted[key] = dict(model), dict(predictions)

    def fail(self, key: str, failure: Failure) -> None:
        """Keep why a run cannot be done."""
        self.failed[key] = failure


def _redrawn(run: RunSettings, number: int, votes_too: bool) -> RunSettings:
    """The run with another training, and, where they are asked for, other votes and noise on them."""
    redraw = run.redraw.model_copy(
        update={
            "training": run.redraw.training + number,
            "votes": run.redraw.votes + number * votes_too,
        }
    )
    return run.model_copy(update={"redraw": redraw, "cartography": False})


def _at(prepared: Prepared, rows: np.ndarray) -> np.ndarray:
    """(R, C) the targets of dataset rows (R,) that one client each trains on."""
    order = np.argsort(prepared.task.train.rows, kind="stable")
    place = order[np.searchsorted(prepared.task.train.rows[order], rows)]
    return prepared.targets[place].astype(float)
