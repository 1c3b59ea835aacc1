"""Annotators: the votes that someone would really have collected."""

from fedsoft.annotators.crowds import CROWDS, SimulatedCrowd
from fedsoft.annotators.label_errors import plant_label_errors
from fedsoft.annotators.noise import NOISES, AnnotatorNoise
from fedsoft.annotators.pool import AnnotatorPool
from fedsoft.annotators.quality import majority_of, true_quality
from fedsoft.annotators.sampling import FewVotesError, draw_one, draw_votes, split_half

__all__ = [
    "CROWDS",
    "NOISES",
    "AnnotatorNoise",
    "AnnotatorPool",
    "FewVotesError",
    "SimulatedCrowd",
    "draw_one",
    "draw_votes",
    "majority_of",
    "plant_label_errors",
    "split_half",
    "true_quality",
]
