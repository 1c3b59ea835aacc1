"""Studies: a grid of runs, executed once, resumed where they stopped, scored and stored."""
