"""Predictions of the user's own models: read from files or arrays, checked, given to items and classes."""

from fedsoft.datasets.predictions.given import given_predictions, is_predictions

__all__ = ["given_predictions", "is_predictions"]
