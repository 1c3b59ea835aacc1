"""From the user's data to a study file that fits them."""

import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fedsoft.config import read_study
from fedsoft.datasets import DATASETS, AnnotatedDataset, Dataset
from fedsoft.datasets.pictures import is_picture
from fedsoft.errors import DataError, StoreError, StudyFileError
from fedsoft.files import write_text
from fedsoft.plural import plural
from fedsoft.report.numbers import duration
from fedsoft.starting.answers import Trainable
from fedsoft.starting.clients import Held, hold
from fedsoft.starting.draft import Draft, Entry
from fedsoft.starting.models import heavy, middle_rate, model_for, others_for, scales_note, training_for
from fedsoft.starting.rest import Settled
from fedsoft.starting.search import search
from fedsoft.starting.sources import Offer, offer
from fedsoft.starting.text import study_text
from fedsoft.study.data import load_dataset, look_again
from fedsoft.study.opened import OpenStudy, open_study

FEWEST = 20
"""Items below which there is nothing to train, validate and test on."""
ROUNDS = 40
"""Where nothing was searched."""
SEEDS = (0, 1, 2, 3, 4)
AROUND = 12.0
"""Seconds of a study that are not training: starting processes, scoring, drawing the report."""


@dataclass(frozen=True)
class Started:
    """A study file that was written.

    Attributes:
        out: where.
        draft: what it says.
        opened: the study, checked; its folder is no more.
        seconds: how long it is likely to take; None where that was not measured.
        warnings: what to know of it, a sentence each.
    """

    out: Path
    draft: Draft
    opened: OpenStudy
    seconds: float | None
    warnings: tuple[str, ...]

    def lines(self) -> list[str]:
        """What was chosen, in a few lines, and what to do next."""
        draft, study = self.draft, self.opened.plan.study
        endpoint = study.endpoint
        assert endpoint is not None
        clients = draft.scenario["clients"]
        left = ", ".join(what for what, _ in draft.absent)
        if endpoint.source != "human_soft":
            left = f"{draft.absent[0][0]}: {draft.absent[0][1]}"
        idle = "while nothing else keeps this machine busy"
        takes = f"About {duration(self.seconds)}, {idle}:" if self.seconds else "Next:"
        rate = draft.training["lr"].value
        how = "not tuned" if draft.tuned.startswith("not") else "by a search on other seeds"
        return [
            f"Wrote {self.out}, which says why of each:",
            f"  sources: {', '.join(arm.label() for arm in study.arms)}",
            f"  left out: {left}",
            f"  clients: {clients.value}, {clients.why}",
            f"  model: {study.model.label()}, lr {rate:g}, {plural(study.rounds, 'round')} ({how})",
            f"  endpoint: {endpoint.source} against {endpoint.baseline}, {draft.endpoint['reference'].why}",
            *self.warnings,
            takes,
            f"  fedsoft run {self.out}",
        ]


def start(table: dict[str, Any], out: Path, searches: bool = True, force: bool = False) -> Started:
    """Write a study file that fits some data.

    Args:
        table: the data, as a study file names them.
        out: where to write it.
        searches: whether to search a learning rate, for half a minute at most.
        force: whether to write over a study file that is there.

    Raises:
        StoreError: there is a file already.
        DataError: the data cannot be read, or lack what a study needs.
        StudyFileError: the table names no data.
    """
    if out.is_dir():
        raise StoreError(f"{out} is a folder; name a file in it, such as {out / 'study.toml'}.")
    if out.exists():
        _check_old(out, force)
    if table["name"] == "answers":
        raise DataError(_nothing_to_train_on(Path(table["path"])))
    try:
        choice = DATASETS.parse(table)
    except ValueError as error:
        raise StudyFileError(f"dataset: {error}.") from None
    look_again()
    data = load_dataset(choice)
    part = Trainable(data)
    _check(part)
    held = hold(part)
    draft, trial = draft_of(part, held, table, choice)
    seconds, warnings = None, scales_note(data)
    with tempfile.TemporaryDirectory(prefix="fedsoft-") as folder:
        opened = open_study(_table(draft, out), str(out), Path(folder) / "check")
        if searches:
            draft, run_second, more = _searched(draft, part, held, _table(draft, out), trial)
            warnings += more
            opened = open_study(_table(draft, out), str(out), Path(folder) / "check")
            rounds = sum(run.rounds for run in opened.open_runs if run.kind == "trained")
            seconds = AROUND + run_second * rounds
    if seconds is not None:
        draft = replace(draft, seeds=Entry(draft.seeds.value, _seeds_why(seconds)))
    write_text(out, study_text(draft))
    return Started(out, draft, opened, seconds, warnings)


def draft_of(part: Trainable, held: Held, table: Mapping[str, Any], choice: Dataset) -> tuple[Draft, Any]:
    """What a study of some data should say before anything is tuned, and the source on trial."""
    data, model = part.data, model_for(part.data, held.training)
    offered = offer(part, held.validating, heavy(data, held.training))
    scenario = dict(held.scenario)
    if offered.few_votes:
        scenario["few_votes"] = Entry("take", offered.few_votes)
    draft = Draft(
        found=(*data.summary().splitlines(), *_size_note(choice)),
        description=_description(offered),
        dataset=dict(table),
        sources=offered.sources,
        rivals=offered.rivals,
        absent=offered.absent,
        model=model,
        rounds=Entry(ROUNDS, "not tuned"),
        tuned="not tuned",
        seeds=Entry(list(SEEDS), _seeds_why(None)),
        folds=held.folds,
        scenario=scenario,
        instead=held.instead,
        training=training_for(data, held.sizes, model.value),
        endpoint=_endpoint(data, offered),
    )
    return draft, offered.trial


def _searched(
    draft: Draft, part: Trainable, held: Held, table: dict[str, Any], trial: Any
) -> tuple[Draft, float, tuple[str, ...]]:
    """The draft with what a search found, seconds for a round of a run, and what to know."""
    data, training = part.data, held.training
    shares = np.bincount(data.labels[part.rows]) / len(part.rows)
    models = [draft.model.value, *others_for(data, training)]
    tried = [(model, middle_rate(data, model)) for model in models]
    found = search(table, ["hard", trial], tried, 1 - float((shares**2).sum()), held.validating)
    if found.chosen is None:
        draft = replace(draft, tuned=found.tuned)
        return draft, found.run_second, (f"Learning rate and rounds are {found.tuned}.",)
    draft = replace(
        draft,
        model=Entry(models[found.model], found.why or draft.model.why),
        rounds=_rounds(found.chosen),
        tuned=found.tuned,
        training={**draft.training, "lr": Entry(found.chosen.lr)},
    )
    return draft, found.run_second, (found.warning,) if found.warning else ()


def _rounds(chosen: Settled) -> Entry:
    """How many rounds, and why."""
    if not chosen.learned:
        return Entry(2 * chosen.rounds, "a guess: nothing learned in half of them")
    if not chosen.at_rest:
        return Entry(2 * chosen.rounds, "training was not yet at rest in half of them")
    why = "after which training was at rest"
    if chosen.past is not None:
        why += f"; validation NLL of the baseline was least after {chosen.past}, so early stopping may help"
    return Entry(chosen.rounds, why)


def _table(draft: Draft, out: Path) -> dict[str, Any]:
    """The study as `read_study` will find it."""
    return {"name": out.stem, **tomllib.loads(study_text(draft))}


def _check_old(out: Path, force: bool) -> None:
    """Refuse to write over a file: any that is no study, and a study unless asked to."""
    try:
        old = read_study(out)
    except StudyFileError:
        old = {}
    if not {"dataset", "sources"} & old.keys():
        answers = f"; answers are named with --set annotations={out}" if out.suffix != ".toml" else ""
        raise StoreError(
            f"{out} is there and is no study file; OUT is the study file to write, such as study.toml"
            f"{answers}."
        )
    if not force:
        raise StoreError(f"{out} is there already; name another file, or write over it with --force.")


def _check(part: Trainable) -> None:
    """Refuse data with which no study can be made, by what they lack."""
    data = part.data
    if not data.inputs.size:
        raise DataError(_nothing_to_train_on(None))
    if len(part.rows) < FEWEST:
        raise DataError(
            f"there are {len(part.rows)} {data.noun} to train on, too few for a study; {FEWEST} can be "
            "tried, and a few hundred say something."
        )
    kinds = np.unique(data.labels[part.rows])
    if len(kinds) < 2:
        raise DataError(
            f"all {data.noun} to train on are of class {data.class_names[kinds[0]]!r}, so that "
            f"nothing is told apart; add {data.noun} of another class."
        )


def _nothing_to_train_on(file: Path | None) -> str:
    """That there are answers alone, what to add, and how, where that lies beside them."""
    found = f"{file} holds" if file else "these data are"
    text = (
        f"{found} answers alone, and nothing to train on: add the images in a folder, or features in an .npz "
        "with `item_ids`"
    )
    if file is None:
        return f"{text}."
    place = _inputs_beside(file) or Path("images")
    return f"{text}, and run: fedsoft init {place} --set annotations={file}"


def _inputs_beside(file: Path) -> Path | None:
    """A folder with pictures, or an .npz, that lies where a file of answers does."""
    for one in sorted(file.parent.iterdir()):
        if one.suffix.lower() == ".npz":
            return one
        if one.is_dir() and any(is_picture(inside.name) for inside in one.iterdir()):
            return one
    return None


def _size_note(choice: Dataset) -> tuple[str, ...]:
    """To which size pictures are brought."""
    size = getattr(choice, "size", None)
    if size is None:
        return ()
    return (f"Images are brought to {size} × {size} pixels; dataset.size keeps more, and takes longer.",)


def _description(offered: Offer) -> str:
    if offered.trial != "human_soft":
        return "What do smoothing, a temperature, weight decay or early stopping do for hard labels?"
    return "What do people's soft labels buy, against hard labels and what costs no answers?"


def _endpoint(data: AnnotatedDataset, offered: Offer) -> dict[str, Entry]:
    """The comparison of a first study: of the Brier score, at equal confidence."""
    trial = offered.trial
    source = trial if isinstance(trial, str) else f"smoothing(rate={trial['rate']})"
    by_vote = data.labels_are_majority and data.judges is not None and source == "human_soft"
    why = "measured against the label"
    if by_vote:
        why = "measured against people's votes, of which the label is but the majority"
    return {
        "source": Entry(source),
        "baseline": Entry("hard"),
        "metric": Entry("brier", "squared error of predicted probabilities; within 0.005 counts as good"),
        "reference": Entry("vote" if by_vote else "label", why),
        "view": Entry("equal_confidence", "so that being merely softer counts for nothing"),
    }


def _seeds_why(seconds: float | None) -> str:
    takes = "" if seconds is None else f" of about {duration(seconds)}"
    return f"a first look{takes}; take ten for results to report"
