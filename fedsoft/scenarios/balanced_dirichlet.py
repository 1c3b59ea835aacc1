"""NIID-Bench's label skew."""

from typing import ClassVar

from fedsoft.scenarios.partition import PARTITIONS, Dirichlet


@PARTITIONS("balanced_dirichlet")
class BalancedDirichlet(Dirichlet):
    """`dirichlet` in which clients who have their equal part get nothing of the classes that follow.

    NIID-Bench's ``noniid-labeldir`` (Li et al. 2022, arXiv:2102.02079), and flwr-datasets'
    DirichletPartitioner with ``self_balancing``. Sizes differ less than in `dirichlet`, and the last classes
    are with fewer clients than alpha says.
    """

    balanced: ClassVar[bool] = True
