"""Losses of runs are added up from their records."""

from fedsoft.analysis.mishaps import Raised, losses_of

FIRST = {"number": 3, "client": 7, "cause": "ValueError: no", "chance": False}
COUNTS = {"asked": 40, "dropped": 1, "late": 2, "failed": 3, "raised": 0, "void": 4, "first": []}


def test_counts_are_sums_and_the_first_that_raised_is_named():
    records = {
        "a": {"label": "hard", "mishaps": COUNTS},
        "b": {"label": "soft", "mishaps": COUNTS | {"raised": 2, "first": [FIRST, FIRST | {"number": 9}]}},
        "old": {"label": "old"},
        "older": {"label": "older", "mishaps": {"dropped": 9}},
    }
    losses = losses_of(records)
    assert (losses.asked, losses.dropped, losses.late, losses.failed, losses.void) == (80, 2, 4, 6, 8)
    assert losses.raised == {"b": Raised("soft", 2, 7, 3, "ValueError: no")}
    assert not losses.none


def test_without_losses():
    nothing = dict.fromkeys(["dropped", "late", "failed", "void"], 0)
    assert losses_of({"a": {"label": "hard", "mishaps": COUNTS | nothing}}).none
    assert losses_of({}).asked == 0
