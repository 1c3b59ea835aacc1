"""A workload's task, prepared once a process, from the study that describes it."""

import json
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from fedsoft.federation import Task
from fedsoft.study.opened import open_study
from fedsoft.study.prepare import prepare


@lru_cache(maxsize=4)
def load(study: str) -> tuple[Task, Tensor]:
    """The task of a study (as JSON), and the rows of its validation examples."""
    opened = open_study(json.loads(study), "benchmark", Path("/nonexistent"))
    ready = prepare(opened.plan.runs[0], opened.store, "cpu")
    return ready.task, torch.from_numpy(ready.deal.validation.rows)
