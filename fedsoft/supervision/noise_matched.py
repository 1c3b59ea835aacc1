"""stub"""

from fedsoft.supervision.source import LabelSource


class NoiseMatched(LabelSource):
    """stub"""

    of: LabelSource
