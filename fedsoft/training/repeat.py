"""A step repeated for many batches; on a card recorded once, and replayed."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache

import torch
from torch import Tensor

Step = Callable[[Mapping[str, Tensor], int], None]
"""Takes a batch, by name, and the number of the step."""

WORTH = 16
"""Steps from which on a recording pays: it costs as much as some steps do without."""
EAGER = 2
"""Steps before the recording, in which kernels are loaded and chosen."""


def repeat(
    step: Step, batches: Mapping[str, Tensor], count: int, first: int = 0, widths: Sequence[int] | None = None
) -> None:
    """Take steps, in order.

    On a card, the step of one shape is a CUDA graph where there are enough of them: small models would
    otherwise wait for the host between their kernels. The batches are all there already, so the recorded step
    finds its own by a counter on the card, and nothing is copied between steps.

    Args:
        step: what it does follows from the batch alone if no widths are given.
        batches: (count, K, B, …) each.
        count: how many steps.
        first: the number of the first of them.
        widths: examples of the largest batch in each step of the whole update, beyond which there is padding
            alone, where batches have very different sizes.
    """
    done = 0
    if widths is None and count >= WORTH and _records(batches):
        done = _replayed(step, batches, count)
    for i in range(done, count):
        batch = {name: part[i] for name, part in batches.items()}
        if widths is not None:
            batch = {name: part[:, : widths[first + i]] for name, part in batch.items()}
        step(batch, first + i)


def _records(batches: Mapping[str, Tensor]) -> bool:
    """Whether steps can be recorded."""
    return next(iter(batches.values())).is_cuda and not torch.cuda.is_current_stream_capturing()


def _replayed(step: Step, batches: Mapping[str, Tensor], count: int) -> int:
    """Take steps by replaying one; returns how many were taken: all, unless it cannot be recorded."""
    counter = torch.zeros(1, dtype=torch.int64, device=next(iter(batches.values())).device)

    def body() -> None:
        step({name: part.index_select(0, counter)[0] for name, part in batches.items()}, 0)
        counter.add_(1)

    replay = _recorded(body)
    if replay is None:
        return EAGER
    for _ in range(count - EAGER):
        replay()
    return count


_graphs: list[torch.cuda.CUDAGraph] = []
"""The last recording: it keeps the memory that the next one, which never runs beside it, takes over."""


@lru_cache(maxsize=1)
def _aside() -> torch.cuda.Stream:
    """The stream on which all is recorded: not the usual one, and always the same: each takes memory."""
    return torch.cuda.Stream()


def _recorded(body: Callable[[], None]) -> Callable[[], None] | None:
    """Compute `EAGER` times, then record, which does not compute; None where no recording can be made, as of
    what looks at its own results."""
    usual, graph, recorded = torch.cuda.current_stream(), torch.cuda.CUDAGraph(), False
    _aside().wait_stream(usual)
    with torch.cuda.stream(_aside()):
        for _ in range(EAGER):
            body()
        try:
            graph.capture_begin(pool=_graphs[-1].pool() if _graphs else None)
            body()
            graph.capture_end()
            recorded = True
        except RuntimeError:
            with suppress(RuntimeError):
                graph.capture_end()
    usual.wait_stream(_aside())
    if not recorded:
        return None
    _graphs[:] = [graph]
    return graph.replay
