import pytest

from fedsoft.analysis.digest import Digest
from fedsoft.report.live import Live, _minutes


def test_counts_runs_and_rounds(result: Digest, capsys: pytest.CaptureFixture[str]) -> None:
    runs = result.opened.plan.runs[:2]
    with Live(runs) as live:
        for number in range(1, 7):
            live.after_round(runs[0], {"round": number, "accuracy": 0.5})
        live.after_round(runs[1], {"round": 1, "accuracy": 0.5})
        assert (live.rounds_seen, live.rounds, live.done) == (7, 12, 1)
    assert "1 of 2 runs in" in capsys.readouterr().out


def test_nothing_to_run_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Live([]):
        pass
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("seconds", "shown"), [(5, "0:05"), (75, "1:15"), (3600, "1:00:00"), (7384, "2:03:04")]
)
def test_time_left(seconds: float, shown: str) -> None:
    assert _minutes(seconds) == shown
