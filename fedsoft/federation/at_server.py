"""What a server knows besides its clients' updates."""

from dataclasses import dataclass

import torch
from torch import Tensor

from fedsoft.federation.task import Task
from fedsoft.training import Model, Training


@dataclass(frozen=True)
class AtServer:
    """What a strategy may use of a run: nothing of it are labels, or inputs that clients hold.

    Attributes:
        model: the model that is trained.
        training: the clients' options of local training.
        clients: their number.
        classes: number of classes.
        examples: (U, …) inputs of the unlabelled examples at the server; none where the scenario gives none.
        seed: governs what a strategy draws.
    """

    model: Model
    training: Training
    clients: int
    classes: int
    examples: Tensor
    seed: int

    @classmethod
    def of(cls, task: Task) -> "AtServer":
        """Of a run, as its clients know it."""
        rows = torch.from_numpy(task.unlabelled).to(task.inputs.device)
        return cls(
            model=task.model,
            training=task.training,
            clients=len(task.train),
            classes=task.targets.shape[1],
            examples=task.inputs.index_select(0, rows),
            seed=task.seed,
        )
