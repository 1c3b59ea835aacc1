"""Benchmarks: fedsoft beside a plain loop and stock Flower, on the same work."""
