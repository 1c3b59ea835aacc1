from typing import Any

import pytest

from fedsoft.analysis.digest import Digest
from fedsoft.report.live import Live, Pace, _minutes
from fedsoft.study.settings import RunSettings


def short(result: Digest) -> list[RunSettings]:
    """Two runs of two rounds."""
    return [run.model_copy(update={"rounds": 2}) for run in result.opened.plan.runs[:2]]


def test_counts_runs_and_rounds(result: Digest, capsys: pytest.CaptureFixture[str]) -> None:
    runs = short(result)
    with Live(runs) as live:
        for number in (1, 2):
            live.after_round(runs[0], {"round": number, "accuracy": 0.5})
        live.after_round(runs[1], {"round": 1, "accuracy": 0.5})
        assert (live.rounds_seen, live.rounds, live.done) == (3, 4, 1)
    assert "1 of 2 runs in" in capsys.readouterr().out


def test_a_run_that_fails_is_counted_and_its_other_rounds_are_not(
    result: Digest, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = short(result)
    with Live(runs) as live:
        live.after_round(runs[0], {"round": 1, "accuracy": 0.5})
        live.failed(runs[0])
        for number in (1, 2):
            live.after_round(runs[1], {"round": number, "accuracy": 0.5})
        assert (live.rounds_seen, live.rounds, live.done) == (3, 3, 1)
    assert "1 of 2 runs, 1 failed, in" in capsys.readouterr().out


def test_one_run_is_no_runs(result: Digest, capsys: pytest.CaptureFixture[str]) -> None:
    run = short(result)[0]
    with Live([run]) as live:
        live.after_round(run, {"round": 2})  # from a checkpoint after round 1
        assert (live.rounds_seen, live.rounds, live.done) == (2, 2, 1)
    assert "1 of 1 run in" in capsys.readouterr().out


def test_nothing_to_run_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Live([]):
        pass
    assert capsys.readouterr().out == ""


def _long(result: Digest, **changes: Any) -> Any:
    return result.opened.plan.runs[0].model_copy(update={"rounds": 100, **changes})


def test_a_slow_start_is_no_pace(result: Digest) -> None:
    """Twenty seconds pass before the first round, and then each takes one."""
    run = _long(result)
    pace = Pace([run])
    for number in range(1, 6):
        pace.after_round(run, 100 - number, 20.0 + number)
        assert pace.seconds_left is None
    for number in range(6, 101):
        pace.after_round(run, 100 - number, 20.0 + number)
        assert pace.seconds_left == pytest.approx((100 - number) * 1.0)


def test_a_few_rounds_are_no_pace(result: Digest) -> None:
    run = _long(result)
    pace = Pace([run])
    for number, now in ((1, 0.0), (2, 100.0), (3, 200.0)):
        pace.after_round(run, 100 - number, now)
        assert pace.seconds_left is None
    pace.after_round(run, 96, 300.0)
    assert pace.seconds_left == pytest.approx(96 * 100.0)


def test_each_kind_of_run_has_its_own_pace(result: Digest) -> None:
    """Short rounds first, one by one; the long ones, ten times as long, are waited for as soon as known."""
    quick = [_long(result, seed=seed) for seed in range(2)]
    slow = [_long(result, seed=seed, pooled=True) for seed in range(2)]
    free = _long(result, members=3)
    pace, now = Pace([*quick, *slow, free]), 0.0
    for run in quick:
        for number in range(1, 101):
            now += 0.1
            pace.after_round(run, 100 - number, now)
    assert pace.seconds_left == pytest.approx(200 * 0.1, rel=0.01)  # no better guess, and nothing for `free`
    for number in range(1, 11):
        now += 1.0
        pace.after_round(slow[0], 100 - number, now)
    assert pace.seconds_left == pytest.approx(190 * 1.0)


def test_kinds_at_work_at_the_same_time_share_it(result: Digest) -> None:
    """Two processes: in one second ten short rounds end, and one long one."""
    quick, slow = _long(result, rounds=1000), _long(result, pooled=True)
    pace = Pace([quick, slow])
    for second in range(1, 21):
        for tenth in range(10):
            pace.after_round(quick, 1000 - 10 * second + 9 - tenth, second + tenth / 10)
        pace.after_round(slow, 100 - second, second + 0.95)
    assert pace.seconds_left == pytest.approx(80.0, rel=0.1)
    pace.end(slow)
    assert pace.seconds_left == pytest.approx(40.0, rel=0.1)


@pytest.mark.parametrize(
    ("seconds", "shown"), [(5, "0:05"), (75, "1:15"), (3600, "1:00:00"), (7384, "2:03:04")]
)
def test_time_left(seconds: float, shown: str) -> None:
    assert _minutes(seconds) == shown
