"""Secure aggregation: clients' updates reach the server under masks that cancel in the sum.

Bonawitz et al. 2017, "Practical secure aggregation for privacy-preserving machine learning" (CCS 2017), with
its two masks, in four exchanges of a round:

1. ``secure_keys``: each client of the cohort tells two public keys, anew every round.
2. ``secure_shares``: it splits the key of its masks with others, and the seed of its own mask, into shares,
   one for each client, sealed so that the server passes on what it cannot read.
3. training: it sends its weighted update, weight and losses as whole numbers, plus a mask with every other
   client (which that one subtracts), plus its own mask.
4. ``secure_unmask``: those whose updates arrived reveal shares: of the own masks of those who are in the sum,
   and of the mask keys of those who were lost, never both of one client.

In a simulation the secrets of a client come from the stream of its run, number and round. So clients need
no memory, and a run is the same on every engine and after every resumption; but whoever runs the simulation
can draw them too. It shows the protocol, its costs and its sums, not secrecy from who simulates it.
"""
