"""What intervals take as drawn by chance, in words: examples, seeds, and people where they are known."""

import numpy as np

from fedsoft.analysis.digest import Digest
from fedsoft.analysis.judging import judging_answers
from fedsoft.plural import plural
from fedsoft.report.numbers import amount
from fedsoft.scenarios.by_annotator import ByAnnotator
from fedsoft.study.data import load_dataset


def units_sentence(result: Digest) -> str:
    """Over what intervals are: so of which others they speak."""
    study = result.opened.plan.study
    data = load_dataset(study.dataset)
    over = f"{data.noun}{' and seeds' if len(study.seeds) > 1 else ' alone'}"
    answers = judging_answers(data)
    if answers is not None:
        people = amount(len(np.unique(answers.annotator)))
        return f"Intervals are over {over}; those against a vote also over the {people} people who judge."
    if data.judges is None:
        return f"Intervals are over {over}."
    why = "it is not known who gave which vote" if data.annotations is None else "one alone gave all votes"
    return f"Intervals are over {over}; people are not resampled, since {why}."


def clients_sentence(result: Digest) -> str:
    """Whether intervals speak of other people as clients; nothing where clients are no people."""
    cells = [cell.study for cell in result.opened.plan.cells]
    found = []
    for partition in dict.fromkeys(study.scenario.partition for study in cells):
        if not isinstance(partition, ByAnnotator):
            continue
        where = "" if all(study.scenario.partition == partition for study in cells) else (
            f" with partition {partition.label()}"
        )  # fmt: skip
        if partition.sets:
            found.append(
                f"Clients{where} are of {plural(partition.sets, 'set')} of people, one a seed, and intervals "
                "are over these sets in the place of seeds: they speak of other people of the same kind."
            )
        elif len(cells[0].seeds) > 1:
            found.append(
                f"Clients{where} are the same people in all seeds, so intervals do not speak of others as "
                "clients; `sets` of the partition gives each seed its own."
            )
    return " ".join(found)
