"""The command line: parses, calls, prints. Heavy imports wait until a command needs them."""

import gc
import importlib
import os
import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from fedsoft.errors import EngineError, FedsoftError, StudyFileError
from fedsoft.installation import check_pair
from fedsoft.interrupts import InterruptibleCommands, how_to_go_on, stop_on_interrupt, undisturbed

app = typer.Typer(
    cls=InterruptibleCommands,
    help="Simulate decentralized soft-label annotation: federated training on human votes, "
    "evaluated for calibration.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="Datasets: list, fetch, check.", no_args_is_help=True)
app.add_typer(data_app, name="data")


class Engine(StrEnum):
    """What executes the clients."""

    inprocess = "inprocess"
    ray = "ray"


class Kind(StrEnum):
    """What can be listed."""

    keys = "keys"
    sources = "sources"
    datasets = "datasets"
    partitions = "partitions"
    noises = "noises"
    crowds = "crowds"
    strategies = "strategies"
    models = "models"
    losses = "losses"
    metrics = "metrics"
    calibrators = "calibrators"
    mechanisms = "mechanisms"
    model_mechanisms = "model-mechanisms"


StudyFile = Annotated[Path, typer.Argument(metavar="STUDY.toml", help="The study file.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set a key of the study file; repeatable."),
]


def _workers(given: str) -> int | str:
    """``--workers``: a number of processes, or ``ray``."""
    if given == "ray":
        return given
    if not given.isdecimal() or not int(given):
        raise typer.BadParameter(f'{given!r} is neither a number from 1 on nor "ray".')
    return int(given)


Workers = Annotated[
    Any,
    typer.Option(
        parser=_workers,
        metavar="N|ray",
        help="Processes, by default one a core, on a GPU one; or Ray workers, by default on this machine.",
    ),
]
DatasetName = Annotated[
    str,
    typer.Argument(
        metavar="DATASET",
        help="A name that `fedsoft data list` shows; or your own: a folder of images, an .npz, a file of "
        "answers, or a study file.",
    ),
]


@app.command()
def run(
    study: StudyFile,
    settings: Settings = None,
    engine: Annotated[Engine, typer.Option(help="What executes the clients.")] = Engine.inprocess,
    workers: Workers = None,
    address: Annotated[
        str | None,
        typer.Option(
            metavar="auto|HOST:PORT",
            help="With --workers ray: an existing Ray cluster, which this machine is in.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Results; by default runs/<study name>.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would run, and stop.")] = False,
) -> None:
    """Run a study, or continue it, and write its report.

    Runs that cannot be done are named at the end, with exit code 1; the next time they are tried again.
    """
    check_pair()
    if address is not None and workers != "ray":
        raise EngineError("--address names a Ray cluster for --workers ray; give both, or leave it out.")
    if workers == "ray" and engine is Engine.ray:
        raise EngineError("--workers ray spreads runs, --engine ray the clients of one run; leave one out.")
    if engine is Engine.inprocess and not dry_run:
        _start_server(workers)
    with undisturbed():
        from fedsoft.config import read_study
        from fedsoft.study.opened import open_study

    opened = open_study(read_study(study, settings or []), str(study), out)
    if dry_run:
        typer.echo(opened.summary())
        return
    with undisturbed():
        from fedsoft.execution.conduct import run_study
        from fedsoft.report.failures import damage_lines, failure_lines
        from fedsoft.report.live import Live

    for line in damage_lines(opened.damaged):
        typer.echo(line, err=True)
    with stop_on_interrupt() as stop, Live(opened.open_runs) as live:
        finished = run_study(opened, engine.value, workers, live.after_round, stop, address, live.failed)
    if not finished:
        typer.echo(f"\nStopped; nothing is lost. {how_to_go_on()}")
        raise typer.Exit(130)
    report(opened.store.root)
    if failures := opened.failures:
        for line in failure_lines(failures):
            typer.echo(line, err=True)
        raise typer.Exit(1)


@app.command()
def init(
    data: Annotated[str, typer.Argument(metavar="PATH", help="A folder of images, an .npz, or a dataset.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.toml", help="The study file to write.")] = Path(
        "study.toml"
    ),
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Set an option of the dataset; repeatable."),
    ] = None,
    no_search: Annotated[
        bool, typer.Option("--no-search", help="Search no learning rate, which takes half a minute.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a study file that is there.")] = False,
) -> None:
    """Look at your data and write a commented study file that fits them, or say what they lack."""
    check_pair()
    from fedsoft.starting.start import start

    for line in start(_dataset_table(data, settings or []), out, not no_search, force).lines():
        typer.echo(line)


@app.command()
def tune(
    study: StudyFile,
    settings: Settings = None,
    workers: Workers = None,
    out: Annotated[Path | None, typer.Option(help="The trials; by default runs/tune-<study name>.")] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write the tuned study beside it, as STUDY.tuned.toml.")
    ] = False,
) -> None:
    """Choose what a study's table `tune` asks for, by as many trials for every strategy, on other seeds.

    Interrupted, it continues; more trials begin with those that were done.
    """
    check_pair()
    _start_server(workers)
    from fedsoft.config import read_study, validate
    from fedsoft.execution.conduct import run_study
    from fedsoft.execution.tune import choose, read_trials
    from fedsoft.report.failures import failure_lines
    from fedsoft.report.live import Live
    from fedsoft.report.trials import show_trials, tuned_words, write_trials
    from fedsoft.starting.tuned import changed_lines, tuned_table, write_tuned
    from fedsoft.study.trials import open_trials

    table = read_study(study, settings or [])
    opened, points = open_trials(table, str(study), out)
    with stop_on_interrupt() as stop, Live(opened.open_runs) as live:
        finished = run_study(opened, "inprocess", workers, live.after_round, stop, failed=live.failed)
    if not finished:
        typer.echo(f"\nStopped; nothing is lost. {how_to_go_on()}")
        raise typer.Exit(130)
    for line in failure_lines(opened.failures):
        typer.echo(line, err=True)
    of, trials = validate(table, str(study)), read_trials(opened, points)
    assert of.tune is not None
    file = opened.store.root / "trials.csv"
    write_trials(file, of, of.tune, trials)
    chosen = choose(of, of.tune, trials)
    show_trials(of, of.tune, trials, chosen)
    tuned = tuned_table(table, of, chosen, tuned_words(of.tune, file))
    typer.echo("\n" + "\n".join(changed_lines(table, tuned)))
    typer.echo(f"\nTrials: {file}")
    if write:
        typer.echo(f"Tuned study: {write_tuned(study, tuned)}")


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A study's results.")],
    figures: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also write each figure there, as a PNG.")
    ] = None,
) -> None:
    """Score a study's finished runs anew, print its table and verdict, and write its report."""
    from fedsoft.report import write_report

    write_report(folder, figures)


@app.command("audit-privacy")
def audit_privacy(
    study: StudyFile,
    settings: Settings = None,
    out: Annotated[Path | None, typer.Option(help="Results; by default runs/<study name>.")] = None,
    cell: Annotated[int, typer.Option(min=1, help="Which cell of the grid, counted from 1.")] = 1,
    canaries: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Canaries a model; by default a quarter of the examples, 150 at most, or half the clients.",
        ),
    ] = None,
    shadows: Annotated[
        int, typer.Option(min=4, help="Models that the attacker trains to learn what to look for.")
    ] = 32,
    attacked: Annotated[int, typer.Option(min=1, help="Models that are attacked.")] = 16,
    members: Annotated[
        bool, typer.Option("--members", help="Also ask who was trained on, where nothing is claimed of it.")
    ] = False,
    draw: Annotated[int, typer.Option(min=0, help="Another number repeats the audit by other draws.")] = 0,
) -> None:
    """Attack a study's privacy with canaries: a lower bound on ε, beside what the study claims.

    The endpoint's two sources are attacked in the first seed. A bound above the claim is an error: exit
    code 1. A study without privacy is attacked too, and should leak.
    """
    check_pair()
    from rich.console import Console

    from fedsoft.config import read_study
    from fedsoft.execution.attack import Effort
    from fedsoft.execution.audit import plan_audit
    from fedsoft.execution.conduct import log_to
    from fedsoft.plural import plural
    from fedsoft.report import WIDE
    from fedsoft.report.audit_tables import contradictions, show_audit, write_audit
    from fedsoft.study.opened import open_study

    opened = open_study(read_study(study, settings or []), str(study), out)
    cells = opened.plan.cells
    if cell > len(cells):
        raise StudyFileError(f"--cell {cell}: the study's grid has {plural(len(cells), 'cell')}; name one.")
    planned = plan_audit(opened, cells[cell - 1], Effort(canaries, shadows, attacked, draw, members))
    if not (opened.store.root / "study.json").exists():  # which is of the results that lie there
        opened.save()
    log_to(opened.store.root / "log.txt")
    audit = planned.run()
    console = Console()
    show_audit(audit, console if console.is_terminal else Console(width=WIDE))
    files = write_audit(opened.store.root, audit, cells[cell - 1])
    typer.echo(f"\nWritten: {', '.join(map(str, files))}")
    if refuted := contradictions(audit):
        for line in refuted:
            typer.echo(f"fedsoft: {line}", err=True)
        raise typer.Exit(1)


@app.command("list")
def list_(kind: Annotated[Kind, typer.Argument(help="What to list.")]) -> None:
    """List the keys of a study file, or what it can name, with its options: defaults, and what they mean."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from fedsoft.registry import describe_keys

    table = Table(box=None, show_header=False, pad_edge=False)

    def add(keys: Iterable[tuple[str, str, str]]) -> None:
        for key, default, line in keys:
            table.add_row(escape(key), escape(default), escape(line))

    if kind is Kind.keys:
        from fedsoft.config import Study

        add(describe_keys(Study))
    else:
        registry = _registry(kind)
        for name, line in registry.describe().items():
            table.add_row(f"[bold]{name}[/bold]", "", escape(line))
            add(describe_keys(registry.get(name), "  "))
    Console().print(table)


@data_app.command("list")
def data_list() -> None:
    """List the datasets, and what each lacks on this machine."""
    from rich.console import Console
    from rich.table import Table

    from fedsoft.datasets import DATASETS, data_folder

    table = Table(box=None, show_header=False, pad_edge=False)
    for name, line in DATASETS.describe().items():
        table.add_row(f"[bold]{name}[/bold]", line, _state(name))
    console = Console()
    console.print(table)
    console.print(f"Data folder: {data_folder()} (set FEDSOFT_DATA to change it)")


@data_app.command("fetch")
def data_fetch(dataset: DatasetName, settings: Settings = None) -> None:
    """Download a dataset into the data folder, where a download exists."""
    choice = _dataset(dataset, settings or [])
    choice.fetch()
    typer.echo(f"{dataset} is ready.")


@data_app.command("check")
def data_check(
    dataset: DatasetName,
    answers: Annotated[
        str | None,
        typer.Argument(metavar="ANSWERS", help="A file of answers, as --set annotations= names it."),
    ] = None,
    settings: Settings = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Also write a table there: one row a person.")
    ] = None,
) -> None:
    """Load a dataset, check every array, and say what it holds, who answered, and what it can be asked."""
    from rich.console import Console

    from fedsoft.report import WIDE
    from fedsoft.report.data_check import show_data

    console = Console()
    named = [f"annotations={answers}"] if answers else []
    data = _dataset(dataset, [*named, *(settings or [])]).load()
    show_data(data, console if console.is_terminal else Console(width=WIDE), out)


def _start_server(workers: int | str | None) -> None:
    """Have what workers are forked from import beside this process, where there are cores for both."""
    if workers not in (1, "ray") and (os.cpu_count() or 1) > 1:
        from fedsoft.execution.fork_server import start_server

        start_server()


def _dataset_table(name: str, settings: list[str]) -> dict[str, Any]:
    """A dataset as a study file would name it, from its name or from where the user's own data lie."""
    from fedsoft.datasets import DATASETS
    from fedsoft.datasets.from_path import choice_of
    from fedsoft.keys import put_all

    table: Any = {"name": name}
    if name.endswith(".toml"):
        from fedsoft.config import read_study

        table = read_study(Path(name)).get("dataset", {})
        table = {"name": table} if isinstance(table, str) else table
    elif name not in DATASETS.names():
        table = choice_of(Path(name), DATASETS.names())
    return put_all(table, settings)


def _dataset(name: str, settings: list[str]) -> Any:
    from fedsoft.datasets import DATASETS

    try:
        return DATASETS.parse(_dataset_table(name, settings))
    except ValueError as error:
        raise StudyFileError(f"dataset: {error}.") from None


def _state(name: str) -> str:
    """Whether a dataset is there; datasets that need options are read from the user's own files."""
    from fedsoft.datasets import DATASETS

    cls = DATASETS.get(name)
    if any(field.is_required() for field in cls.model_fields.values()):
        return "your own files"
    return "ready" if cls.parse({}).missing() is None else "missing"


def _registry(kind: Kind) -> Any:
    module, name = {
        Kind.sources: ("fedsoft.supervision", "SOURCES"),
        Kind.datasets: ("fedsoft.datasets", "DATASETS"),
        Kind.partitions: ("fedsoft.scenarios", "PARTITIONS"),
        Kind.noises: ("fedsoft.annotators", "NOISES"),
        Kind.crowds: ("fedsoft.annotators", "CROWDS"),
        Kind.strategies: ("fedsoft.federation.strategies", "STRATEGIES"),
        Kind.models: ("fedsoft.training", "MODELS"),
        Kind.losses: ("fedsoft.training", "LOSSES"),
        Kind.metrics: ("fedsoft.evaluation", "METRICS"),
        Kind.calibrators: ("fedsoft.evaluation", "CALIBRATORS"),
        Kind.mechanisms: ("fedsoft.privacy", "MECHANISMS"),
        Kind.model_mechanisms: ("fedsoft.privacy", "MODEL_MECHANISMS"),
    }[kind]
    return getattr(importlib.import_module(module), name)


def main() -> None:
    """Run the command line; problems that the user can solve end with one sentence and exit code 2."""
    gc.set_threshold(100_000)  # imports and figures make many objects and no garbage: a fifth of their time
    try:
        app()
    except FedsoftError as error:
        typer.echo(f"fedsoft: {error}", err=True)
        sys.exit(2)
    finally:
        gc.freeze()  # else the interpreter looks at every object several times before it ends


if __name__ == "__main__":
    main()
