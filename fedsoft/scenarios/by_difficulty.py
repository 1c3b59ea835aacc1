"""The referral hospital, which gets the hard cases."""

import numpy as np
from pydantic import Field

from fedsoft.errors import StudyFileError
from fedsoft.plural import plural
from fedsoft.scenarios.known import Known
from fedsoft.scenarios.partition import PARTITIONS, Split


@PARTITIONS("by_difficulty")
class ByDifficulty(Split):
    """The first clients, 0 to ``referral`` - 1, hold the examples on which people disagree most.

    Examples are ranked by the entropy of their votes, ties at random; those without votes come last. The
    hardest ``share`` of them is dealt at random to the referral clients, the rest to the others, in equal
    numbers up to one among either. The test fold is dealt by the same rule, so that referral clients are
    tested on hard cases too, as far as it has votes. What is hard is told by all votes that the data have,
    whatever clients collect of them.
    """

    referral: int = Field(2, ge=1, description="clients who hold the hard cases: the first ones by number")
    share: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="share of all examples that they hold; without it as many a client as the others",
    )

    def owners(self, known: Known, clients: int, rng: np.random.Generator) -> np.ndarray:
        """The hard to some, the rest to the others.

        Raises:
            StudyFileError: all clients would be referral clients, or too few examples have votes.
        """
        if self.referral >= clients:
            raise StudyFileError(
                f"partition {self.label()!r} has {plural(self.referral, 'referral client')} of "
                f"{plural(clients, 'client')}, and needs others too; lower `referral`, or raise "
                "scenario.clients."
            )
        if known.difficulty is None:
            raise StudyFileError(
                "partition 'by_difficulty' ranks examples by how far people disagree, and the data have no "
                "votes; add them, or choose another partition."
            )
        wanted, voted = self._hard(len(known), clients), int((~np.isnan(known.difficulty)).sum())
        if voted < wanted:
            raise StudyFileError(
                f"partition {self.label()!r} gives referral clients the hardest {wanted:,} of {len(known):,} "
                f"examples, and {voted:,} have votes; lower `share`."
            )
        return self._dealt(known.difficulty, clients, rng)

    def owners_of_tested(
        self, tested: Known, held: Known, owner: np.ndarray, clients: int, rng: np.random.Generator
    ) -> np.ndarray | None:
        """As training examples are."""
        return None if tested.difficulty is None else self._dealt(tested.difficulty, clients, rng)

    def _hard(self, count: int, clients: int) -> int:
        """How many of so many examples are for referral clients."""
        return round((self.referral / clients if self.share is None else self.share) * count)

    def _dealt(self, difficulty: np.ndarray, clients: int, rng: np.random.Generator) -> np.ndarray:
        """(N,) clients: the hardest to the first ones in turn, the rest to the others in turn."""
        ranked = np.lexsort((rng.random(len(difficulty)), -np.nan_to_num(difficulty, nan=-1.0)))
        hard = self._hard(len(difficulty), clients)
        owner = np.empty(len(difficulty), dtype=np.int64)
        owner[rng.permutation(ranked[:hard])] = np.arange(hard) % self.referral
        easy = rng.permutation(ranked[hard:])
        owner[easy] = self.referral + np.arange(len(easy)) % (clients - self.referral)
        return owner
