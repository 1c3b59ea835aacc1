"""What a card does for fedsoft: checks, timings and whole studies, beside the processor of the same machine.

python -m benchmarks.gpu --seconds 840 --out gpu
"""
