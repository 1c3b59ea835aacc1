"""Crowds of simulated people, who answer a client's items instead of the data's own people."""

from fedsoft.annotators.crowds.crowd import CROWDS, Said, SimulatedCrowd
from fedsoft.annotators.crowds.fitted import Fitted
from fedsoft.annotators.crowds.population import Experts, Population, Spammers
from fedsoft.annotators.crowds.sight import Sight, sight_of

__all__ = [
    "CROWDS",
    "Experts",
    "Fitted",
    "Population",
    "Said",
    "Sight",
    "SimulatedCrowd",
    "Spammers",
    "sight_of",
]
