"""Studies as they are read: from stored predictions to levels, effects, verdicts and what to buy.

All figures begin with the predictions of a seed's runs on its test fold (`scores`, which also writes
``results.csv``). Metrics that are means over examples become one value for each example, run and view
(`values`; `effects` says which views and which combinations of sources), and from these come levels,
effects and their intervals (`estimates`) and the verdict on the endpoint (`conclusions`). What is no
mean over examples is scored on the predictions of all folds together (`pooled`), agreement with people
between its floor and its ceiling (`agreement`). Beside them stand how steady training is (`stability`,
`curves`), what targets are like, cost and differ in (`targets`), and maps of the training examples
(`cartography`).

A cell of the grid is analysed by itself, from what of it has `finished`; `digest` puts the cells
together, for `report` to show, and `tables` writes their CSV files. Nothing here trains or draws.
"""
