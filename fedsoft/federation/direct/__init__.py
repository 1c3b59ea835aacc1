"""Rounds of clients in this process, without a message: all runs' updates, aggregated where they are.

What comes of them is what Flower's strategies make of the same updates in messages; a test holds the two
equal for every strategy that has a rule here. Others get their messages.
"""

from fedsoft.federation.direct.play import Unable, play_here
from fedsoft.federation.direct.rules import Rule, rule_of
from fedsoft.federation.direct.state import on_host
from fedsoft.federation.direct.turns import Merge, Trainer, Turn, merge_together

__all__ = ["Merge", "Rule", "Trainer", "Turn", "Unable", "merge_together", "on_host", "play_here", "rule_of"]
