"""The settings of one run, and the key that they give it."""

import hashlib
import json
import math
from typing import Literal

from pydantic import BaseModel, ConfigDict

from fedsoft.config import Arm, Changes, DatasetChoice, ModelChoice, SourceChoice, StrategyChoice, Study
from fedsoft.federation.strategies.fedavg import FedAvg
from fedsoft.privacy import LabelPrivacy
from fedsoft.scenarios import Scenario
from fedsoft.supervision.hard import Hard
from fedsoft.supervision.teacher import Teacher
from fedsoft.training import Training


class RunSettings(BaseModel):
    """Everything that determines a run's numbers, and nothing else: no engine, device, stack or folder.

    Data in files are known by a hash of their content, wherever they lie.

    A teacher is a run like others, which trains on half of each client's examples and predicts the rest.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    dataset: DatasetChoice
    content: str
    source: SourceChoice
    strategy: StrategyChoice
    scenario: Scenario
    privacy: LabelPrivacy | None
    model: ModelChoice
    usual_training: Training
    changes: Changes = Training()
    rounds: int
    seed: int
    folds: int
    cartography: bool = False
    role: Literal["run", "teacher"] = "run"
    half: Literal[0, 1] | None = None
    pooled: bool = False

    @property
    def arm(self) -> Arm:
        """What the study compares this run as."""
        return Arm(source=self.source, training=self.changes)

    @property
    def training(self) -> Training:
        """How the run's clients train: as usual in its study, with the arm's changes."""
        return self.arm.trained(self.usual_training)

    @property
    def fold(self) -> int:
        """The fold that this seed holds out."""
        return self.seed % self.folds

    @property
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
            del settings["dataset"][location]
        text = json.dumps(settings, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def label(self) -> str:
        """What a person calls the run."""
        name = f"{self.role} half {self.half}" if self.role == "teacher" else self.arm.label()
        return f"{name}, {self.strategy.label()}, seed {self.seed}"

    def teachers(self) -> list["RunSettings"]:
        """The runs whose predictions this run's sources need: two halves a kind of teacher."""
        sources = [self.source, *(party.source for party in self.scenario.parties if party.source)]
        kinds = sorted({source.pooled for source in sources if isinstance(source, Teacher)})
        common = {"source": Hard(), "changes": Training(), "strategy": FedAvg(), "privacy": None}
        scenario = self.scenario.model_copy(update={"parties": ()})
        return [
            self.model_copy(
                update={
                    **common,
                    "role": "teacher",
                    "scenario": scenario,
                    "half": half,
                    "pooled": pooled,
                    "cartography": False,
                }
            )
            for pooled in kinds
            for half in (0, 1)
        ]


def runs_of(study: Study) -> list[RunSettings]:
    """Every run of one cell: source or rival × strategy × seed.

    Raises:
        DataError: the data are missing.
    """
    privacy = None if study.privacy is None or math.isinf(study.privacy.epsilon) else study.privacy
    content = study.dataset.fingerprint()
    return [
        RunSettings(
            dataset=study.dataset,
            content=content,
            source=arm.source,
            strategy=strategy,
            scenario=study.scenario,
            privacy=privacy,
            model=study.model,
            usual_training=study.training,
            changes=arm.training,
            rounds=study.rounds,
            seed=seed,
            folds=study.folds,
            cartography=study.cartography,
        )
        for arm in study.arms
        for strategy in study.strategies
        for seed in study.seeds
    ]
