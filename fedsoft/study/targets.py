"""What clients of a run train on: targets made of labels, collected votes and a model's predictions."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fedsoft.annotators import FewVotesError, majority_of, true_quality
from fedsoft.annotators.noise import NoNoise
from fedsoft.datasets import AnnotatedDataset, Annotations
from fedsoft.datasets.answered import count
from fedsoft.errors import DataError
from fedsoft.plural import plural
from fedsoft.scenarios import Clients, Party
from fedsoft.study.canaries import Planted
from fedsoft.study.data import load_dataset
from fedsoft.study.private_units import PrivateUnits
from fedsoft.study.settings import RunSettings
from fedsoft.study.store import Store
from fedsoft.study.votes import Named, answers_held, parties_of, simulated_answers
from fedsoft.supervision import DeliveryName, Evidence, LabelSource, private_answers, supervise
from fedsoft.supervision.noise_matched import NoiseMatched
from fedsoft.supervision.softness import Softness, mean_softness, measure_softness
from fedsoft.supervision.teacher import FromModels, Teacher
from fedsoft.training import Deliveries, Delivery, Multipass, Stochastic


@dataclass(frozen=True)
class Holdings:
    """What the clients of a run hold before they have targets.

    Attributes:
        settings: the run's.
        dataset: the data.
        labels: (N,) the labels that clients have.
        train: views of the M training examples.
        team: (R,) the client of each annotator, where clients are people and hold their own answers.
        asked: (M,) whether an example's answers are asked for this run, which has targets for those alone;
            None for all.
        planted: canaries, where the run is audited.
        places: (M,) the place of each training example among them, where clients share images and so have
            targets of their own for one; else None.
    """

    settings: RunSettings
    dataset: AnnotatedDataset
    labels: np.ndarray
    train: Clients
    places: np.ndarray | None
    team: np.ndarray | None = None
    asked: np.ndarray | None = None
    planted: Planted | None = None

    @cached_property
    def answers(self) -> Annotations | None:
        """Who answered what of the training examples, by their places; None where that is not known."""
        if self.places is not None and self.team is None:
            return None  # clients who share an image buy answers of their own to it
        return answers_held(self.dataset, self.train, self.team)

    @cached_property
    def votes(self) -> np.ndarray:
        """(M, C) the votes that there are on each training example."""
        votes = self.dataset.require_votes("a label source")
        if self.team is None or self.answers is None:
            return votes[self.train.rows]
        return count(self.answers.item, self.answers.label, len(self.train.rows), self.dataset.classes)


@dataclass(frozen=True)
class Targets:
    """What is trained on.

    Attributes:
        rows: (M, C) targets, in the order of the training examples; NaN for those that are not asked.
        delivery: how those are delivered that clients do not see whole.
        votes_bought: answers that they cost, over all clients; neither the dataset's labels are counted nor
            votes that only tell a source how soft people are on average.
        privacy_spent: ε by unit, where labels are private.
        quality: how good clients' annotation really is, by what it is held against.
        softness: what noise does to the softness of targets, stage by stage, where labels are private.
    """

    rows: np.ndarray
    delivery: Deliveries | None
    votes_bought: int
    privacy_spent: dict[str, float]
    quality: dict[str, np.ndarray]
    softness: Softness


def build_targets(held: Holdings, store: Store) -> Targets:
    """Targets of all training examples, party by party.

    Raises:
        DataError: the data cannot give what a source needs, or a teacher has not run.
    """
    settings, dataset, train, places = held.settings, held.dataset, held.train, held.places
    mechanism, prior = settings.mechanism, prior_predictions(settings, store)
    targets = np.empty((len(train.rows), dataset.classes), np.float64 if places is None else np.float32)
    rules: list[Delivery] = []
    of_client = np.full(len(train), -1)
    bought = 0
    spent: dict[str, float] = {}
    soft: list[tuple[Softness, int]] = []
    truths = _truths(dataset)
    quality = {name: np.full(len(train), np.nan) for name in truths}
    stands_in = np.zeros(len(dataset), dtype=bool) if dataset.labelled is None else ~dataset.labelled
    for number, rows, party, named in parties_of(settings, dataset, train, held.team):
        source = _source(settings, party)
        votes, answers = None, None
        if source.needs_votes:
            if party.crowd is None:
                dataset.require_votes(f"label source {source.label()!r}")
            votes, answers = _collected(held, number, rows, party, source, named)
        predictions = None
        if isinstance(source, Teacher) and source.own is not None:
            own = dataset.require_predictions(source.own, f"label source {source.label()!r}")
            predictions = own[train.rows[rows]]
        elif isinstance(source, FromModels):
            predictions = teacher_predictions(settings, source, store)[train.rows[rows]]
        evidence = Evidence(
            held.labels[train.rows[rows]],
            dataset.classes,
            train.owner[rows],
            votes=votes,
            predictions=predictions,
            annotations=answers,
            labels_are_majority=dataset.labels_are_majority or bool(stands_in[train.rows[rows]].any()),
            row=None if held.team is None else train.rows[rows],
            fewer=settings.scenario.few_votes == "take",
            prior=None if prior is None else prior[train.rows[rows]],
            asked=None if held.asked is None else held.asked[rows],
        )
        if held.planted:
            evidence = held.planted.tell(evidence, train.rows[rows], in_the_clear=mechanism is None)
        with _named(held, rows, f"label source {source.label()!r}", "lower its number"):
            targets[rows], bought_answers = supervise(source, evidence, mechanism, named)
        if mechanism and not source.in_the_clear and bought_answers is not None:
            part = mechanism.spent(private_answers(source, evidence, bought_answers))
            spent = {name: max(value, spent.get(name, 0.0)) for name, value in part.items()}
            if held.asked is None:
                soft.append((measure_softness(source, evidence, mechanism, named), len(rows)))
        if held.asked is not None and bought_answers is not None:
            kept = held.asked[rows]
            rows, bought_answers = rows[kept], bought_answers[kept]
            votes = None if votes is None else votes[kept]
        del evidence  # of as many examples as there are, while rules of delivery are made
        _judge(quality, truths, train, rows, _given(source, votes, targets[rows]))
        if bought_answers is not None:
            if source.delivery != "whole":
                shown = targets[rows] if source.delivery == "stochastic" else bought_answers
                bare = np.flatnonzero(shown.sum(axis=1) == 0)
                if len(bare):  # without votes, the label is what each epoch sees
                    shown = shown.copy()
                    shown[bare] = targets[rows[bare]]
                order = settings.stream("training", "vote order", party=number)
                where, size = (train.rows, len(dataset)) if places is None else (places, len(places))
                of_client[train.owner[rows]] = len(rules)
                rules.append(_rule(source.delivery, where[rows], shown, size, order))
            if source.needs_votes and not source.borrows_rate:
                bought += round(float(bought_answers.sum()))
    delivery = Deliveries(tuple(rules), of_client) if rules else None
    return Targets(targets, delivery, bought, spent, quality, mean_softness(soft))


def _given(source: LabelSource, votes: np.ndarray | None, targets: np.ndarray) -> np.ndarray:
    """(n, C) what was answered of each example: votes, or the likeliest class of its target where none are
    trained on."""
    seen = None if source.borrows_rate else votes
    if seen is not None and seen.any(axis=1).all():
        return seen
    likeliest: np.ndarray = np.eye(targets.shape[1], dtype=np.float32)[targets.argmax(axis=1)]
    if seen is None:
        return likeliest
    return np.where(seen.any(axis=1, keepdims=True), seen, likeliest)


def _judge(
    quality: dict[str, np.ndarray],
    truths: dict[str, np.ndarray],
    train: Clients,
    rows: np.ndarray,
    given: np.ndarray,
) -> None:
    """Enter how often what clients of a party answered (n, C) of their examples (n,) is true, by client."""
    for name, truth in truths.items():
        found = true_quality(given, truth[train.rows[rows]], train.owner[rows], len(train))
        quality[name] = np.where(np.isnan(found), quality[name], found)


def _truths(dataset: AnnotatedDataset) -> dict[str, np.ndarray]:
    """(N,) what answers are held against, by name: the dataset's label, and the majority of all votes; -1
    where there is none."""
    labels = dataset.labels if dataset.labelled is None else np.where(dataset.labelled, dataset.labels, -1)
    return {"label": labels} | ({} if dataset.votes is None else {"majority": majority_of(dataset.votes)})


def _source(settings: RunSettings, party: Party) -> LabelSource:
    source = settings.source
    assert source is not None, "a run that trains nothing has no targets"
    if party.source is None:
        return source
    return NoiseMatched(of=party.source) if isinstance(source, NoiseMatched) else party.source


def check_votes(held: Holdings) -> None:
    """Refuse what a seed's clients cannot buy: without targets, which take longer to make.

    Raises:
        DataError: an example has fewer votes than are bought of it.
    """
    settings, dataset = held.settings, held.dataset
    fewer = settings.scenario.few_votes == "take"
    units = PrivateUnits(settings.mechanism)
    for number, rows, party, named in parties_of(settings, dataset, held.train, held.team):
        source = _source(settings, party)
        if not source.needs_votes:
            units.add(len(rows), held.train.owner[rows])
            continue
        if source.needs_counts and party.crowd is None:
            dataset.require_counts(f"label source {source.label()!r}")
        votes, people = _collected(
            held, number, rows, party.model_copy(update={"noise": NoNoise()}), source, named
        )
        if source.needs_counts and votes.dtype.kind == "f":
            raise DataError(
                f"label source {source.label()!r} needs single votes, and {_whose(number)} has a crowd that "
                'answers with distributions; set its answer = "class", or leave the source out.'
            )
        voted = votes.sum(axis=1) > 0
        with _named(held, rows[voted], f"label source {source.label()!r}", "lower its number"):
            labels = held.labels[held.train.rows[rows[voted]]]
            client = held.train.owner[rows[voted]]
            evidence = Evidence(labels, dataset.classes, client, votes=votes[voted], fewer=fewer)
            answers = source.answers(evidence, named("votes bought"))
        if answers is not None:
            units.add(int(answers.sum()), client, people, dataset.name, party.crowd is not None)
    units.check()


def _collected(
    held: Holdings, number: int, rows: np.ndarray, party: Party, source: LabelSource, named: Named
) -> tuple[np.ndarray, Annotations | None]:
    """The votes (n, C) that a party's people give on its training examples (n,), and whose, where a source
    or an account of privacy asks.

    Raises:
        DataError: an example has fewer votes than are bought, or shares of which none can be bought.
    """
    whose = source.needs_answers or (held.settings.mechanism is not None and not source.anonymous)
    if party.crowd is not None:
        train = held.train
        said = simulated_answers(held.settings, party.crowd, party.votes, train.rows[rows], train.owner[rows])
        return said.votes, said.answers if whose else None
    who = _whose(number)
    if not party.pool.takes_all:
        held.dataset.require_counts(f"{who}, which buys votes or has slips,")
    votes, labels = held.votes[rows], held.dataset.labels[held.train.rows[rows]]
    fewer = held.settings.scenario.few_votes == "take"
    with _named(held, rows, who, "lower its `votes`"):
        if whose and held.answers is not None:
            return party.pool.collect_answers(votes, labels, held.answers.of_items(rows), named, fewer)
        return party.pool.collect(votes, labels, named("votes collected"), fewer), None


def _whose(number: int) -> str:
    return f"party {number}" if number >= 0 else "the scenario"


@contextmanager
def _named(held: Holdings, rows: np.ndarray, who: str, mend: str) -> Iterator[None]:
    """Whoever wants more votes than there are is named, with the first such item."""
    try:
        yield
    except FewVotesError as error:
        first = held.dataset.item_name(held.train.rows[rows[error.row]])
        few = plural(error.items, "example has", "examples have")
        raise DataError(
            f"{who} wants {plural(error.wanted, 'vote')} an example, and {few} fewer (the first is "
            f"{first}, with "
            f'{error.has}); {mend}, or set scenario.few_votes = "take" to take those there are.'
        ) from None


def _rule(
    name: DeliveryName, rows: np.ndarray, shown: np.ndarray, size: int, rng: np.random.Generator
) -> Delivery:
    """How rows (n,) of a table of targets are delivered, from soft labels or their votes (n, C)."""
    placed = np.zeros((size, shown.shape[1]), shown.dtype)
    placed[rows] = shown
    return Stochastic(placed) if name == "stochastic" else Multipass.shuffled(placed, rng)


def teacher_predictions(settings: RunSettings, source: FromModels, store: Store) -> np.ndarray:
    """(N, C) mean out-of-fold predictions of a source's models, two halves each; NaN where there are none.

    Raises:
        DataError: the teacher has not run.
    """
    dataset = load_dataset(settings.dataset)
    predictions = np.full((source.models, len(dataset), dataset.classes), np.nan)
    for teacher in settings.teachers():
        model = teacher.redraw.training
        if teacher.pooled == source.pooled and model < source.models:
            if not store.is_done(teacher.key):
                raise DataError(f"the teacher of this run has not run: {teacher.label()}.")
            made = store.predictions(teacher.key)
            if "held_out" in made:  # a half may be empty where clients hold one example
                predictions[model, made["held_out_rows"]] = made["held_out"]
    mean: np.ndarray = predictions.mean(axis=0)
    return mean


def prior_predictions(settings: RunSettings, store: Store) -> np.ndarray | None:
    """(N, C) what the run's prior predicts of the examples that it was not trained on; NaN for the others.
    None where the run needs no prior.

    Raises:
        DataError: the prior has not run.
    """
    for run in settings.priors():
        if not store.is_done(run.key):
            raise DataError(f"the prior of this run has not run: {run.label()}.")
        dataset, made = load_dataset(settings.dataset), store.predictions(run.key)
        prior = np.full((len(dataset), dataset.classes), np.nan)
        if "held_out" in made:
            prior[made["held_out_rows"]] = made["held_out"]
        return prior
    return None
