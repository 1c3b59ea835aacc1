"""Studies as they are done: every run that is open, on one engine or another, with the same results.

`conduct` takes an opened study and has an engine do what is open of it, phase by phase: teachers,
trained runs, ensembles, calibrated runs. A run (`run`) is a generator, which yields what it waits for:
replies of clients to a round's messages, or a round's figures (`scoring`). So whoever advances it
decides with whom it trains: alone on any grid, or in lockstep with others, all their clients in a few
tensor programs (`lockstep`; `groups` says which). Runs that train nothing are computed from others'
predictions (`derive`); where training examples are followed, `follow` does it. A run leaves a
checkpoint when it is asked to stop, and now and then, and goes on from there.

The engines differ in who holds the processes: this one and its children (`processes`), Flower's
simulation on Ray (`ray_engine`), Ray workers on one machine or many (`ray_workers`, with `worker` at
the far end and `ray_cluster` between), or `flwr run` (`flower_app`, `superlink`). None of them differs
in a number.
"""
