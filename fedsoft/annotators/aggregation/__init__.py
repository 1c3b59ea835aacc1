"""From single annotations to one true class an image: models of annotators, or their agreement.

All work on sums over an annotator's annotations, so an annotator who works for several clients is one person.
Time and memory follow the annotations, not the people or images that there could be.
"""

from fedsoft.annotators.aggregation.answers import Aggregate
from fedsoft.annotators.aggregation.dawid_skene import dawid_skene
from fedsoft.annotators.aggregation.em import SMOOTHING
from fedsoft.annotators.aggregation.glad import glad
from fedsoft.annotators.aggregation.mace import mace
from fedsoft.annotators.aggregation.one_coin import one_coin
from fedsoft.annotators.aggregation.wawa import wawa

__all__ = ["SMOOTHING", "Aggregate", "dawid_skene", "glad", "mace", "one_coin", "wawa"]
