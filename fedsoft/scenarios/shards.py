"""The FedAvg paper's partition."""

import numpy as np
from pydantic import Field

from fedsoft.errors import StudyFileError
from fedsoft.scenarios.known import Known
from fedsoft.scenarios.partition import PARTITIONS, Split


@PARTITIONS("shards")
class Shards(Split):
    """Examples sorted by label and cut into equal shards, of which every client gets some at random.

    McMahan et al. 2017, arXiv:1602.05629, their "pathological non-IID": clients have equal numbers of
    examples, and of classes about as many as shards, fewer where two are alike and more where a shard spans a
    border. flwr-datasets' ShardPartitioner drops what is left over after a whole number of examples a shard;
    here shards differ by one example at most, and nothing is dropped.
    """

    shards: int = Field(2, ge=1, description="shards a client")

    def owners(self, known: Known, clients: int, rng: np.random.Generator) -> np.ndarray:
        """Shards are dealt as cards are.

        Raises:
            StudyFileError: there are fewer examples than shards.
        """
        shards = clients * self.shards
        if len(known) < shards:
            raise StudyFileError(
                f"partition {self.label()!r} cuts {len(known)} examples into {shards} shards; lower "
                "scenario.clients or the shards a client."
            )
        order = np.lexsort((rng.random(len(known)), known.labels))
        sizes = [len(part) for part in np.array_split(order, shards)]
        owner = np.empty(len(known), dtype=np.int64)
        owner[order] = np.repeat(rng.permutation(shards) % clients, sizes)
        return owner
