"""Who held what: clients by party, examples of each class, and how good their annotation really is."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fedsoft.analysis.finished import Finished
from fedsoft.scenarios import Party
from fedsoft.study.prepare import prepare
from fedsoft.study.settings import RunSettings
from fedsoft.study.votes import party_of_clients
from fedsoft.supervision import LabelSource


@dataclass(frozen=True)
class Holdings:
    """What the K clients of a cell's first finished seed train on.

    Attributes:
        seed: the seed.
        source: the source that clients without one of their own train on: the endpoint's, where that is
            trained without a teacher.
        party: (K,) number of each client's party; -1 for clients in none.
        parties: by number, those that have clients.
        counts: (K, C) training examples by the dataset's label.
        quality: by what answers are held against (``label``, and with votes ``majority``), (K,) the share of
            a client's answers that is right, as `Prepared.quality` has it.
        class_names: C names.
    """

    seed: int
    source: LabelSource
    party: np.ndarray
    parties: dict[int, Party]
    counts: np.ndarray
    quality: dict[str, np.ndarray]
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.party)

    def source_of(self, number: int) -> LabelSource:
        """What the clients of a party train on."""
        return self.parties[number].source or self.source


def holdings_of(finished: Finished) -> Holdings | None:
    """The holdings of a cell; None where nothing suitable has finished, or one client holds everything."""
    run = _shown(finished)
    if run is None or run.scenario.clients < 2:
        return None
    ready = prepare(run, finished.store, finished.device)
    data, train = ready.dataset, ready.task.train
    party = party_of_clients(run, data, ready.deal.team)
    cells = train.owner * data.classes + data.labels[train.rows]
    return Holdings(
        seed=run.seed,
        source=run.sources[0],
        party=party,
        parties={number: run.scenario.party(number) for number in np.unique(party).tolist()},
        counts=np.bincount(cells, minlength=len(train) * data.classes).reshape(len(train), data.classes),
        quality=ready.quality,
        class_names=data.class_names,
    )


def _shown(finished: Finished) -> RunSettings | None:
    """The run of which clients are shown: of the source on trial if possible, else of the first that buys
    votes, else of the first there is; teachers are spared, whose predictions would have to be there."""
    study = finished.cell.study
    fit = [run for run in finished.done if run.kind == "trained" and not run.teachers()]
    fit = [run for run in fit if run.seed == fit[0].seed]
    on_trial = [run for run in fit if run.arm.label() == study.pair[0]]
    buying = [run for run in fit if run.sources[0].needs_votes]
    return next(iter([*on_trial, *buying, *fit]), None)


COLUMNS = (
    "seed", "client", "party", "source", "crowd", "examples", "right_by_label", "right_by_majority",
)  # fmt: skip


def rows_of(held: Holdings) -> Iterator[tuple[object, ...]]:
    """A row of `COLUMNS` for each client, and how many examples of each class it holds."""
    blank = np.full(len(held), np.nan)
    label, majority = (held.quality.get(name, blank) for name in ("label", "majority"))
    for k, number in enumerate(held.party.tolist()):
        crowd = held.parties[number].crowd
        yield (
            held.seed, k, number if number >= 0 else "", held.source_of(number).label(),
            crowd.label() if crowd else "", int(held.counts[k].sum()), label[k], majority[k],
            *held.counts[k].tolist(),
        )  # fmt: skip
