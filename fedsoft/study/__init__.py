"""Studies as they are written down: what runs there are, what each needs, and where its results lie.

A study file becomes a `Plan`: cells of a grid, and in each cell one `RunSettings` for every source or
rival, strategy and seed (`plan`, `settings`). A run's settings are its identity: their hash names its
folder in the `Store`, so that resuming, growing a study and sharing runs between cells are all "is
this key done?". Runs need others: teachers, members of ensembles, what is to be calibrated; a plan
lists them first.

What a run's clients hold follows from its settings alone: the data (`data`), who holds which examples
and with which labels (`dealing`), the votes that are bought (`votes`), the targets made of them
(`targets`), and all of it together, ready to train (`prepare`). Nothing here trains, and nothing here
judges: `execution` does what is written down here, `analysis` says what came of it.

`open_study` is where a study begins: it is checked, with its data, before anything is written
(`opened`).
"""
