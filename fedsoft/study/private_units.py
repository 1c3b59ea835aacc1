"""Whether the data have the units that a study's label privacy protects."""

from dataclasses import dataclass, field

import numpy as np

from fedsoft.datasets import Annotations
from fedsoft.errors import DataError
from fedsoft.plural import plural
from fedsoft.privacy import DiscreteGaussian, LabelMechanism


@dataclass
class PrivateUnits:
    """The units of a run, party by party.

    Attributes:
        mechanism: how answers are made private, if they are.
        number: units so far; clients are in one party each.
        people: those of the data who answered for a client so far.
    """

    mechanism: LabelMechanism | None
    number: int = 0
    people: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def add(
        self,
        answers: int,
        client: np.ndarray,
        whose: Annotations | None = None,
        data: str = "",
        simulated: bool = False,
    ) -> None:
        """Count the units of a party.

        Args:
            answers: how many it asks.
            client: (n,) who holds each of its examples.
            whose: who gave these, where that is known.
            data: the dataset's name.
            simulated: whether these are simulated people, and so nobody else's.

        Raises:
            DataError: ε protects annotators, and they are not known, or answer for clients of two parties.
        """
        if self.mechanism is None:
            return
        unit = self.mechanism.unit
        if unit != "annotator":
            of_client = len(np.unique(client)) if unit == "client" else 0
            self.number += {"vote": answers, "image": len(client), "client": of_client}[unit]
            return
        if whose is None:
            raise DataError(
                f'privacy.labels.unit = "annotator" needs to know who answered what, but dataset {data!r} '
                "does not say it; add a file of answers with a column of annotators, or choose another unit."
            )
        people = np.unique(whose.annotator)
        self.number += len(people)
        if simulated:
            return
        if len(both := np.intersect1d(people, self.people)):
            ids = whose.annotator_ids
            name = both[0] if ids is None else ids[both[0]]
            raise DataError(
                f'privacy.labels.unit = "annotator" splits ε over all that a person answers, and '
                f"{plural(len(both), 'person answers', 'people answer')} for clients of two parties (the "
                f"first is {name}); leave scenario.parties out, or choose another unit."
            )
        self.people = np.union1d(self.people, people)

    def check(self) -> None:
        """Refuse a δ that allows to tell one unit whole.

        Raises:
            DataError: δ is not below one in the number of units.
        """
        if not isinstance(self.mechanism, DiscreteGaussian):
            return
        if self.mechanism.delta * self.number >= 1:
            raise DataError(
                f"privacy.labels.delta = {self.mechanism.delta:g} would allow to tell the answers of one "
                f"{self.mechanism.unit} in the clear, of which there are {self.number:,}; set it below "
                f"{1 / self.number:.1g}."
            )
