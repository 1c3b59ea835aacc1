"""The command line: exit codes, one clear sentence for every kind of bad input, nothing written."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from fedsoft import cli
from fedsoft.config import Study
from fedsoft.interrupts import undisturbed
from fedsoft.registry import describe_keys

STUDY = """
dataset = {{ name = "npz", path = "{path}" }}
sources = ["hard", "human_soft"]
strategies = ["fedavg"]
model = "linear"
rounds = 2
seeds = [0]
scenario = {{ clients = 2 }}
"""
GOOD = """
dataset = "digits"
sources = ["hard", "human_soft"]
strategies = ["fedavg"]
model = "linear"
rounds = 2
seeds = [0, 1]
"""


@pytest.fixture
def fedsoft(monkeypatch, capsys, tmp_path):
    """Runs the command line in an empty folder; returns exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["fedsoft", *map(str, arguments)])
        try:
            cli.main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        out = capsys.readouterr()
        return code, out.out, out.err

    return call


def own_data(rows: int = 60) -> dict[str, np.ndarray]:
    labels = np.arange(rows) % 3
    votes = np.ones((rows, 3), dtype=int)
    votes[np.arange(rows), labels] += 4
    features = np.eye(3)[labels] + np.arange(rows)[:, None] / 100
    return {"features": features, "labels": labels, "votes": votes}


def change(name, value):
    return lambda data: data | {name: value(data[name])}


def put_at(array, index, value):
    array = array.astype(type(value)) if isinstance(value, float) else array.copy()
    array[index] = value
    return array


BROKEN = {
    "wrong shapes": (change("votes", lambda v: v[:-1]), "votes"),
    "NaN": (change("features", lambda f: put_at(f, (4, 1), np.nan)), "features.*4"),
    "negative votes": (change("votes", lambda v: put_at(v, (7, 0), -1)), "votes.*7"),
    "no votes": (change("votes", lambda v: 0 * v), "nobody answered anything"),
    "labels out of range": (change("labels", lambda y: put_at(y, 2, 17)), "label.*17|17.*label"),
    "huge labels": (
        change("labels", lambda y: put_at(y.astype(np.int64), 2, 2**40)),
        "labels.*1099511627776",
    ),
    "fractional votes": (change("votes", lambda v: v + 0.5), "votes"),
    "no labels": (lambda data: {k: v for k, v in data.items() if k not in ("labels", "votes")}, "labels"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_data_gives_one_clear_sentence(fedsoft, tmp_path, kind):
    breaks, words = BROKEN[kind]
    np.savez(tmp_path / "data.npz", **breaks(own_data()))
    (tmp_path / "study.toml").write_text(STUDY.format(path="data.npz"))
    assert_refused(fedsoft("run", "study.toml"), words, tmp_path)


def test_a_missing_file(fedsoft, tmp_path):
    (tmp_path / "study.toml").write_text(STUDY.format(path="nowhere.npz"))
    assert_refused(fedsoft("run", "study.toml"), "nowhere.npz does not exist", tmp_path)


@pytest.mark.parametrize(
    ("path", "words"), [("pipe", "pipe is no file"), ("a\\u0000b", "dataset: .*path: is no path")]
)
def test_what_is_no_path_to_a_file(fedsoft, tmp_path, path, words):
    """A pipe would be waited for for ever."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "study.toml").write_text(STUDY.format(path=path))
    assert_refused(fedsoft("run", "study.toml"), words, tmp_path)
    (tmp_path / "study.toml").write_text(STUDY.format(path=path).replace("npz", "folder"))
    assert_refused(fedsoft("run", "study.toml"), "is not a folder|is no path", tmp_path)


def test_keys_that_are_deeper_than_any_table(fedsoft, tmp_path):
    (tmp_path / "study.toml").write_text(GOOD)
    deep = ".".join(["a"] * 5000)
    assert_refused(fedsoft("run", "study.toml", "--set", f"{deep}=1"), "more than 20 deep", tmp_path)
    assert_refused(fedsoft("data", "check", "digits", "--set", f"{deep}=1"), "more than 20 deep", tmp_path)


def test_a_study_file_that_cannot_be_read(fedsoft, tmp_path):
    (tmp_path / "loop.toml").symlink_to(tmp_path / "loop.toml")
    assert_refused(fedsoft("run", "loop.toml"), r"loop.toml cannot be read \(Too many levels", tmp_path)


def test_results_are_never_written_among_what_is_not_theirs(fedsoft, tmp_path):
    (tmp_path / "study.toml").write_text(GOOD)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/results.csv").write_text("a stranger's")
    (tmp_path / "file").write_text("")
    refused = "is not empty and holds no study's results, .* choose another folder with --out, or empty it"
    assert_refused(fedsoft("run", "study.toml", "--out", "mine"), f"mine {refused}", tmp_path)
    assert_refused(fedsoft("run", "study.toml", "--out", "mine", "--dry-run"), f"mine {refused}", tmp_path)
    assert_refused(fedsoft("run", "study.toml", "--out", "file"), "file is not a folder", tmp_path)
    assert_refused(fedsoft("run", "study.toml", "--out", "."), refused, tmp_path)
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["results.csv"]
    assert (tmp_path / "mine/results.csv").read_text() == "a stranger's"


def test_another_studys_results_are_left_alone(fedsoft, tmp_path):
    (tmp_path / "study.toml").write_text(GOOD)
    small = ("run", "study.toml", "--workers", "1", "--set", "seeds=[0]", "--set", 'sources=["hard"]')
    assert fedsoft(*small)[0] == 0
    before = (tmp_path / "runs/study/results.csv").read_bytes()
    code, _, err = fedsoft(*small, "--set", "name=other", "--out", "runs/study")
    assert code == 2
    assert "runs/study holds the results of another study, 'study'; choose another folder with --out" in err
    assert (tmp_path / "runs/study/results.csv").read_bytes() == before
    assert fedsoft(*small, "--set", "rounds=1")[0] == 0  # the same study, changed
    code, _, err = fedsoft(*small, "--out", ".")  # though a folder `runs` is there
    assert code == 2
    assert "is not empty" in err


def test_a_damaged_study_file_beside_results_is_written_anew(fedsoft, tmp_path):
    (tmp_path / "study.toml").write_text(GOOD)
    small = ("run", "study.toml", "--workers", "1", "--set", "seeds=[0]", "--set", 'sources=["hard"]')
    assert fedsoft(*small)[0] == 0
    (tmp_path / "runs/study/study.json").write_text("[]")
    assert fedsoft("report", "runs/study")[0] == 2
    assert fedsoft(*small)[0] == 0
    assert fedsoft("report", "runs/study")[0] == 0


def test_a_truncated_file(fedsoft, tmp_path):
    np.savez(tmp_path / "data.npz", **own_data())
    whole = (tmp_path / "data.npz").read_bytes()
    (tmp_path / "data.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "study.toml").write_text(STUDY.format(path="data.npz"))
    assert_refused(fedsoft("run", "study.toml"), "data.npz is damaged", tmp_path)


def test_pickled_objects_are_never_loaded(fedsoft, tmp_path):
    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "trap"),))

    np.savez(tmp_path / "data.npz", **own_data() | {"votes": np.array([Trap()] * 60)})
    (tmp_path / "study.toml").write_text(STUDY.format(path="data.npz"))
    assert_refused(fedsoft("run", "study.toml"), "pickled", tmp_path)
    assert not (tmp_path / "trap").exists()


PRIVATE = "privacy.labels = { name = 'randomized_response', epsilon = "


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("sorces = []", "unknown key 'sorces' .*did you mean 'sources'"),
        ('sources = ["human_sofft"]', "unknown label source 'human_sofft' .*did you mean 'human_soft'"),
        ('sources = [{ name = "votes_k", kk = 3 }]', "unknown key 'kk'"),
        ('sources = [{ name = "votes_k", k = 0 }]', "k: .*greater than or equal to 1"),
        ('sources = [{ name = "votes_k", k = 99 }]', "99 votes"),
        ("rounds = -1", "rounds: .*greater than or equal to 1"),
        ('rounds = "many"', "rounds: .*integer"),
        ("scenario = { clients = 2, partision = 1 }", "unknown key 'scenario.partision' .*'partition'"),
        ("scenario = { clients = 900 , partition = 'dirichlet'}", "dirichlet.*no split"),
        ("training = { lr = 0 }", "training.lr: .*greater than 0"),
        ("model = 'cnn'", "cnn.*needs images"),
        ("strategies = ['fedavg', 'fedavg']", "lists 'fedavg' twice"),
        ("seeds = []", "seeds"),
        (
            f"{PRIVATE}-1 }}",
            "privacy.labels: randomized_response: epsilon: .*greater than or equal to 0.000001",
        ),
        ("training = { epochs = 1_000_000_000 }", "training.epochs: .*less than or equal to 10000"),
        ("training = { lr = inf }", "training.lr: .*finite number"),
        (
            f"{PRIVATE}1, project = false }}\nsources = ['human_hard']",
            "privacy.labels.project = false",
        ),
        ("endpoint = { source = 'human_softt' }", "endpoint names 'human_softt'"),
        ("endpoint = { source = 'human_soft', stratum = 'hardest' }", "endpoint.stratum.*'hardest_fifth'"),
        (
            f"{PRIVATE}1 }}\nsources = ['human_soft_shrunk']",
            "'human_soft_shrunk' models people",
        ),
        (
            f"{PRIVATE}1 }}\nsources = ['hard', 'teacher']",
            "'teacher' learns from a model",
        ),
        ("scenario = { clients = 3, partition = 'natural' }", "'natural' needs groups"),
        ("device = 'tpu'", "device"),
        ("grid = { 'training.lrr' = [1] }", "unknown key 'training.lrr'"),
        ("grid = { 'training.lr' = [] }", "grid"),
        ("name = 'a/b'", "name"),
        ("this is not TOML", "not valid TOML"),
        (f"seeds = {'[' * 5000}{']' * 5000}", "more than 20 deep"),
        (f"seeds = {'[' * 100}{']' * 100}", "more than 20 deep"),
        (f"[{'.'.join(['scenario'] * 5000)}]", "more than 20 deep"),
        (f"grid = {{ 'model.options' = [{'[' * 100}{']' * 100}] }}", "more than 20 deep"),
    ],
)
def test_a_broken_study_file_names_file_and_key(fedsoft, tmp_path, line, words):
    keys = {part.split("=")[0].strip() for part in line.splitlines()}
    kept = [row for row in GOOD.splitlines() if row.split("=")[0].strip() not in keys]
    (tmp_path / "study.toml").write_text("\n".join([*kept, line]))
    assert_refused(fedsoft("run", "study.toml"), f"study.toml.*{words}", tmp_path)


def test_votes_where_there_are_none(fedsoft, tmp_path):
    data = own_data()
    del data["votes"]
    np.savez(tmp_path / "data.npz", **data)
    (tmp_path / "study.toml").write_text(STUDY.format(path="data.npz"))
    assert_refused(
        fedsoft("run", "study.toml"), "study.toml.*sources.*'human_soft' needs human votes", tmp_path
    )


def test_an_endpoint_against_votes_where_there_are_none(fedsoft, tmp_path):
    data = own_data()
    del data["votes"]
    np.savez(tmp_path / "data.npz", **data)
    study = STUDY.format(path="data.npz").replace('"human_soft"', '{ name = "smoothing", rate = 0.1 }')
    endpoint = '[endpoint]\nsource = "smoothing(rate=0.1)"\nreference = "vote"\n'
    (tmp_path / "study.toml").write_text(study + endpoint)
    assert_refused(fedsoft("run", "study.toml"), "endpoint.reference.*needs human votes", tmp_path)


def assert_refused(result, words, folder):
    code, out, err = result
    assert code == 2
    assert re.search(words, err), err
    assert "Traceback" not in out + err
    assert len(err.strip().splitlines()) == 1
    assert not (folder / "runs").exists()  # nothing written


def test_a_run_from_file_to_report(fedsoft, tmp_path):
    (tmp_path / "study.toml").write_text(GOOD)
    code, out, _ = fedsoft("run", "study.toml", "--workers", "1", "--set", "training.lr=0.2")
    assert code == 0
    assert "simulated crowd" in (tmp_path / "runs/study/report.html").read_text()
    assert "report.html" in out
    code, out, _ = fedsoft("report", "runs/study")
    assert code == 0
    assert "human_soft" in out


def test_own_data_with_votes_and_without(fedsoft, tmp_path):
    data = own_data()
    np.savez(tmp_path / "data.npz", **data)
    (tmp_path / "study.toml").write_text(STUDY.format(path="data.npz"))
    assert fedsoft("run", "study.toml", "--workers", "1")[0] == 0
    del data["votes"]
    np.savez(tmp_path / "data.npz", **data)
    code, _, err = fedsoft("run", "study.toml", "--workers", "1", "--set", 'sources=["hard"]', "--out", "b")
    assert (code, err) == (0, "")


DEEP = GOOD.replace('"linear"', '{ name = "mlp", hidden = [4] }').replace("rounds = 2", "rounds = 3")
HALF_BAD = DEEP + 'grid = { "training.lr" = [0.1, 1e30] }\n'


def test_runs_that_fail_are_named_and_the_others_reported(fedsoft, tmp_path):
    (tmp_path / "study.toml").write_text(HALF_BAD)
    for _ in range(2):  # what failed is tried again, and fails again
        code, out, err = fedsoft("run", "study.toml", "--workers", "1")
        assert code == 1
        assert "Traceback" not in out + err
        assert len(err.splitlines()) == 4
        for line in err.splitlines():
            assert line.startswith("failed: training.lr = 1e+30, h")
            assert re.search(r", seed [01]: training diverged in round \d, at client \d: layer", line)
        assert "report.html" in out
    assert "4 of 4" not in out
    assert len(list(tmp_path.glob("runs/study/runs/*/run.json"))) == 4
    assert len(list(tmp_path.glob("runs/study/runs/*/failed.json"))) == 4
    assert "0.1" in (tmp_path / "runs/study/results.csv").read_text()


def test_of_many_failed_runs_ten_are_named(fedsoft, tmp_path):
    """And where no run is done, the report says so."""
    (tmp_path / "study.toml").write_text(DEEP)
    settings = ("--set", "training.lr=1e30", "--set", "seeds=[0,1,2,3,4,5]", "--workers", "1")
    code, out, err = fedsoft("run", "study.toml", *settings)
    assert code == 1
    assert "Traceback" not in out + err
    assert len(err.splitlines()) == 11
    assert err.splitlines()[-1] == "failed: 2 more runs."
    assert (tmp_path / "runs/study/report.html").exists()


def test_damaged_runs_are_named_and_done_again(fedsoft, tmp_path):
    (tmp_path / "study.toml").write_text(GOOD)
    assert fedsoft("run", "study.toml", "--workers", "1")[0] == 0
    models = {path: path.read_bytes() for path in tmp_path.glob("runs/study/runs/*/model.npz")}
    damaged = sorted(models)[0]
    damaged.write_bytes(models[damaged][:-1] + b"x")
    code, out, _ = fedsoft("report", "runs/study")
    assert code == 0
    assert f"{damaged.relative_to(tmp_path)} is not what its run wrote: the run counts as not done" in out
    code, out, err = fedsoft("run", "study.toml", "--workers", "1")
    assert code == 0
    assert "is not what its run wrote" in err
    assert "1 of 1 run in" in out
    assert models == {path: path.read_bytes() for path in models}


def test_signals_are_the_callers_again_after_a_run(fedsoft, tmp_path):
    """What follows, such as the report, is stopped as any program is."""
    (tmp_path / "study.toml").write_text(GOOD)
    before = [signal.getsignal(asked) for asked in (signal.SIGINT, signal.SIGTERM)]
    assert fedsoft("run", "study.toml", "--workers", "1")[0] == 0
    assert [signal.getsignal(asked) for asked in (signal.SIGINT, signal.SIGTERM)] == before


def test_dry_run_writes_nothing(fedsoft, tmp_path):
    (tmp_path / "study.toml").write_text(GOOD)
    code, out, _ = fedsoft("run", "study.toml", "--dry-run")
    assert code == 0
    assert out.startswith(
        "study: 2 sources × 1 strategy × 2 seeds = 4 runs of 2 rounds, and 0 teachers; "
        "4 of 4 are still to run."
    )
    settings = ("--set", 'sources=["hard"]', "--set", "seeds=[1]", "--set", "rounds=1")
    assert fedsoft("run", "study.toml", "--dry-run", *settings)[1].startswith(
        "study: 1 source × 1 strategy × 1 seed = 1 run of 1 round, and 0 teachers; 1 of 1 is still to run."
    )
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("kind", [kind.value for kind in cli.Kind])
def test_everything_is_listed_with_its_line(fedsoft, kind):
    code, out, _ = fedsoft("list", kind)
    assert code == 0
    names = Study.model_fields if kind == "keys" else cli._registry(cli.Kind(kind)).names()
    for name in names:
        assert name in out


def test_every_key_tells_what_it_means():
    keys = {key: (default, line) for key, default, line in describe_keys(Study)}
    assert all(line for _, line in keys.values())
    assert keys["training.lr"] == ("0.1", "learning rate")
    assert keys["training.stop"][0] == '"last"'
    assert keys["dataset"][0] == "required"
    assert keys["scenario"][0] == ""
    assert {
        "rivals[].members",
        "scenario.parties[].share",
        "privacy.labels",
        "endpoint.margin",
    } <= keys.keys()
    registries = {kind: cli._registry(kind) for kind in cli.Kind if kind is not cli.Kind.keys}
    for registry in registries.values():
        for name in registry.names():
            assert all(line for *_, line in describe_keys(registry.get(name))), name


def test_a_report_on_data_that_have_changed_keeps_what_is_there(fedsoft, tmp_path):
    data = {"features": np.eye(40, dtype=np.float32), "labels": np.arange(40) % 2}
    np.savez(tmp_path / "data.npz", **data)
    (tmp_path / "study.toml").write_text(GOOD.replace('"digits"', '{ name = "npz", path = "data.npz" }'))
    assert fedsoft("run", "study.toml", "--workers", "1", "--set", 'sources=["hard"]')[0] == 0
    before = (tmp_path / "runs/study/results.csv").read_bytes()
    np.savez(tmp_path / "data.npz", **data | {"labels": np.arange(40) // 2 % 2})
    code, _, err = fedsoft("report", "runs/study")
    assert code == 2
    assert "none of the finished runs in runs/study is one of its study any more" in err
    assert (tmp_path / "runs/study/results.csv").read_bytes() == before


def test_data_commands(fedsoft, tmp_path):
    assert fedsoft("data", "list")[0] == 0
    text = fedsoft("data", "check", "digits", "--out", "people.csv")[1]
    assert "Simulated crowd" in text
    assert "Krippendorff" in text
    assert Path("people.csv").read_text().startswith("annotator,answers,")
    refused = fedsoft("data", "check", "lidc", "--out", "none.csv")
    assert_refused(refused, "not known who gave which", tmp_path)
    assert fedsoft("data", "check", "digitss")[0] == 2


def test_help_is_quick():
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "fedsoft.cli", "--help"], check=True, capture_output=True)
    assert time.perf_counter() - began < 2.0  # 0.2 s on a quiet machine
    code = "import sys, fedsoft.cli; assert not {'torch', 'flwr', 'numpy', 'matplotlib'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--address", "auto"], "--address names a Ray cluster for --workers ray"),
        (["--address", "auto", "--workers", "2"], "--address names a Ray cluster for --workers ray"),
        (["--engine", "ray", "--workers", "ray"], "leave one out"),
        (["--workers", "ray", "--address", "127.0.0.1:1"], "no Ray cluster answers at 127.0.0.1:1"),
        (["--workers", "ray", "--address", "here"], '"auto" or HOST:PORT'),
        (["--workers", "0"], "neither a number from 1 on nor"),
        (["--workers", "rays"], "neither a number from 1 on nor"),
    ],
)
def test_ray_workers_and_their_address(fedsoft, tmp_path, options, problem):
    (tmp_path / "study.toml").write_text(GOOD)
    code, out, err = fedsoft("run", "study.toml", *options)
    assert code == 2
    assert problem in " ".join((out + err).split())
    assert "Traceback" not in out + err


@pytest.fixture
def long_study(tmp_path):
    """Starts a study of many rounds in a session of its own, and returns when its runs are at work."""

    def start(workers):
        (tmp_path / "study.toml").write_text(GOOD.replace("rounds = 2", "rounds = 4000"))
        command = [sys.executable, "-m", "fedsoft.cli", "run", "study.toml", "--workers", workers]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(command, cwd=tmp_path, start_new_session=True, **pipes)
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("runs/study/runs/*/settings.json")) and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(1.0)
        return process

    return start


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("workers", ["1", "2", pytest.param("ray", marks=pytest.mark.slow)])
def test_asked_to_stop_it_ends_cleanly_and_says_how_to_go_on(tmp_path, long_study, workers, asked):
    process = long_study(workers)
    process.send_signal(asked)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "fedsoft run study.toml --workers" in out + err
    assert "Traceback" not in out + err
    begun = len(list(Path(tmp_path).glob("runs/study/runs/*/checkpoint.npz")))
    assert begun
    again = subprocess.run([*process.args, "--dry-run"], cwd=tmp_path, capture_output=True, text=True)
    assert f"4 of 4 are still to run, {begun} of them from a checkpoint" in again.stdout


def test_a_batch_system_may_ask_all_processes_to_stop(long_study):
    process = long_study("2")
    os.killpg(process.pid, signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "fedsoft run study.toml --workers" in out + err
    assert "Traceback" not in out + err


def test_ctrl_c_while_workers_start(tmp_path):
    """A terminal sends it to all processes: the command, a resource tracker, the server, and two workers."""
    (tmp_path / "study.toml").write_text(GOOD.replace("rounds = 2", "rounds = 200_000"))
    command = [sys.executable, "-m", "fedsoft.cli", "run", "study.toml", "--workers", "2"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=tmp_path, start_new_session=True, **pipes)
    while len(_those_in(process.pid)) < 5 and process.poll() is None:
        time.sleep(0.01)
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in out + err
    assert "fedsoft run study.toml --workers" in out


def test_ctrl_c_is_not_lost_where_an_import_would_catch_it():
    with pytest.raises(KeyboardInterrupt), undisturbed(), suppress(BaseException):
        signal.raise_signal(signal.SIGINT)


def test_ctrl_c_within_any_command_says_how_to_go_on(fedsoft, monkeypatch):
    """As within a report, of which nothing is stored that would have to be ended well."""
    monkeypatch.setattr("fedsoft.report.write_report", lambda *_: signal.raise_signal(signal.SIGINT))
    code, _, err = fedsoft("report", "runs/study")
    assert code == 130
    assert "Continue with:\n  fedsoft report runs/study" in err


def _those_in(group):
    """The processes of a group; of one that ends meanwhile nothing is told."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            found += [stat] if int(stat.read_text().rpartition(")")[2].split()[2]) == group else []
    return found


def test_killed_it_leaves_no_workers_behind(long_study):
    process = long_study("2")
    process.kill()
    process.communicate(timeout=60)
    deadline = time.monotonic() + 20
    while (left := _anyone_in(process.pid)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left


def _anyone_in(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_first_study_from_own_data_to_a_report(fedsoft, tmp_path):
    np.savez(tmp_path / "mine.npz", **own_data(120))
    code, out, err = fedsoft("init", "mine.npz", "--no-search", "--set", "labels_are=independent")
    assert code == 0, err
    assert out.splitlines()[0] == "Wrote study.toml, which says why of each:"
    assert out.splitlines()[-1] == "  fedsoft run study.toml"
    assert 'path = "mine.npz", labels_are = "independent" }' in (tmp_path / "study.toml").read_text()
    assert fedsoft("run", "study.toml", "--dry-run")[0] == 0
    small = ("--set", "rounds=2", "--set", "seeds=[0, 1]", "--workers", "1")
    code, out, err = fedsoft("run", "study.toml", *small)
    assert code == 0, err
    assert (tmp_path / "runs/study/report.html").exists()
    assert "is there already" in fedsoft("init", "mine.npz", "--no-search")[2]


def test_a_first_study_of_answers_alone_says_what_to_add(fedsoft, tmp_path):
    (tmp_path / "answers.csv").write_text("item,annotator,label\na,w,x\nb,w,y\n")
    code, out, err = fedsoft("init", "answers.csv")
    assert (code, out) == (2, "")
    assert "answers alone, and nothing to train on: add the images in a folder" in err
    assert not (tmp_path / "study.toml").exists()


def test_data_are_checked_by_where_they_lie_or_by_the_study_that_names_them(fedsoft, tmp_path):
    np.savez(tmp_path / "mine.npz", **own_data())
    (tmp_path / "study.toml").write_text(STUDY.format(path="mine.npz"))
    by_name = fedsoft("data", "check", "npz", "--set", "path=mine.npz")
    assert by_name[0] == 0
    assert fedsoft("data", "check", "mine.npz") == by_name
    assert fedsoft("data", "check", "study.toml") == by_name
    code, _, told = fedsoft("data", "check", "mime.npz")
    assert (code, "does not exist (did you mean 'mine.npz'?)" in told) == (2, True)


AUDIT = ("--canaries", "60", "--shadows", "4", "--attacked", "4", "--set", "rounds=1")


def test_an_audit_prints_its_bounds_and_writes_them(fedsoft, tmp_path):
    (tmp_path / "study.toml").write_text(
        GOOD + '[privacy.labels]\nname = "randomized_response"\nepsilon = 2.0\n'
    )
    code, out, _ = fedsoft("audit-privacy", "study.toml", *AUDIT)
    assert code == 0
    assert "no evidence of privacy" in " ".join(out.split())
    written = json.loads((tmp_path / "runs/study/audit.json").read_text())
    first = written["findings"][0]
    assert (first["source"], first["unit"], first["seen"]) == ("human_soft", "vote", "labels")
    assert first["claimed_epsilon"] == 2
    assert 0 < first["epsilon_at_least"] < 2 < first["ceiling"]
    rows = list(csv.DictReader((tmp_path / "runs/study/audit.csv").open()))
    assert [row["source"] for row in rows] == ["human_soft"] * 2 + ["hard"] * 2
    assert float(rows[0]["epsilon_at_least"]) == first["epsilon_at_least"]
    assert fedsoft("run", "study.toml", "--dry-run")[0] == 0  # the folder is the study's
    kept = (tmp_path / "runs/study/study.json").read_bytes()
    assert fedsoft("audit-privacy", "study.toml", *AUDIT, "--set", "privacy.labels.epsilon=4.0")[0] == 0
    assert (tmp_path / "runs/study/study.json").read_bytes() == kept


def test_an_audit_that_refutes_a_claim_is_an_error(fedsoft, tmp_path, monkeypatch):
    from fedsoft.privacy.labels import randomized_response as rr

    honest = rr.randomize
    monkeypatch.setattr(rr, "randomize", lambda votes, epsilon, rng: honest(votes, 3 * epsilon, rng))
    (tmp_path / "study.toml").write_text(
        GOOD + '[privacy.labels]\nname = "randomized_response"\nepsilon = 1.0\n'
    )
    code, out, errors = fedsoft("audit-privacy", "study.toml", *AUDIT)
    assert code == 1
    assert re.search(r"hard leaks more of one vote than its privacy claims: ε is at least [1-3]\.\d+", errors)
    assert "leaks more than" in " ".join(out.split())


def test_an_audit_of_a_cell_that_there_is_not(fedsoft, tmp_path):
    (tmp_path / "study.toml").write_text(GOOD)
    assert_refused(fedsoft("audit-privacy", "study.toml", "--cell", "2"), "grid has 1 cell;", tmp_path)
    assert_refused(fedsoft("audit-privacy", "study.toml", "--canaries", "9999"), "9,999 canaries", tmp_path)
