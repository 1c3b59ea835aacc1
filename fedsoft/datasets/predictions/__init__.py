"""Predictions of the user's own models: read from files or arrays, checked, given to items and classes."""

from fedsoft.datasets.predictions.given import NAME, given_predictions, is_predictions

__all__ = ["NAME", "given_predictions", "is_predictions"]
