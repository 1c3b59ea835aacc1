"""Noisy clients told by how their classes overlap: taught by the global model, and weighing less."""

from pydantic import Field

from fedsoft.federation.strategies.options import STRATEGIES, AtServer, Strategy, StrategyOptions


@STRATEGIES("fedsir")
class FedSir(StrategyOptions):
    """Who mixes classes up learns from the global model and weighs less. Like FedSIR, arXiv:2604.20825.

    Its authors': a class has for direction the first singular vector of its features, a client is judged by
    the |cosines| of its classes' directions, a mixture of two Gaussians parts noisy clients, whose classes
    overlap, from clean ones; noisy clients learn from the global model beside their labels; and the mean
    weighs models by examples times exp(-d), where d is 0 for clean clients, else the distance to the nearest
    clean model over the largest such distance.

    Ours: features are what the last layer of the *received* model sees (activations of the last hidden
    layer of `mlp`, mean channels of `cnn`, inputs of `linear`, logits of a `module`), not those of a model
    that each client trains before the first round; labels are the modes of targets; clients are judged in
    every round, with a running mean of probabilities; the mixture is of the mean cosine alone, without that
    of squares, and cohorts of fewer than 8, or that one Gaussian describes as well, have nobody noisy; the
    global model's share is constant. Labels are not replaced, and losses are not adjusted for the classes'
    numbers. Where clients hold different classes, overlaps differ for that alone, and noise hides.

    The server needs no data. Clients send two numbers besides: a sum of cosines and how many they are.
    """

    needs = "how each client's classes overlap"
    share: float = Field(
        0.2, ge=0, lt=1, description="share of the global model's predictions in noisy clients' targets"
    )
    memory: float = Field(0.5, ge=0, le=1, description="share of a client's probability kept when seen again")

    def build(self, at: AtServer) -> Strategy:
        """Our server, for so many clients."""
        from fedsoft.federation.servers.fedsir import FedSir as Server

        return Server(at.clients, self.share, self.memory)
