"""DP-FedAvg: differential privacy of a client, with all that it holds."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from fedsoft.privacy.accounting import Releases
from fedsoft.privacy.models.clipping import noise_beside_count
from fedsoft.privacy.models.mechanism import MODEL_MECHANISMS, Exposure, ModelMechanism


@MODEL_MECHANISMS("dp_fedavg")
class DpFedAvg(ModelMechanism):
    """Clients' updates are clipped and summed, and the sum gets noise before the server uses it.

    McMahan et al. 2018, arXiv:1710.06963, with the noisy sum over the expected number of clients (their
    estimator with fixed denominator), all clients alike; adaptive clipping is Andrew et al. 2021,
    arXiv:1905.03871. It protects a client, with all that it holds, from whoever sees the models that the
    server makes; not from the server itself. Clients who are lost lower the sum, not the noise; a cohort of
    none still gets its noise.
    """

    unit: ClassVar[Literal["client", "example"]] = "client"

    side: Literal["server", "client"] = Field(
        "server",
        description="who clips: the server, or each client before it sends; noise is the server's",
    )
    clipping: Literal["fixed", "adaptive"] = Field(
        "fixed", description="`adaptive` moves the clip norm, from `clip` on, to a quantile of updates' norms"
    )
    quantile: float = Field(0.5, ge=0, le=1, description="adaptive: share of updates that is to be within")
    clip_lr: float = Field(0.2, gt=0, le=10, description="adaptive: how fast the norm moves")
    count_noise: float | None = Field(
        None,
        gt=0,
        description="adaptive: noise on how many updates are within, as a standard deviation; by default a "
        "twentieth of the cohort, and z at least",
    )

    @model_validator(mode="after")
    def _adaptive(self) -> Self:
        set_ = sorted({"quantile", "clip_lr", "count_noise"} & self.model_fields_set)
        if self.clipping == "fixed" and set_:
            raise ValueError(f'`{set_[0]}` is of clipping = "adaptive"; set that, or leave it out')
        return self

    def releases(self, exposure: Exposure) -> dict[Releases, int]:
        """One a round. Where all take part there is no sampling, and a client's sum can be left out."""
        cohort, clients = exposure.cohort, exposure.clients
        if exposure.sampling == "poisson":
            scheme = Releases("poisson", "add_or_remove", cohort, clients, exposure.rounds)
        elif cohort < clients:
            scheme = Releases("without_replacement", "replace_one", cohort, clients, exposure.rounds)
        else:
            scheme = Releases("all", "add_or_remove", clients, clients, exposure.rounds)
        return {scheme: clients}

    def protected(self, exposure: Exposure) -> int:
        """The clients that hold examples."""
        return exposure.clients

    def noise_of_count(self, noise: float, cohort: float) -> float | None:
        """Standard deviation of the noise on the count, for a multiplier and a cohort; None without count."""
        if self.clipping == "fixed":
            return None
        return max(noise, cohort / 20) if self.count_noise is None else self.count_noise

    def noise_of_updates(self, noise: float, cohort: float) -> float:
        """The multiplier on the sum, for the one that is accounted for.

        Raises:
            ValueError: the count alone would spend more.
        """
        count = self.noise_of_count(noise, cohort)
        return noise if count is None else noise_beside_count(noise, count)
