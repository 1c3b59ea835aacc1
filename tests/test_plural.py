import pytest

from fedsoft.plural import plural


@pytest.mark.parametrize(
    ("count", "words"),
    [
        ((1, "run"), "1 run"),
        ((0, "run"), "0 runs"),
        ((2, "run"), "2 runs"),
        ((1200, "run"), "1,200 runs"),
        ((1, "strategy", "strategies"), "1 strategy"),
        ((3, "strategy", "strategies"), "3 strategies"),
    ],
)
def test_counts_take_the_right_form(count, words):
    assert plural(*count) == words
