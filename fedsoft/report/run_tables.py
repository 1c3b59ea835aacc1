"""Tables of what was run, and of how clients differ."""

import numpy as np

from fedsoft.analysis.digest import Digest
from fedsoft.execution.derive import FEWEST
from fedsoft.report.numbers import NOT_ENOUGH, amount, duration, plain, signed, size
from fedsoft.report.shown import Shown, choice_name, value_name
from fedsoft.report.tables import Cell, Table

VERSIONS = ("fedsoft", "commit", "python", "flwr", "ray", "torch", "numpy")


def settings_table(result: Digest) -> Table:
    """Settings, how they were chosen, versions and cost."""
    study, records = result.opened.plan.study, list(result.records.values())
    training = {key: value for key, value in study.training.model_dump().items() if value is not None}
    scenario = study.scenario.model_dump(exclude={"clients", "partition", "parties"}, exclude_defaults=True)
    settings = {
        "study file": result.opened.where,
        "dataset": choice_name(study.dataset),
        "model": choice_name(study.model),
        "training": ", ".join(f"{key} = {value_name(value)}" for key, value in training.items()),
        "rounds": str(study.rounds),
        "learning rates and rounds were chosen": study.tuned,
        "strategies": ", ".join(map(choice_name, study.strategies)),
        "clients": f"{study.scenario.clients}, {choice_name(study.scenario.partition)}"
        + "".join(f", {key} = {value_name(value)}" for key, value in scenario.items())
        + (
            f", {len(study.scenario.parties)} parties with labels of their own"
            if study.scenario.parties
            else ""
        ),
        "label privacy": choice_name(study.privacy.labels)
        if study.privacy and study.privacy.labels
        else "none",
        "private training": f"{choice_name(study.privacy.model)}, delta = {study.privacy.delta:g}"
        if study.privacy and study.privacy.model and study.privacy.delta
        else "none",
        "secure aggregation": ", ".join(
            f"{key} = {value_name(value)}" for key, value in study.privacy.secure_sum if value is not None
        )
        if study.privacy and study.privacy.secure_sum
        else "none",
        "grid": "; ".join(
            f"{key}: {', '.join(map(value_name, values))}" for key, values in study.grid.items()
        )
        or "none",
        "seeds": ", ".join(map(str, study.seeds)),
        "engine": _all(records, "engine"),
        "device": _all(records, "device"),
        "versions": ", ".join(f"{name} {_all(records, name)}" for name in VERSIONS),
        "runs": f"{amount(len(records))} finished, {amount(result.missing)} missing",
        "compute time": duration(result.seconds),
    }
    if study.precision != "float32":
        settings["precision"] = study.precision
    if len(study.strategies) == 1:  # several are compared in a table of their own
        settings["parameters sent, a run"] = _sent(result)
    if crossed := _crossed(result):
        settings["sent for calibration, a run"] = crossed
    if own := _own_maps(result):
        settings["clients with a map of their own"] = own
    return Table(
        ("what", "value"), [[Cell(key), Cell(value)] for key, value in settings.items()], prose=(0, 1)
    )


def _sent(result: Digest) -> str:
    """Bytes of parameters that a run sends, both ways: from the cell with fewest to that with most."""
    sent = [count for cell in result.cells for count in cell.bytes_sent.values()]
    return " to ".join(dict.fromkeys([size(min(sent)), size(max(sent))])) if sent else NOT_ENOUGH


def _crossed(result: Digest) -> str:
    """What each arm calibrated by clients' sums sends for it, both ways, on average; empty for none."""
    found: dict[str, list[tuple[int, int]]] = {}
    for run in result.opened.plan.runs:
        sums = result.records.get(run.key, {}).get("calibration")
        if sums:
            sent = sums["exchanges"], sums["bytes_up"] + sums["bytes_down"]
            found.setdefault(run.arm.label(), []).append(sent)
    means = {arm: np.mean(sent, axis=0) for arm, sent in found.items()}
    return "; ".join(
        f"{arm}: {size(sent)} in {times:.3g} {'exchange' if times == 1 else 'exchanges'}"
        for arm, (times, sent) in means.items()
    )


def _own_maps(result: Digest) -> str:
    """How many clients have examples enough for maps of their own, by arm; empty where none is wanted."""
    found: dict[str, list[tuple[int, int]]] = {}
    for run in result.opened.plan.runs:
        fitted = result.records.get(run.key, {}).get("own_maps")
        if fitted:
            found.setdefault(run.arm.label(), []).append((fitted["own"], fitted["clients"]))
    few = f"the others have fewer than {FEWEST} validation examples, and the map of all"
    parts = []
    for arm, counts in found.items():
        own = sum(one for one, _ in counts)
        every = sum(one for _, one in counts)
        rest = "" if own == every else f" ({few})"
        parts.append(f"{arm}: {100 * own / every:.0f} %{rest}")
    return "; ".join(parts)


def _all(records: list[dict[str, str]], key: str) -> str:
    return ", ".join(sorted({str(record[key]) for record in records if key in record})) or NOT_ENOUGH


def client_table(shown: Shown) -> Table | None:
    """How accuracy and signed gap spread over clients and seeds, under the primary strategy.

    Returns:
        None where no client has test examples enough for figures of its own.
    """
    spread = shown.cell.clients
    if not spread:
        return None
    rows = []
    for source in shown.sources:
        row = [Cell(source, colour=shown.colours[source])]
        for metric, written in (("accuracy", plain), ("signed_gap", signed)):
            values = spread.get((shown.primary, source, metric), [])
            low, middle, high = np.quantile(values, [0.1, 0.5, 0.9]) if values else [np.nan] * 3
            row += [Cell(written(float(value))) for value in (low, middle, high)]
        rows.append([*row, Cell(amount(len(values)))])
    groups = (("", 1), ("accuracy", 3), ("signed gap", 3), ("", 1))
    return Table(("source", *["10 %", "median", "90 %"] * 2, "clients × seeds"), rows, groups)
