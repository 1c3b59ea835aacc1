import dataclasses
import math
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from fedsoft.analysis.digest import Digest, digest
from fedsoft.analysis.values import MARGIN
from fedsoft.report import write_report
from fedsoft.report.colours import colours_of
from fedsoft.report.page import page
from fedsoft.report.pictures import write_figures
from fedsoft.study.opened import reopen_study


@pytest.fixture(scope="module")
def html(result: Digest) -> str:
    return page(result)


class Tags(HTMLParser):
    """Collects attributes, and checks that tags are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in ("meta", "br", "img", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_needs_nothing_else(html: str) -> None:
    tags = Tags()
    tags.feed(html)
    assert not tags.open
    assert {tag for tag, _, _ in tags.attributes}.isdisjoint({"script", "link", "img", "iframe", "image"})
    assert not [value for _, name, value in tags.attributes if name in ("src", "href", "srcset")]
    assert not [
        link for _, name, link in tags.attributes if name.endswith(":href") and not link.startswith("#")
    ]
    assert not re.findall(r"url\((?!#)|@import", html)
    assert len(html) < 3_000_000


def test_identifiers_are_unique(html: str) -> None:
    found = re.findall(r'\bid="([^"]*)"', html)
    assert len(found) == len(set(found))


def test_the_verdict_comes_before_everything_else(html: str, result: Digest) -> None:
    verdict = result.conclusions[0].verdict
    assert 0 < html.index(f"{verdict.capitalize()}: human_soft − hard") < html.index("<h2>")
    assert "fixed before the study ran" in html


def test_the_simulated_crowd_is_called_so(html: str) -> None:
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", html)
    assert sum("simulated crowd" in caption for caption in captions) >= 3
    assert not [
        caption for caption in captions if "vote" in caption.lower() and "simulated crowd" not in caption
    ]
    assert "human votes" not in html


def test_sections_stand_in_order(html: str) -> None:
    found = re.findall(r"<h2>(.*?)</h2>", html)
    assert found == [
        "Results",
        "What to buy",
        "Figures",
        "Effects",
        "Agreement with people",
        "Selective prediction",
        "Stability from seed to seed",
        "Strategies",
        "Clients",
        "People",
        "What was run",
        "How to read this",
    ]


def test_one_strategy_has_no_section_of_its_own(html: str, result: Digest) -> None:
    assert "parameters sent, a run" not in html
    cell, opened = result.cells[0], result.opened
    study = opened.plan.study.model_copy(update={"strategies": opened.plan.study.strategies[:1]})
    plan = dataclasses.replace(opened.plan, study=study)
    rows = [row for row in cell.estimates if row.strategy == "fedavg"]
    alone = dataclasses.replace(
        result,
        opened=dataclasses.replace(opened, plan=plan),
        cells=[dataclasses.replace(cell, study=study, estimates=rows, bytes_sent={"fedavg": 12_000.0})],
        strategies=None,
    )
    text = page(alone)
    assert "<h2>Strategies" not in text
    assert re.search(r"parameters sent, a run</td>\s*<td[^>]*>12 kB<", text)


def test_margins_are_explained_where_there_are_any(html: str, result: Digest) -> None:
    assert "Smallest margin" not in html  # two seeds that hold out unlike images
    rows = [
        dataclasses.replace(row, stratum=MARGIN) if row.stratum == "middle" else row
        for row in result.cells[0].estimates
    ]
    text = page(dataclasses.replace(result, cells=[dataclasses.replace(result.cells[0], estimates=rows)]))
    assert text.count("“Smallest margin”: the fifth") == 2  # beside the table, and in how to read it


def test_people_are_named_where_their_answers_are_known(html: str, result: Digest) -> None:
    section = html[html.index("<h2>People") : html.index("<h2>What was run")]
    assert "differ most in how often they agree with the others" in section[:300]
    assert "These people are simulated." in section
    assert section.count("<svg") == 1
    assert "Krippendorff" in section
    unknown = page(dataclasses.replace(result, people=None))
    assert "<h2>People" not in unknown


def test_every_source_keeps_its_colour(html: str) -> None:
    for source, colour in colours_of(["hard", "human_soft", "votes_k(k=3)"], "human_soft", "hard").items():
        swatches = re.findall(rf'background:(#\w+)"></i>{re.escape(source)}<', html)
        assert len(swatches) > 1
        assert set(swatches) == {colour}
        assert f"stroke: {colour}" in html


def test_undefined_numbers_are_words(result: Digest) -> None:
    cell = result.cells[0]
    gone = [dataclasses.replace(e, estimate=math.nan, low=math.nan, high=math.nan) for e in cell.estimates]
    no_doses = {"all": np.full_like(cell.doses["all"], np.nan)}
    blank = dataclasses.replace(result, cells=[dataclasses.replace(cell, estimates=gone, doses=no_doses)])
    text = page(blank)
    assert "not enough data" in text
    assert not re.search(r">\s*[+−-]?nan\b", text, re.IGNORECASE)


def test_a_study_without_results_still_has_a_page(result: Digest) -> None:
    cell = dataclasses.replace(
        result.cells[0], estimates=[], pooled={}, reliability={}, curves={}, targets={}
    )
    empty = dataclasses.replace(result, cells=[cell], conclusions=[], records={}, missing=12)
    text = page(empty)
    assert "not enough data" in text
    assert "12 runs have not finished" in text


def test_a_grid_is_one_figure_and_its_tables(run_tiny: Callable[..., Path], tmp_path: Path) -> None:
    votes = np.repeat(np.eye(3, dtype=np.int64) * 14, 20, axis=0) + np.array([3, 1, 0])
    votes[:, 2] += 18 - votes.sum(axis=1)
    np.savez(tmp_path / "mine.npz", features=votes / 18, labels=votes.argmax(axis=1), votes=votes)
    folder = run_tiny(
        dataset={"name": "npz", "path": str(tmp_path / "mine.npz")},
        strategies=["fedavg"],
        sources=["hard", "human_soft"],
        endpoint={"source": "human_soft", "baseline": "hard"},
        scenario={"clients": 2},
        seeds=[0],
        grid={"privacy.labels.epsilon": [0.5, math.inf], "privacy.labels.unit": ["vote", "image"]},
        privacy={"labels": {"name": "randomized_response", "epsilon": 1.0}},
    )
    text = page(digest(reopen_study(folder)))
    assert "Of 4 cells of the grid" in text
    assert "human votes, 18 votes each" in text
    assert "simulated crowd" not in text
    assert ">∞</text>" in text
    assert "accuracy, ε an example" in text
    assert "ε 0.5 a vote (9 an example)" in text
    assert "In detail: privacy.labels.epsilon = ∞, privacy.labels.unit = image" in text


def test_labels_only_one_seed_and_no_endpoint(run_tiny: Callable[..., Path], tmp_path: Path) -> None:
    labels = np.arange(120) % 3
    features = np.stack([labels, labels**2, np.ones(120)], axis=1).astype(np.float32)
    np.savez(tmp_path / "mine.npz", features=features, labels=labels)
    folder = run_tiny(
        dataset={"name": "npz", "path": str(tmp_path / "mine.npz")},
        sources=["hard"],
        seeds=[0],
        endpoint=None,
        description="",
    )
    text = page(digest(reopen_study(folder)))
    assert "No verdict: this study named no endpoint" in text
    assert "labels only, no votes" in text
    assert "hardest" not in text
    assert "margin, the" not in text  # one seed has no others to tell a margin by
    assert "loor" not in text
    assert "Agreement with people" not in text
    assert "Selective prediction" in text


def test_write_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_report(folder)
    text = capsys.readouterr().out
    assert path == folder / "report.html"
    assert path.read_text().startswith("<!doctype html>")
    for wanted in ("human_soft", "votes_k(k=3)", "fedadam", "human_soft − hard", str(path)):
        assert wanted in text.replace("\n", " ") or wanted in text.replace("\n", "")


def test_the_live_display_needs_no_heavy_imports() -> None:
    code = "import sys; import fedsoft.report.live; assert not {'matplotlib', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_figures_are_written_as_files(result: Digest, tmp_path: Path) -> None:
    paths = write_figures(result, tmp_path)
    assert len({path.name for path in paths}) == len(paths) >= 4
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
    assert "tiny-Reliability-fedavg.png" in {path.name for path in paths}
