"""The study file: typed, validated, and expanded into the cells of its grid."""

import itertools
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)

from fedsoft.datasets import DATASETS, Dataset
from fedsoft.errors import StudyFileError
from fedsoft.evaluation import CALIBRATORS, Calibrator
from fedsoft.federation.strategies import STRATEGIES, StrategyOptions, told_apart
from fedsoft.keys import DEEPEST, TOO_DEEP, put, put_all
from fedsoft.privacy import LabelPrivacy
from fedsoft.registry import explain
from fedsoft.scenarios import Scenario
from fedsoft.space import Axis
from fedsoft.supervision import SOURCES, LabelSource
from fedsoft.training import MODELS, Model, Training, changed, changes_of

SourceChoice = Annotated[LabelSource, SOURCES.validator, SOURCES.serializer]
StrategyChoice = Annotated[StrategyOptions, STRATEGIES.validator, STRATEGIES.serializer]
DatasetChoice = Annotated[Dataset, DATASETS.validator, DATASETS.serializer]
ModelChoice = Annotated[Model, MODELS.validator, MODELS.serializer]
CalibratorChoice = Annotated[Calibrator, CALIBRATORS.validator, CALIBRATORS.serializer]
Changes = Annotated[Training, PlainSerializer(lambda options: options.model_dump(exclude_unset=True))]
"""Options of training that are set, to stand in for a study's; the others are as in the study."""


class Arm(BaseModel):
    """One side of a comparison: a label source, what training does unlike the study's, and what comes after.

    A source that differs in more than its labels is a rival: another way to calibration. So is a model of the
    user's own, of which nothing is trained here: its predictions stand beside the data.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: SourceChoice | None = Field(None, description="what it trains on; required, but with `own`")
    own: str | None = Field(
        None,
        description="instead of `source`: your own model of that name in dataset.predictions, as it is",
    )
    training: Changes = Field(Training(), description="any keys of [training], where they differ from it")
    members: int = Field(1, ge=1, description="models trained, whose predictions are averaged")
    calibration: CalibratorChoice | None = Field(
        None, description="fitted to predictions on validation examples, after training"
    )

    def label(self) -> str:
        """The source's label and what sets it apart, such as ``hard + focal`` or ``hard + ensemble of 5``."""
        name = f"own model {self.own}" if self.source is None else self.source.label()
        spelled = changes_of(self.training)
        if self.members > 1:
            spelled.append(f"ensemble of {self.members}")
        if self.calibration:
            spelled.append(self.calibration.label())
        return " + ".join([name, *spelled])

    @model_validator(mode="after")
    def _trained_or_own(self) -> Self:
        if self.source is None and self.own is None:
            raise ValueError("key 'source' is required, or 'own' for a model of your own")
        if self.own is not None and (self.source or self.training.model_fields_set or self.members > 1):
            raise ValueError(
                f"own = {self.own!r} is a model of your own, which is not trained here; leave source, "
                "training and members out"
            )
        return self

    def trained(self, usual: Training) -> Training:
        """The study's training with the changes."""
        return changed(usual, self.training)


class Redraw(BaseModel):
    """Which parts of a seed's chance are drawn anew, each by a number; 0 is the seed's own draw.

    How far runs that differ in one of them alone are apart is that part's share of the instability. Where
    votes are drawn, another partition also means others, since they are drawn client by client.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    training: int = Field(0, ge=0, description="initial weights, cohorts, batch orders, mixup, delivery")
    partition: int = Field(0, ge=0, description="who holds, validates and tests what; who is in which party")
    votes: int = Field(0, ge=0, description="the votes collected and bought, and what targets draw from them")


MARGINS = {"signed_gap": 0.01, "brier": 0.005, "nll": 0.02}
"""By metric, the difference that does not matter, where a study states none."""


class Endpoint(BaseModel):
    """The one comparison that a study is for, fixed before it runs; everything else is exploratory."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field("human_soft_mode_matched", description="label of the source on trial")
    baseline: str = Field("hard", description="label of the source it is compared with")
    metric: Literal["brier", "nll", "signed_gap"] = Field("brier", description="what is compared")
    reference: Literal["label", "mode", "vote"] = Field("label", description="against whom it is measured")
    stratum: str = Field("all", description="`all`, or a difficulty stratum")
    view: Literal[
        "raw", "equal_confidence", "calibrated_confidence", "own_temperature", "own_temperature_vote"
    ] = Field(
        "equal_confidence",
        description="as predicted; at equal mean confidence, the baseline's as it is or calibrated; "
        "or after own temperatures",
    )
    strategy: str = Field("fedavg", description="label of the strategy it is compared under")
    margin: float | None = Field(
        None,
        gt=0,
        le=2,
        allow_inf_nan=False,
        description="`as good` within it; by default .01 signed gap, .005 Brier, .02 NLL",
    )

    @property
    def margin_used(self) -> float:
        """The margin, or its default for the metric."""
        return self.margin or MARGINS[self.metric]


class Tune(BaseModel):
    """What `fedsoft tune` tries: as many points for every strategy, on seeds that the study does not report.

    ``training.lr`` is chosen for every strategy by itself, ``strategies.fedadam.eta`` is that strategy's
    alone, ``sources.smoothing.alpha`` is one for all strategies, and so is any other key.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    trials: int = Field(16, ge=1, le=4096, description="points tried for every strategy")
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        (100, 101), min_length=1, description="seeds of the trials, none of which the study reports"
    )
    keys: dict[str, Axis] = Field(
        min_length=1,
        description="dotted keys, each with { from = 0.02, to = 1.0, log = true } or { choices = [1, 2] }",
    )

    @property
    def shared(self) -> list[str]:
        """The keys that have one value for all strategies, but for those of sources."""
        return [key for key in self.keys if key.split(".")[0] not in ("training", "strategies", "sources")]

    def of_choice(self, kind: str, name: str) -> dict[str, str]:
        """The keys of one choice of a kind (``strategies``, ``sources``): its own dotted option by key."""
        start = f"{kind}.{name}."
        return {key: key.removeprefix(start) for key in self.keys if key.startswith(start)}


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
    privacy: LabelPrivacy | None = None
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
    stack: Annotated[int | Literal["all", "auto"], BeforeValidator(_stack)] = Field(
        "auto",
        description="clients that the in-process engine trains as one tensor program, of several runs in "
        "lockstep where one has fewer: a number, `all` of a run's cohort, or `auto`, what measures fastest",
    )

    @property
    def arms(self) -> tuple[Arm, ...]:
        """What is compared: the sources, then the rivals."""
        return (*(Arm(source=source) for source in self.sources), *self.rivals)

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
        others = [label for label in self._labels if label != self.baseline]
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
            self._check_tune(self.tune)
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
        if self.privacy and self.scenario.partition.overlaps:
            raise ValueError(
                "[privacy] counts what one client's answers give away, but partition "
                f"{self.scenario.partition.name!r} lets several answer for an image; choose another"
            )
        if self.cartography and self.scenario.partition.overlaps:
            raise ValueError(
                "cartography maps images with one target each, and partition "
                f"{self.scenario.partition.name!r} gives an image to several clients, each with its target; "
                "set it to false, or choose another partition"
            )
        for arm in self.arms:
            if self.privacy and arm.calibration:
                raise ValueError(
                    f"rival {arm.label()!r} is calibrated on labels or votes in the clear, which [privacy] "
                    "cannot protect; leave it out"
                )
        chosen = [arm.source for arm in self.arms if arm.source]
        for source in (*chosen, *(p.source for p in self.scenario.parties if p.source)):
            if self.privacy and source.needs_predictions:
                raise ValueError(
                    f"source {source.label()!r} learns from a model that saw labels in the clear, or may "
                    "have, which [privacy] cannot protect; leave it out"
                )
            if self.privacy and source.models_votes:
                raise ValueError(
                    f"source {source.label()!r} models people's votes, which [privacy] changes; leave it out"
                )
            if self.privacy and not self.privacy.project and not source.linear:
                raise ValueError(
                    f"source {source.label()!r} needs a distribution, but privacy.project = false "
                    "leaves the simplex; set it to true, or leave the source out"
                )
        return self

    def _check_tune(self, tune: Tune) -> None:
        """Refuse seeds that are reported, and keys that nothing can be chosen for."""
        if reported := sorted({*tune.seeds} & {*self.seeds}):
            raise ValueError(
                f"tune.seeds has {reported[0]}, which the study reports, and nothing is tuned on that; "
                "choose others"
            )
        names = {
            "strategies": [strategy.name for strategy in self.strategies],
            "sources": [source.name for source in self.sources],
        }
        for key in tune.keys:
            first, _, rest = key.partition(".")
            for axis in self.grid:
                if f"{key}.".startswith(f"{axis}.") or f"{axis}.".startswith(f"{key}."):
                    raise ValueError(
                        f"tune.keys has {key!r}, and the grid varies {axis!r}; leave it out of one of them"
                    )
            if first in names:
                name, _, option = rest.partition(".")
                if (count := names[first].count(name)) != 1 or option in ("", "name"):
                    cause = {0: f"{name!r} is not among the {first}", 1: "that is no option"}
                    raise ValueError(
                        f"tune.keys has {key!r}, but "
                        f"{cause.get(count, f'{count} of the {first} are {name!r}')}; name one option of one "
                        "that is there once, such as "
                        f"'{first}.{names[first][0]}.OPTION'"
                    )
                if option in tune.keys:
                    raise ValueError(
                        f"tune.keys has {key!r} and {option!r}, which are one; leave one of them out"
                    )
            elif key in NOT_TUNED or first in (*AXES_NOT_IN_GRID, "endpoint", "redraw"):
                raise ValueError(f"tune.keys has {key!r}, which is not for tuning to choose")


NOT_TUNED = ("training", "scenario", "folds", "tuned", "description", "cartography")
AXES_NOT_IN_GRID = ("grid", "sources", "rivals", "strategies", "seeds", "name", "tune", "device", "stack")


def read_study(path: Path, settings: Iterable[str] = ()) -> dict[str, Any]:
    """The study file as a table, with ``key=value`` settings applied.

    Raises:
        StudyFileError: the file is missing or not TOML, or a setting has no ``=``.
    """
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text())
    except FileNotFoundError:
        studies = sorted(str(p) for p in path.parent.glob("*.toml") if p.name != "pyproject.toml")
        near = ", ".join(studies) or "none"
        raise StudyFileError(f"{path} does not exist; study files beside it: {near}.") from None
    except IsADirectoryError:
        raise StudyFileError(f"{path} is a folder; name a study file in it.") from None
    except OSError as error:
        raise StudyFileError(f"{path} cannot be read ({error.strerror}).") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StudyFileError(f"{path} is not valid TOML: {error}.") from None
    except RecursionError:
        raise StudyFileError(f"{path}: {TOO_DEEP}.") from None
    table.setdefault("name", path.stem)
    return put_all(table, settings)


def validate(table: Mapping[str, Any], where: str) -> Study:
    """A validated study.

    Raises:
        StudyFileError: every problem in one sentence, with the file, the key and the nearest valid one.
    """
    if _is_deep(table):
        raise StudyFileError(f"{where}: {TOO_DEEP}.")
    try:
        return Study.model_validate(table)
    except ValidationError as error:
        raise StudyFileError(f"{where}: {'; '.join(explain(error, Study))}.") from None


def _is_deep(table: Any) -> bool:
    """Whether tables and lists are nested more deeply than any study needs, and further work could bear."""
    inside = [table]
    for _ in range(DEEPEST):
        values = [
            one.values() if isinstance(one, Mapping) else one
            for one in inside
            if isinstance(one, Mapping | list | tuple)
        ]
        inside = [value for some in values for value in some]
    return bool(inside)


def cells(table: Mapping[str, Any], where: str) -> list[tuple[dict[str, Any], Study]]:
    """Every cell of the study's grid: the values that set it apart, and its study.

    A study without a grid is one cell, with no values.

    Raises:
        StudyFileError: the study or one of its cells is not valid, or a strategy cannot work on its cohorts.
    """
    study = validate(table, where)
    for key, values in study.grid.items():
        if key.split(".")[0] in AXES_NOT_IN_GRID or not values:
            raise StudyFileError(f"{where}: grid cannot vary {key!r}, or its list of values is empty.")
    result = []
    for values in itertools.product(*study.grid.values()):
        axes = dict(zip(study.grid, values, strict=True))
        cell = _copy(table)
        for key, value in axes.items():
            put(cell, key, value)
        place = f"{where}, at {axes}" if axes else where
        result.append((axes, validate(cell, place)))
        _check_strategies(result[-1][1], place)
    return result


def _check_strategies(study: Study, where: str) -> None:
    """Refuse a strategy that cannot work on what the clients and the server of a cell are."""
    scenario = study.scenario
    for strategy in study.strategies:
        try:
            strategy.check_cohort(max(1, round(scenario.participation * scenario.clients)))
            for arm in study.arms:
                strategy.check_training(arm.trained(changed(study.training, strategy.training)))
            if strategy.needs_examples and not scenario.server_examples:
                raise ValueError(
                    f"{strategy.label()} needs unlabelled examples at the server, and "
                    "scenario.server_examples is 0; set it to some hundred"
                )
        except ValueError as error:
            raise StudyFileError(f"{where}: strategies: {error}.") from None


def _copy(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copy(value) if isinstance(value, dict) else value for key, value in table.items()}
