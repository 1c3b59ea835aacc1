"""What intervals take as drawn by chance, in words: examples, seeds, and people where they are known."""

import numpy as np

from fedsoft.analysis.digest import Digest
from fedsoft.analysis.judging import judging_answers
from fedsoft.config import Study
from fedsoft.plural import plural
from fedsoft.report.numbers import amount
from fedsoft.scenarios.by_annotator import ByAnnotator
from fedsoft.study.data import load_dataset


def counts_sets(study: Study) -> bool:
    """Whether intervals count sets of people in the place of seeds."""
    partition = study.scenario.partition
    return isinstance(partition, ByAnnotator) and partition.sets is not None


def replicates(study: Study) -> str:
    """What stands for other runs in intervals: seeds, or the sets of people that seeds train on."""
    return "sets of people" if counts_sets(study) else "seeds"


def replicate_count(study: Study) -> int:
    """How many of these a study has."""
    partition = study.scenario.partition
    if not isinstance(partition, ByAnnotator) or partition.sets is None:
        return len(study.seeds)
    return len({partition.set_of(seed) for seed in study.seeds})


def units_sentence(result: Digest) -> str:
    """Over what intervals are: so of which others they speak."""
    study = result.opened.plan.study
    cells = [cell.study for cell in result.opened.plan.cells]
    data = load_dataset(cells[0].dataset)
    over = f"{data.noun} and {replicates(study) if all(map(counts_sets, cells)) else 'seeds'}"
    if len(study.seeds) == 1:
        over = f"{data.noun} alone"
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
