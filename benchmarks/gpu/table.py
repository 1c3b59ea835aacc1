"""What was found on a card, as the README shows it."""

from typing import Any

from benchmarks.table import number
from benchmarks.table import rows as table

Rows = list[dict[str, Any]]


def readme(results: dict[str, Any]) -> str:
    """All of it, in Markdown."""
    parts = {name: part["rows"] for name, part in results["parts"].items()}
    found = [
        _machine(results["machine"]),
        _studies({name: rows for name, rows in parts.items() if any("where" in row for row in rows)}),
        _stacks(parts.get("stacks", [])),
        _forms([row for row in parts.get("stacks", []) if "convolution" in row]),
        _busy(parts.get("busy", [])),
        _agreement(parts.get("agreement", [])),
        _reports(parts),
        _undone(results["parts"]),
    ]
    return "\n\n".join(filter(None, found))


def _machine(machine: dict[str, Any]) -> str:
    if "card" not in machine:
        return f"On {machine['cores']} cores, without a card."
    return (
        f"On one {machine['card']} ({machine['gib']:.0f} GiB, CUDA {machine['cuda']}, PyTorch "
        f"{machine['torch']}), beside {machine['cores']} cores of its machine."
    )


def _studies(parts: dict[str, Rows]) -> str:
    header = ["study", "on", "runs", "start, s", "training, s", "report, s", "all, s", "rounds done"]
    body = []
    for name, rows in parts.items():
        for where, said in (("device", "the card"), ("cores", "all cores")):
            own = {key: value for row in rows if row.get("where") == where for key, value in row.items()}
            if "training" not in own:
                continue
            training = own["training"] / own["share"] if own["share"] else None
            report = own["digest"] + own["page"] if "digest" in own else None
            known = [own["start"], training, report]
            total = sum(known) if None not in known else None
            body.append(
                [f"`{name}`", said, number(own["runs"]), *map(number, [*known, total]), f"{own['share']:.0%}"]
            )
    if not body:
        return ""
    return (
        f"{table(header, body)}\n\nThe start lasts until the first figures of a run. Where less than all "
        "rounds were done in the time that was given, the rest is extrapolated; both report on what the card "
        "trained, as `fedsoft run` does on the cores."
    )


def _stacks(rows: Rows) -> str:
    timed = [row for row in rows if "net" in row and "us" in row]
    if not timed:
        return ""
    chosen = {(row["net"], row["precision"]): row["chosen"] for row in rows if "chosen" in row}
    sizes = sorted({int(size) for row in timed for size in row["us"]})
    body = []
    for row in timed:
        # JSON has names for numbers; what memory did not hold is None, what took too long was not tried.
        times = {int(size): us for size, us in row["us"].items()}
        cells = [("no memory" if times[n] is None else number(times[n])) if n in times else "" for n in sizes]
        choice = chosen.get((row["net"], row["precision"]))
        body.append([row["net"], row["precision"], *cells, number(choice)])
    return table(
        ["µs of a client's step, by clients a program", "precision", *map(str, sizes), "chosen"], body
    )


def _forms(rows: Rows) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row["us"]))
    body = []
    for row in rows:
        fan_in, out, side, stride = row["convolution"]
        what = f"{fan_in} → {out}, {side}×{side}, stride {stride}"
        body.append([what, str(row["models"]), *(number(row["us"].get(name)) for name in names)])
    header = [
        "µs of a client's 3×3 convolution and its gradient",
        "clients",
        *(f"`{name}`" for name in names),
    ]
    return table(header, body) if body else ""


def _busy(rows: Rows) -> str:
    body = [
        [
            row["study"],
            number(row["runs"]),
            str(row["stack"]),
            f"{row['busy']:.0%}",
            f"{row['busy_with_copies']:.0%}",
            number(row["kernels"] / row["seconds"]),
        ]
        for row in rows
        if "busy" in row
    ]
    header = [
        "training",
        "runs in lockstep",
        "clients a program",
        "kernels at work",
        "or copies",
        "kernels a second",
    ]
    return table(header, body) if body else ""


def _agreement(rows: Rows) -> str:
    body = [
        [
            row["net"],
            row["precision"],
            f"{row['largest']:.1e}",
            f"{row['median']:.1e}",
            f"{row['same_class']:.2%}",
        ]
        for row in rows
    ]
    header = ["predictions beside a processor's", "precision", "largest difference", "median", "same class"]
    return table(header, body) if body else ""


def _reports(parts: dict[str, Rows]) -> str:
    lines = [
        f"- Of {row['reports']['cells']:,} cells in the files of the reports on `{name}`, numbers differ "
        f"by {row['reports']['largest']:.1e} at most between card and cores, and {row['reports']['words']} "
        "words do."
        for name, rows in parts.items()
        for row in rows
        if "reports" in row
    ] + [
        f"- Tests on the card: {row['passed']} passed, {row['failed']} failed, {row['skipped']} were skipped."
        for row in parts.get("checks", [])
    ]
    return "\n".join(lines)


def _undone(parts: dict[str, Any]) -> str:
    return "\n".join(
        f"- `{name}` {part['ended']}." for name, part in parts.items() if part["ended"] != "done"
    )
