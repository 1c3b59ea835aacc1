"""The results as the README shows them."""

from typing import Any

RATIOS = ("training_vs_loop", "training_vs_limit", "round_vs_loop", "round_vs_stock", "round_vs_pfl")
TIMES = {
    "round": "fedsoft",
    "round_all_cores": "fedsoft on all cores",
    "loop_round": "loop",
    "stock_round": "stock Flower on all cores",
    "pfl_round": "pfl",
}
COMPARED = ("ms", "vs_fedavg")
"""Of strategies."""


def readme(results: dict[str, Any]) -> str:
    """All of them, in Markdown."""
    parts = [_workloads(results), _strategies(results), _private(results), _study(results)]
    parts += [_scale(results), _ray(results), _curves(results), _missing(results)]
    return "\n\n".join(filter(None, parts))


def rows(header: list[str], body: list[list[str]]) -> str:
    """A table."""
    lines = [header, ["---"] * len(header), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: Any) -> str:
    """A number to three digits, or as a whole; what is none was not measured."""
    if not isinstance(value, int | float):
        return "not measured"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _workloads(results: dict[str, Any]) -> str:
    names = [f"`{name}`" for name in RATIOS]
    body = []
    for workload, times in results["ms"].items():
        known = [results[name] if isinstance(results[name], dict) else {} for name in RATIOS]
        numbers = [ratios.get(workload) for ratios in known] + [times.get(name) for name in TIMES]
        body.append([f"`{workload}`", *map(number, numbers)])
    return rows(["workload", *names, *(f"{who}, ms a round" for who in TIMES.values())], body)


def _strategies(results: dict[str, Any]) -> str:
    found = results.get("strategies")
    if not found:
        return ""
    header = [f"`{workload}`, {what}" for workload in found for what in ("ms a round", "over `fedavg`")]
    names = next(iter(found.values()))["ms"]
    body = [
        [f"`{name}`", *(number(found[workload][what][name]) for workload in found for what in COMPARED)]
        for name in names
    ]
    return rows(["strategy", *header], body)


def _private(results: dict[str, Any]) -> str:
    found = results.get("private")
    if not found:
        return ""
    parts = ("training", "round")
    header = [
        f"`{workload}`, {part}{what}"
        for workload in found
        for part in parts
        for what in (", ms a round", " over plain")
    ]
    columns = [(w, f"{part}_{what}") for w in found for part in parts for what in ("ms", "vs_plain")]
    body = [
        [name, *(number(found[w][key][name]) if name in found[w][key] else "" for w, key in columns)]
        for name in next(iter(found.values()))["round_ms"]
    ]
    return rows(["private training", *header], body)


def _study(results: dict[str, Any]) -> str:
    study = results.get("study")
    if not study:
        return ""
    cells = "; ".join(
        f"{cell['runs']} runs of {cell['stock_run_s']:.1f} s ({_axes(cell['axes'])})"
        for cell in study["cells"]
    )
    return (
        f"The flagship study (`configs/audit.toml`) took {study['seconds']:.0f} s with its report. Its runs "
        f"that train, one by one on stock Flower simulation, would take {study['stock_seconds'] / 3600:.1f} "
        f"h, {study['study_vs_stock']:.0f} times as long: {cells}, extrapolated from the median of "
        f"{results['repeats']} such runs each."
    )


def _axes(axes: dict[str, Any]) -> str:
    return ", ".join(f"{key} = {value}" for key, value in axes.items())


def _scale(results: dict[str, Any]) -> str:
    scale = results.get("scale")
    if not scale:
        return ""
    return (
        f"{scale['clients']:,} clients, {scale['participation']:.0%} of them a round, {scale['rounds']} "
        f"rounds (`configs/scale.toml`, {scale['runs']} runs and the report in one process): "
        f"{scale['seconds']:.0f} s, {scale['peak_gib']:.2f} GiB at the peak, of which importing PyTorch, "
        f"Flower and the rest takes {scale['imports_gib']:.2f}."
    )


def _ray(results: dict[str, Any]) -> str:
    ray = results.get("ray")
    if not ray:
        return ""
    body = [
        [f"{count} {kind}", *(f"{ray[f'{name}_{count}'][part]:.1f}" for part in ("start", "work"))]
        for kind, name in (("process(es)", "processes"), ("Ray worker(s)", "ray"))
        for count in (1, 2)
    ]
    return rows(["sixteen small runs on", "seconds to the first figures", "the rest"], body)


def _curves(results: dict[str, Any]) -> str:
    body = [
        [name, *(number(point[key]) for key in (name, "seconds", "peak_gib"))]
        for name, curve in (results.get("growth") or {}).items()
        for point in curve
    ]
    return rows(["what grows", "to", "seconds", "peak GiB"], body) if body else ""


def _missing(results: dict[str, Any]) -> str:
    return "\n".join(f"- Not measured: {what} ({why})." for what, why in results["errors"].items())
