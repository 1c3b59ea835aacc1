"""Annotators: the votes that someone would really have collected."""

from fedsoft.annotators.label_errors import plant_label_errors
from fedsoft.annotators.noise import NOISES, AnnotatorNoise
from fedsoft.annotators.pool import AnnotatorPool
from fedsoft.annotators.sampling import FewVotesError, draw_one, draw_votes, split_half

__all__ = [
    "NOISES",
    "AnnotatorNoise",
    "AnnotatorPool",
    "FewVotesError",
    "draw_one",
    "draw_votes",
    "plant_label_errors",
    "split_half",
]
