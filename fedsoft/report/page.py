"""The report as one HTML page that needs nothing else."""

from collections.abc import Mapping, Sequence
from functools import partial
from html import escape
from importlib.resources import files

from fedsoft.analysis.digest import Digest
from fedsoft.analysis.values import MARGIN
from fedsoft.parallel import in_parallel
from fedsoft.plural import plural
from fedsoft.report.agreement_tables import (
    agreement_table,
    ceiling_lines,
    mode_shift_lines,
    selective_table,
)
from fedsoft.report.answer import Answer, answer_note, answers
from fedsoft.report.cartography_table import cartography_note, cartography_table
from fedsoft.report.dose_table import dose_table
from fedsoft.report.effect_tables import effects_table
from fedsoft.report.failures import failure_lines
from fedsoft.report.figures.style import to_svg
from fedsoft.report.frontier_table import frontier_table
from fedsoft.report.frontier_words import TABLE_NOTE, frontier_answers, frontier_note
from fedsoft.report.gallery import (
    Plate,
    all_plates,
    grid_plates,
    map_plate,
    people_plate,
    plates,
    ranks_plate,
)
from fedsoft.report.guide import guide
from fedsoft.report.level_tables import (
    conclusions_table,
    grid_table,
    result_note,
    result_table,
    strategy_table,
)
from fedsoft.report.mishap_words import losses_sentence, raised_lines
from fedsoft.report.people_words import FEW_PEOPLE, alpha_line, people_lines, spread_table
from fedsoft.report.purchase_tables import kind_of_pairs, pairs_table, purchase_table
from fedsoft.report.run_tables import client_table, settings_table
from fedsoft.report.shown import FEW, Shown, axes_name, in_detail, people_are_simulated, with_results
from fedsoft.report.softness_table import softness_note, softness_sentence, softness_table
from fedsoft.report.stability_table import stability_note, stability_table
from fedsoft.report.strategy_tables import (
    cost_note,
    cost_table,
    judgement_note,
    judgement_table,
    versus_tables,
)
from fedsoft.report.strategy_words import luck_line, rank_lines, strategy_lead, strategy_notes
from fedsoft.report.tables import to_html
from fedsoft.report.words import (
    MARGIN_MEANING,
    METRICS,
    VIEWS,
    cell_verdicts,
    credit,
    data_line,
    headline,
    reference_name,
    verdict_notes,
)


def page(result: Digest) -> str:
    """The whole page."""
    title = result.opened.plan.study.name
    css = files("fedsoft.report").joinpath("page.css").read_text()
    details, count = in_detail(result), len(result.cells)
    body = [_head(result, details)]
    hung = all_plates(result)
    drawn = dict(zip([p.name for p in hung], in_parallel([partial(_svg, p) for p in hung]), strict=True))
    if count > 1 and details:
        body.append(_grid(result, drawn))
    if details:
        body += [_results(details), _softness(with_results(result))]
    if count > 1:
        body.append(_strategies(result, drawn))
    for shown in details:
        if count > 1:
            body.append(f'<h2 class="cell">In detail: {escape(axes_name(shown.cell.axes))}</h2>')
            if len(details) < count:
                body.append(_note(f"One of {count} cells of the grid; the others are in the tables above."))
        body += [_purchases(shown), _figures(shown, drawn), _effects(shown), _pairs(shown)]
        body += [_agreement(shown), _selective(shown)]
        body += [_cartography(shown, drawn), _stability(shown)]
        body += [_strategies(result, drawn) if count == 1 else "", _levels(shown), _clients(shown)]
    body += [_people(result, drawn), _run(result), _guide(result)]
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)} – fedsoft</title>\n<style>\n{css}</style>\n</head>\n<body>\n"
        f"{''.join(body)}</body>\n</html>\n"
    )


def _head(result: Digest, details: list[Shown]) -> str:
    study = result.opened.plan.study
    lines = f"<p><b>Verdict on the endpoint.</b> {escape(headline(result))}</p>"
    if len(result.conclusions) > 1:
        each = "".join(f"<p>{escape(line)}</p>" for line in cell_verdicts(result))
        lines += f"<details><summary>in each cell</summary>{each}</details>"
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in verdict_notes(result))
    if result.missing:
        have = "has" if result.missing == 1 else "have"
        notes += _note(f"This is a partial report: {plural(result.missing, 'run')} {have} not finished.")
        notes += "".join(_note(line) for line in failure_lines(result.opened.failures))
    notes += "".join(_note(line) for line in raised_lines(result))
    return (
        f'<p class="name">fedsoft study {escape(study.name)}</p>\n'
        f"<h1>{escape(study.description or study.name)}</h1>\n"
        f"<p>{escape(data_line(result))}</p>\n{_frontier(result)}{_answers(details)}"
        f'<div class="verdict">{lines}{notes}</div>\n{_note(credit(result))}'
    )


def _frontier(result: Digest) -> str:
    """What a study of privacy says in plain words."""
    found = frontier_answers(result)
    if not found:
        return ""
    rows = "".join(
        f"<dt>{escape(one.question)}</dt>" + "".join(f"<dd>{escape(said)}</dd>" for said in one.sentences)
        for one in found
    )
    head = "<h3>The answer: what privacy takes away</h3>"
    return f'{head}<dl class="answer">{rows}</dl>\n{_note(frontier_note(result))}'


def _listed(found: Sequence[Answer]) -> str:
    rows = "".join(f"<dt>{escape(one.question)}</dt><dd>{escape(one.text)}</dd>" for one in found)
    return f'<dl class="answer">{rows}</dl>\n'


def _answers(details: list[Shown]) -> str:
    """What the study says in plain words, cell by cell."""
    parts = []
    for shown in details:
        if found := answers(shown):
            where = f": {axes_name(shown.cell.axes)}" if shown.cell.axes else ""
            head = f"<h3>The answer{escape(where)}</h3>"
            parts.append(head + _listed(found))
    if parts:
        parts.append(_note(answer_note(details[0])))
    return "".join(parts)


def _grid(result: Digest, drawn: Mapping[str, str]) -> str:
    parts = ["<h2>Over the grid</h2>\n"]
    if result.frontier:
        parts.append("<h3>What privacy takes away</h3>\n")
        parts.append(to_html(frontier_table(result, result.frontier)) + _note(TABLE_NOTE))
    for plate in grid_plates(result):
        if drawn[plate.name]:
            parts.append(f"<h3>{escape(plate.title)}</h3>\n{_figure(plate, drawn)}")
    if result.conclusions:
        parts.append("<h3>The endpoint in every cell</h3>\n" + to_html(conclusions_table(result)))
    if len(result.cells) > FEW:
        table = f'<div class="compact">{to_html(grid_table(result))}</div>'
        parts.append(f"<h3>Every source in every cell</h3>\n{table}")
    return "".join(parts)


def _results(cells: list[Shown]) -> str:
    shown = cells[0]
    note = (
        f"Under {shown.primary}, against {shown.against(shown.reference)}, as predicted, on test examples; "
        f"below each figure the half-width of its 95 % interval. {result_note(cells)}"
    )
    return f"<h2>Results</h2>\n{to_html(result_table(cells))}{_note(note)}"


def _softness(cells: list[Shown]) -> str:
    """What the noise of private labels does to targets; nothing where none are private."""
    table = softness_table(cells)
    if table is None:
        return ""
    lead, folded = softness_sentence(cells), f"{to_html(table)}{_note(softness_note())}"
    if len(cells) > FEW:
        folded = f"<details><summary>in each cell</summary>{folded}</details>\n"
    return f"<h2>What noise does to softness</h2>\n{f'<p>{escape(lead)}</p>' * bool(lead)}\n{folded}"


def _purchases(shown: Shown) -> str:
    """What to buy, goal by goal."""
    if not shown.cell.purchases:
        return ""
    parts = ["<h2>What to buy</h2>\n"]
    for plan in shown.cell.purchases:
        goal = {"label": "To forecast the label", "people": "To forecast people's answers"}[plan.goal]
        note = _note(
            f"As predicted, under {shown.primary}, against {shown.against(plan.reference)}. An arm is as "
            f"good as the best if it is less than {plan.margin:g} above it beyond doubt (one-sided, "
            "Holm-adjusted over the other arms); “at most” is the upper end of that interval. Votes are "
            "counted a seed, over all clients."
        )
        folded = to_html(purchase_table(shown, plan))
        parts.append(f"<details><summary>{escape(goal)}</summary>{folded}{note}</details>\n")
    return "".join(parts)


def _pairs(shown: Shown) -> str:
    """Any two arms."""
    kind = kind_of_pairs(shown)
    if kind is None:
        return ""
    view, reference, metric = kind
    note = _note(
        f"Thousandths of {METRICS[metric]}, the row's arm − the column's, {VIEWS[view]}, against "
        f"{shown.against(reference)}, under {shown.primary}; below zero the row's is better. Bold: better "
        "or worse beyond doubt; ≈: as good within the margin; both Holm-adjusted over all pairs. Other "
        "views and metrics: pairs.csv."
    )
    table = f'<div class="compact">{to_html(pairs_table(shown, kind))}</div>'
    return f"<details><summary><strong>Any two arms</strong></summary>{table}{note}</details>\n"


def _figures(shown: Shown, drawn: Mapping[str, str]) -> str:
    parts = ["<h2>Figures</h2>\n"]
    for plate in plates(shown):
        if drawn[plate.name]:
            title = escape(plate.title)
            text = f"<h3>{title}</h3>\n{_figure(plate, drawn)}"
            folded = f"<details><summary>{title}</summary>{text}</details>\n"
            parts.append(folded if plate.folded else text)
    return "".join(parts)


def _effects(shown: Shown) -> str:
    if not shown.effects:
        return ""
    reference = shown.reference
    parts = [
        "<h2>Effects</h2>\n",
        _note(
            f"Under {shown.primary}, against {reference_name(reference, shown.crowd_name)}. Bold: the 95 "
            "% interval, unadjusted, excludes zero. Grey: one of the sources is no better than a constant "
            "forecast there, so nothing may be concluded. Apart from the endpoint all of these are "
            "exploratory." + f" {MARGIN_MEANING}" * (MARGIN in shown.strata)
        ),
    ]
    for metric in ("brier", "signed_gap", "nll", "accuracy"):
        table = to_html(effects_table(shown, metric, reference))
        title = f"On {METRICS[metric]}"
        open_ = " open" if metric in ("brier", "signed_gap") else ""
        parts.append(f"<details{open_}><summary><strong>{title}</strong></summary>{table}</details>\n")
    return "".join(parts) + _doses(shown)


def _doses(shown: Shown) -> str:
    table = dose_table(shown)
    if table is None:
        return ""
    note = (
        "How far apart the targets are that an effect compares: mean total variation over training examples, "
        f"in the first finished seed. Strata are of the training examples, by all their votes "
        f"({shown.crowd_name})."
    )
    return f"<details><summary><strong>Doses</strong></summary>{to_html(table)}{_note(note)}</details>\n"


def _cartography(shown: Shown, drawn: Mapping[str, str]) -> str:
    atlas, plate = shown.cell.atlas, map_plate(shown)
    if atlas is None or plate is None:
        return ""
    return (
        f"<h2>{plate.title}</h2>\n{to_html(cartography_table(shown, atlas))}"
        f"{_note(cartography_note(shown, atlas))}{_figure(plate, drawn)}"
    )


def _agreement(shown: Shown) -> str:
    if "vote" not in shown.references:
        return ""
    note = (
        f"Under {shown.primary}, predictions pooled over folds, against the votes ({shown.crowd_name}); "
        "KL and entropies in nats, entropy errors model less votes. Ceiling: a perfect model, given the "
        "number of votes that it is scored against. Floor: what sees the predicted class and nothing else "
        "of an example, the mean votes of training examples of that label, or not even that, the mean "
        "vote of all; for the correlation, entropies shuffled among examples of a label; of all of these "
        "the best."
    )
    shifts = "".join(_note(line) for line in (*ceiling_lines(shown), *mode_shift_lines(shown)))
    return f"<h2>Agreement with people</h2>\n{to_html(agreement_table(shown))}{_note(note)}{shifts}"


def _selective(shown: Shown) -> str:
    note = (
        f"Under {shown.primary}, against the label, predictions pooled over folds. AURC: the error among the "
        "most confident examples, averaged over how many are kept (lower is better). AUROC: how often a "
        "right prediction is more confident than a wrong one (higher is better)."
    )
    return f"<h2>Selective prediction</h2>\n{to_html(selective_table(shown))}{_note(note)}"


def _stability(shown: Shown) -> str:
    table = to_html(stability_table(shown))
    return f"<h2>Stability from seed to seed</h2>\n{table}{_note(stability_note(shown))}"


def _strategies(result: Digest, drawn: Mapping[str, str]) -> str:
    """How strategies compare over all cells; of one alone, all is said elsewhere."""
    found, plate = result.strategies, ranks_plate(result)
    if found is None or plate is None:
        return ""
    parts = [f"<h2>Strategies</h2>\n<p>{escape(strategy_lead(result, found))}</p>\n"]
    parts += [f"<h3>{escape(title)}</h3>\n" * bool(title) + to_html(t) for title, t in versus_tables(found)]
    parts += [_note(line) for line in strategy_notes(result, found)]
    parts.append("<h3>Ranks, needs and costs</h3>\n")
    parts += [f"<p>{escape(line)}</p>\n" for line in (*rank_lines(found), luck_line(found))]
    if drawn[plate.name]:
        parts.append(_figure(plate, drawn))
    parts += [to_html(cost_table(found)), _note(cost_note(found))]
    if judged := judgement_table(found):
        title = "Who annotates well, by the strategies that judge clients"
        parts.append(f"<h3>{title}</h3>\n{to_html(judged)}{_note(judgement_note(found))}")
    return "".join(parts)


def _levels(shown: Shown) -> str:
    """Every source under every strategy."""
    if len(shown.strategies) < 2:
        return ""
    note = (
        f"Against {shown.against(shown.reference)}, as predicted, all test examples; 95 % intervals in grey."
    )
    table = f'<div class="compact">{to_html(strategy_table(shown))}</div>{_note(note)}'
    title = "<strong>Every source under every strategy</strong>"
    return f"<details><summary>{title}</summary>{table}</details>\n"


def _clients(shown: Shown) -> str:
    table, lost = client_table(shown), losses_sentence(shown)
    tell = f"<p>{escape(lost)}</p>\n" if lost else ""
    if table is None:
        few = _note("No client has ten test examples, so none has figures of its own.")
        return f"<h2>Clients</h2>\n{tell}{few}"
    note = (
        f"Quantiles over clients and seeds under {shown.primary}, against "
        f"{shown.against(shown.reference)}, each client on its own share of the test fold; clients with "
        "fewer than ten test examples are left out. Small shares spread by chance alone."
    )
    strangers = shown.strangers
    shares = f"{to_html(table)}{_note(note)}{_note(strangers) if strangers else ''}"
    return f"<h2>Clients</h2>\n{tell}{shares}"


def _people(result: Digest, drawn: Mapping[str, str]) -> str:
    """Who gave the answers, and what they differ in."""
    crowd, plate = result.people, people_plate(result)
    if crowd is None or len(crowd.people) < 2:
        return ""
    alpha = alpha_line(crowd.alpha, few=len(crowd.people) <= FEW_PEOPLE)
    differ, *others = people_lines(crowd, alpha, differ_first=True)
    simulated = " These people are simulated." if people_are_simulated(result) else ""
    parts = [f"<h2>People</h2>\n<p>{escape(differ + simulated)}</p>\n"]
    if plate is not None and drawn[plate.name]:
        parts.append(_figure(plate, drawn))
    if table := spread_table(crowd):
        parts.append(to_html(table))
    return "".join(parts) + "".join(_note(line) for line in others)


def _run(result: Digest) -> str:
    return f"<h2>What was run</h2>\n{to_html(settings_table(result))}"


def _guide(result: Digest) -> str:
    terms = "".join(
        f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>\n" for term, text in guide(result).items()
    )
    return f"<h2>How to read this</h2>\n<dl>{terms}</dl>\n"


def _figure(plate: Plate, drawn: Mapping[str, str]) -> str:
    caption = f"<figcaption>{escape(plate.caption)}</figcaption>"
    return f"<figure><div>{drawn[plate.name]}</div>{caption}</figure>\n"


def _svg(plate: Plate) -> str:
    """The figure as an element of the page; nothing where the results do not give it."""
    figure = plate.draw()
    if figure is None:
        return ""
    pixels = figure.get_size_inches()[0] * 100
    size = f"width:{pixels:.0f}px;max-width:max(100%,{0.62 * pixels:.0f}px)"
    return to_svg(figure, plate.name).replace("<svg ", f'<svg style="{size}" ', 1)


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>\n'
