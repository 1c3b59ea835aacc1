"""A study: a grid of runs, typed and validated."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from fedsoft.config.arm import Arm
from fedsoft.config.choices import DatasetChoice, ModelChoice, SourceChoice, StrategyChoice
from fedsoft.config.endpoint import Endpoint
from fedsoft.config.private_model import check_private_model
from fedsoft.config.tune import Tune
from fedsoft.federation.strategies import told_apart
from fedsoft.privacy import Privacy
from fedsoft.scenarios import Scenario
from fedsoft.supervision import LabelSource
from fedsoft.supervision.noise_matched import NoiseMatched
from fedsoft.training import Precision, Training, changed


class Redraw(BaseModel):
    """Which parts of a seed's chance are drawn anew, each by a number; 0 is the seed's own draw.

    How far runs that differ in one of them alone are apart is that part's share of the instability. Where
    votes are drawn, another partition also means others, since they are drawn client by client.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    training: int = Field(
        0, ge=0, description="initial weights, cohorts, batch orders, augmentation, mixup, delivery"
    )
    partition: int = Field(0, ge=0, description="who holds, validates and tests what; who is in which party")
    votes: int = Field(0, ge=0, description="the votes collected and bought, and what targets draw from them")


def _stack(given: Any) -> Any:
    if given in ("all", "auto") or (type(given) is int and given > 0):
        return given
    raise ValueError(f'a number of clients from 1 on, "all" or "auto", not {given!r}')


class Study(BaseModel):
    """A grid of runs: every source and rival × strategy × seed, in every cell of ``grid``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(
        max_length=100, pattern=r"^[A-Za-z0-9][\w.-]*$", description="names the results' folder"
    )
    description: str = Field("", description="what the study asks, in a sentence, for the report")
    dataset: DatasetChoice = Field(description="the images with their labels and votes; see `list datasets`")
    sources: tuple[SourceChoice, ...] = Field(
        min_length=1, description="what clients train on; see `list sources`"
    )
    rivals: tuple[Arm, ...] = Field((), description="sources trained otherwise, averaged or calibrated")
    strategies: Annotated[tuple[StrategyChoice, ...], AfterValidator(told_apart)] = Field(
        min_length=1, description="how the server aggregates; see `list strategies`"
    )
    scenario: Scenario = Scenario()
    privacy: Privacy | None = None
    model: ModelChoice = Field(description="what is trained; see `list models`")
    training: Training = Training()
    tuned: str = Field("not tuned", description="how learning rates and rounds were chosen, for the report")
    rounds: int = Field(ge=1, description="rounds of every run")
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        min_length=1, description="each a run of its own; with few, intervals are wide"
    )
    folds: int = Field(5, ge=2, description="a seed holds out the fold `seed mod folds`")
    redraw: Redraw = Redraw()
    cartography: bool = Field(
        False, description="follow each training example over the rounds: how sure the model is of its label"
    )
    endpoint: Endpoint | None = None
    tune: Tune | None = None
    grid: dict[str, tuple[Any, ...]] = Field({}, description="dotted keys with the values to cross")
    device: Literal["auto", "cpu", "cuda"] = Field("cpu", description="where models are trained and scored")
    precision: Precision = Field(
        "float32",
        description="how a GPU multiplies: as a CPU does, or in `tf32`, faster, factors rounded to 10 bits; "
        "its runs are others, with numbers of their own",
    )
    stack: Annotated[int | Literal["all", "auto"], BeforeValidator(_stack)] = Field(
        "auto",
        description="clients that the in-process engine trains as one tensor program, of several runs in "
        "lockstep where one has fewer: a number, `all` of a run's cohort, or `auto`, what measures fastest",
    )

    @property
    def arms(self) -> tuple[Arm, ...]:
        """What is compared: the sources, then the control of each whose labels are private, then the rivals.

        Where a cell's ε is infinite the controls stay, at γ = 0, so that all cells have the same arms.
        """
        private = self.privacy is not None and self.privacy.labels is not None
        controls = [NoiseMatched(of=source) for source in self.sources] if private else []
        return (*(Arm(source=source) for source in (*self.sources, *controls)), *self.rivals)

    @property
    def baseline(self) -> str:
        """The label of the arm that others are compared with: the endpoint's baseline, else `hard`."""
        if self.endpoint:
            return self.endpoint.baseline
        return "hard" if "hard" in self._labels else self._labels[0]

    @property
    def baselines(self) -> tuple[str, ...]:
        """Labels of the arms from which every other is told apart by an effect: the baseline, and `hard`."""
        return tuple(dict.fromkeys([self.baseline, *(["hard"] if "hard" in self._labels else [])]))

    @property
    def _labels(self) -> list[str]:
        return [arm.label() for arm in self.arms]

    @property
    def pair(self) -> tuple[str, str]:
        """Labels of the compared arms, the baseline last: the endpoint's, else the first that is not it."""
        if self.endpoint:
            return self.endpoint.source, self.endpoint.baseline
        controls = [arm.label() for arm in self.arms if arm.source and arm.source.in_the_clear]
        others = [label for label in self._labels if label not in (self.baseline, *controls)]
        return (others or [self.baseline])[0], self.baseline

    @property
    def reference_strategy(self) -> str:
        """The label of the strategy that others are compared with: the endpoint's, else ``fedavg``."""
        names = [strategy.label() for strategy in self.strategies]
        if self.endpoint:
            return self.endpoint.strategy
        return "fedavg" if "fedavg" in names else names[0]

    @property
    def reference(self) -> str:
        """What effects are measured against: as the endpoint says, else the label."""
        return self.endpoint.reference if self.endpoint else "label"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for what, choices in (("sources", self.arms), ("strategies", self.strategies)):
            labels = [choice.label() for choice in choices]
            if twice := sorted({label for label in labels if labels.count(label) > 1}):
                raise ValueError(f"{what} lists {twice[0]!r} twice")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds lists a seed twice")
        if self.tune:
            names = {
                "strategies": [strategy.name for strategy in self.strategies],
                "sources": [source.name for source in self.sources],
            }
            self.tune.check(self.seeds, self.grid, names)
        if self.endpoint:
            sources = [arm.label() for arm in self.arms]
            if self.endpoint.source == self.endpoint.baseline:
                raise ValueError(f"endpoint compares {self.endpoint.source!r} with itself; name two arms")
            for label in (self.endpoint.source, self.endpoint.baseline):
                if label not in sources:
                    raise ValueError(f"endpoint names {label!r}, but sources are {', '.join(sources)}")
            strategies = [strategy.label() for strategy in self.strategies]
            if self.endpoint.strategy not in strategies:
                raise ValueError(
                    f"endpoint names strategy {self.endpoint.strategy!r}, but strategies are "
                    f"{', '.join(strategies)}"
                )
        self._check_controls()
        self._check_private_labels()
        check_private_model(self)
        self._check_seen_in_the_clear()
        if self.cartography and self.scenario.partition.overlaps:
            raise ValueError(
                "cartography maps images with one target each, and partition "
                f"{self.scenario.partition.name!r} gives an image to several clients, each with its target; "
                "set it to false, or choose another partition"
            )
        return self

    @property
    def chosen_sources(self) -> list[LabelSource]:
        """Every source that the file names: of arms, and of parties."""
        chosen = [*self.sources, *(arm.source for arm in self.rivals if arm.source)]
        return [*chosen, *(party.source for party in self.scenario.parties if party.source)]

    def _check_controls(self) -> None:
        """Refuse controls that a study has without being asked."""
        for source in self.chosen_sources:
            if source.in_the_clear:
                raise ValueError(
                    f"source {source.label()!r} is a control that a study with [privacy.labels] has beside "
                    "each of its sources without being asked, and no other has; leave it out"
                )

    def _check_seen_in_the_clear(self) -> None:
        """Refuse what sees labels or votes in the clear beside training that is private.

        Planted errors (`scenario.label_errors`) are part of the labels that clients have, and pass through
        the mechanism with them. A model of the user's own stands beside as it is: what it has seen is not
        known, and the report says so. Models of an ensemble train on the same private answers, drawn once.
        """
        if not (self.privacy and self.privacy.guards_learning):
            return
        for arm in self.arms:
            if arm.calibration and arm.calibration.spends is None:
                raise ValueError(
                    f"rival {arm.label()!r} is calibrated on labels or votes in the clear, which [privacy] "
                    'cannot protect; fit a temperature with noise (calibration = { name = "temperature", '
                    "epsilon = 1.0 }), or leave it out"
                )
            for strategy in self.strategies:
                if arm.trained(changed(self.training, strategy.training)).stop == "best_validation":
                    raise ValueError(
                        f"{arm.label()!r} stops by validation labels in the clear, which [privacy] cannot "
                        'protect; set training.stop = "last"'
                    )
        if self.cartography:
            raise ValueError(
                "cartography tells of each training example whether models are right about its label in the "
                "clear, which [privacy] cannot protect; set it to false"
            )

    def _check_private_labels(self) -> None:
        """Refuse what label privacy cannot protect."""
        mechanism = self.privacy and self.privacy.labels
        if not mechanism:
            return
        if self.scenario.partition.overlaps:
            raise ValueError(
                "[privacy] counts what one client's answers give away, but partition "
                f"{self.scenario.partition.name!r} lets several answer for an image; choose another"
            )
        if mechanism.first_stage() and self.privacy and self.privacy.model and not self.privacy.model.off:
            raise ValueError(
                f"privacy.labels {mechanism.name!r} trains twice, on half and on all, and privacy.model "
                "accounts for one training; choose another label mechanism, or leave privacy.model out"
            )
        for source in self.chosen_sources:
            if source.needs_predictions:
                raise ValueError(
                    f"source {source.label()!r} learns from a model that saw labels in the clear, or may "
                    "have, which [privacy] cannot protect; leave it out"
                )
            if source.sees_labels:
                raise ValueError(
                    f"source {source.label()!r} sees each example's label in the clear, beside the answers "
                    "that [privacy] protects; leave it out"
                )
            if source.anonymous and mechanism.unit == "annotator":
                raise ValueError(
                    f"source {source.label()!r} is made of answers of which nobody knows who gave them, and "
                    'privacy.labels.unit = "annotator" protects what each person answered; choose another '
                    "unit, or leave it out"
                )
            if source.models_votes:
                raise ValueError(
                    f"source {source.label()!r} models people's votes, which [privacy] changes; leave it out"
                )
            if not mechanism.project and not source.linear:
                raise ValueError(
                    f"source {source.label()!r} needs a distribution, but privacy.labels.project = false "
                    "leaves the simplex; set it to true, or leave the source out"
                )
