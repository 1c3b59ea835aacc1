"""The settings of one run, and the key that they give it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict

from fedsoft.config import (
    Arm,
    CalibratorChoice,
    Changes,
    DatasetChoice,
    ModelChoice,
    Redraw,
    SourceChoice,
    StrategyChoice,
    Study,
)
from fedsoft.federation.strategies.fedavg import FedAvg
from fedsoft.privacy import LabelMechanism, Privacy
from fedsoft.scenarios import Scenario
from fedsoft.streams import stream
from fedsoft.study.data import content_of, predicted_of
from fedsoft.supervision import LabelSource
from fedsoft.supervision.hard import Hard
from fedsoft.supervision.teacher import FromModels, Teacher
from fedsoft.training import Precision, Training, changed

Kind = Literal["teacher", "trained", "given", "ensemble", "calibrated"]
KINDS: tuple[Kind, ...] = ("teacher", "trained", "given", "ensemble", "calibrated")
"""What is done for a run, in an order in which each kind needs only those before it."""


class RunSettings(BaseModel):
    """Everything that determines a run's numbers, and nothing else: no engine, device, stack or folder.

    Data in files are known by a hash of their content, wherever they lie.

    A teacher is a run like others, which trains on half of each client's examples and predicts the rest. So
    is a prior, which trains on private answers to one half, and whose predictions tell a label mechanism
    which answers to the other half are likely.
    Ensembles and calibrated runs train nothing: they are computed from the predictions of others, the parts.
    Neither does a run that is given the predictions of the user's own model. Files of these are known by
    their own hashes, so that they concern no run that does without.
    A device is none of the settings, since all give the same numbers up to rounding; one that rounds as no
    other does is: ``precision``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[4] = 4
    dataset: DatasetChoice
    content: str
    source: SourceChoice | None
    own: str | None = None
    predicted: tuple[tuple[str, str], ...] = ()
    strategy: StrategyChoice
    scenario: Scenario
    privacy: Privacy | None
    model: ModelChoice
    usual_training: Training
    changes: Changes = Training()
    rounds: int
    seed: int
    folds: int
    redraw: Redraw = Redraw()
    members: int = 1
    calibration: CalibratorChoice | None = None
    cartography: bool = False
    role: Literal["run", "teacher", "prior"] = "run"
    half: Literal[0, 1] | None = None
    pooled: bool = False
    precision: Precision = "float32"

    @property
    def arm(self) -> Arm:
        """What the study compares this run as."""
        return Arm(
            source=self.source,
            own=self.own,
            training=self.changes,
            members=self.members,
            calibration=self.calibration,
        )

    @property
    def sources(self) -> list[LabelSource]:
        """The label sources that its clients train on, those of parties too; none without training."""
        if self.source is None:
            return []
        return [self.source, *(party.source for party in self.scenario.parties if party.source)]

    @property
    def own_models(self) -> list[str]:
        """Which of the user's own models it takes predictions of."""
        taught = [source.own for source in self.sources if isinstance(source, Teacher) and source.own]
        return sorted({*taught, *([self.own] if self.own else [])})

    @property
    def training(self) -> Training:
        """How the run's clients train: as usual in its study, with the strategy's changes, then the arm's."""
        return self.arm.trained(changed(self.usual_training, self.strategy.training))

    @property
    def fold(self) -> int:
        """The fold that this seed holds out."""
        return self.seed % self.folds

    def stream(
        self, part: Literal["training", "partition", "votes"], purpose: str, **key: int | str
    ) -> np.random.Generator:
        """The seed's generator for a purpose, another one for each number of the part that is redrawn."""
        number: int = getattr(self.redraw, part)
        return stream(purpose, seed=self.seed, **key, **({"redraw": number} if number else {}))

    @property
    def training_seed(self) -> int:
        """What governs all chance in training: the seed, or a number drawn from it."""
        if not self.redraw.training:
            return self.seed
        return int(self.stream("training", "training seed").integers(2**63))

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, some settings updated, that has a key of its own."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("key", None)  # which pydantic copies as it stands
        return copied

    @cached_property
    def key(self) -> str:
        """A hash of the settings that are not the default: the name of the run's folder.

        So an option that is added later, and not used, leaves the keys of earlier runs as they are; a
        default that changes needs a new ``format``.
        """
        settings = self.model_dump(mode="json", exclude_defaults=True)
        # What an arm sets anew counts even where it is the default: the study's own may be another.
        changes = self.changes.model_dump(mode="json", exclude_unset=True)
        settings |= {"format": self.format, "changes": changes}
        for location in type(self.dataset).locations:
            settings["dataset"].pop(location, None)
        text = json.dumps(settings, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def kind(self) -> Kind:
        """What has to be done for the run."""
        if self.calibration:
            return "calibrated"
        if self.members > 1:
            return "ensemble"
        if self.own is not None:
            return "given"
        return "trained" if self.role == "run" else "teacher"

    @property
    def trains(self) -> bool:
        """Whether anything is trained for it alone."""
        return self.kind in ("teacher", "trained")

    @property
    def mechanism(self) -> LabelMechanism | None:
        """How answers are made private, if they are."""
        return self.privacy.labels if self.privacy else None

    def label(self) -> str:
        """What a person calls the run."""
        name = f"{self.role} half {self.half}" if self.role == "teacher" else self.arm.label()
        name = f"prior of {name}" if self.role == "prior" else name
        redrawn = "".join(f", {part} {number}" for part, number in self.redraw if number)
        return f"{name}, {self.strategy.label()}, seed {self.seed}{redrawn}"

    def teachers(self) -> list["RunSettings"]:
        """The runs whose predictions this run's sources need: two halves of each model of a kind of teacher.

        Whatever redraws training or votes leaves them as they are: they are part of the targets, and see no
        votes.
        """
        models: dict[bool, int] = {}
        for source in self.sources:
            if isinstance(source, FromModels):
                models[source.pooled] = max(source.models, models.get(source.pooled, 0))
        common = {
            "source": Hard(),
            "predicted": (),
            "changes": Training(),
            "strategy": FedAvg(),
            "scenario": self.scenario.model_copy(update={"parties": (), "crowd": None}),
            "members": 1,
            "calibration": None,
            "role": "teacher",
        }
        return [
            self.model_copy(
                update={
                    **common,
                    "redraw": Redraw(training=model, partition=self.redraw.partition),
                    "half": half,
                    "pooled": pooled,
                    # A teacher whose clients train apart sums as the run does.
                    "privacy": None if pooled or not self.privacy else self.privacy.of_sums(),
                    "cartography": False,
                }
            )
            for pooled in sorted(models)
            for model in range(models[pooled])
            for half in (0, 1)
        ]

    def priors(self) -> list["RunSettings"]:
        """The run whose predictions this run's label mechanism takes for a prior, if it needs one.

        It asks half of the answers that the run itself asks, just as the run does, and by itself alone: so
        strategies, changes of training and whatever redraws training share it, and no answer is asked again.
        """
        clear = self.source is None or self.source.in_the_clear
        first = None if clear or not self.mechanism else self.mechanism.first_stage()
        if self.privacy is None or first is None:
            return []
        update = {
            "predicted": (),
            "members": 1,
            "calibration": None,
            "changes": Training(),
            "strategy": FedAvg(),
            "privacy": self.privacy.model_copy(update={"labels": first}),
            "redraw": self.redraw.model_copy(update={"training": 0}),
            "cartography": False,
            "role": "prior",
            "half": 0,
        }
        return [self.model_copy(update=update)]

    def parts(self) -> list["RunSettings"]:
        """The runs that an ensemble or a calibrated run is computed from; none for a run that trains.

        The first member of an ensemble is the run that the source has by itself. Redrawn ensembles share no
        member, so that they differ from each other as independent ones do.
        """
        if self.calibration:
            return [self.model_copy(update={"calibration": None})]
        if self.members == 1:
            return []
        first = self.redraw.training * self.members
        return [
            self.model_copy(
                update={"members": 1, "redraw": self.redraw.model_copy(update={"training": first + member})}
            )
            for member in range(self.members)
        ]

    def trained(self) -> list["RunSettings"]:
        """The runs that are trained to make this one: itself, if it trains."""
        return [self] if self.trains else [run for part in self.parts() for run in part.trained()]

    def needs(self) -> list["RunSettings"]:
        """The runs that must be done before this one."""
        return self.parts() or [*self.teachers(), *self.priors()]

    def behind(self) -> Iterator["RunSettings"]:
        """The runs that must be done before this one, each after those that it needs itself."""
        for need in self.needs():
            yield from need.behind()
            yield need


def runs_of(study: Study) -> list[RunSettings]:
    """Every run of one cell: source or rival × strategy × seed.

    Raises:
        DataError: the data are missing.
    """
    content = content_of(study.dataset)
    runs = [
        RunSettings(
            dataset=study.dataset,
            content=content,
            source=arm.source,
            own=arm.own,
            strategy=strategy,
            scenario=study.scenario,
            privacy=study.privacy and study.privacy.in_force(),
            model=study.model,
            usual_training=study.training,
            changes=arm.training,
            rounds=study.rounds,
            seed=seed,
            folds=study.folds,
            redraw=study.redraw,
            members=arm.members,
            calibration=arm.calibration,
            cartography=study.cartography,
            precision=study.precision,
        )
        for arm in study.arms
        for strategy in study.strategies
        for seed in study.seeds
    ]
    predicted = predicted_of(study.dataset)
    return [
        run.model_copy(
            update={"predicted": tuple((n, predicted[n]) for n in run.own_models if n in predicted)}
        )
        for run in runs
    ]
