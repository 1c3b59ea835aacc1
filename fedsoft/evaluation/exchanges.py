"""Fitting by sums: clients keep their examples, and tell what a few functions of them add up to."""

from collections.abc import Callable, Sequence

from torch import Tensor

AddUp = Callable[[Tensor], Tensor]
"""Parameters to what all clients' sums add up to there: one exchange with all of them."""


class Exchanges:
    """An `AddUp` over clients whose examples lie apart; counts what crosses between them and the server.

    In each exchange every client gets the parameters and answers with sums over its own examples, of a size
    that does not depend on how many these are. They are added in clients' order, so that totals are the same
    on every machine. Whoever adds up sees each client's sums, and those of a single example are that example;
    where this is too much, secure aggregation would do, since nothing but the totals is used.

    Attributes:
        number: exchanges so far.
        bytes_up: bytes of all sums that clients sent, as float64.
        bytes_down: bytes of all parameters that they got.
    """

    def __init__(
        self, sums: Callable[[Tensor, Tensor, Tensor], Tensor], parts: Sequence[tuple[Tensor, Tensor]]
    ) -> None:
        """
        Args:
            sums: predictions (n, C), references (n, C) and parameters to a client's sums.
            parts: each client's predictions and references; some client has any.
        """
        self.sums, self.parts = sums, parts
        self.number = self.bytes_up = self.bytes_down = 0

    def __call__(self, parameters: Tensor) -> Tensor:
        """One exchange: the clients' sums, added in their order."""
        self.number += 1
        self.send(parameters)
        total: Tensor | None = None
        for probs, reference in self.parts:
            own = self.sums(probs, reference, parameters.to(probs.device))
            self.bytes_up += own.nbytes
            total = own if total is None else total + own
        assert total is not None
        return total.cpu()

    def send(self, parameters: Tensor) -> None:
        """Count parameters that every client gets."""
        self.bytes_down += len(self.parts) * parameters.nbytes
