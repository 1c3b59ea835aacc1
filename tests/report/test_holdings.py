"""Who held what: the picture and the table show what clients hold, by hand."""

import csv
import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from fedsoft.analysis.digest import Digest, digest
from fedsoft.analysis.holdings import Holdings
from fedsoft.report import figures
from fedsoft.report.figures.holdings import MOST, blocks_of, words_of
from fedsoft.report.page import page
from fedsoft.report.shown import Shown
from fedsoft.scenarios import Party
from fedsoft.study.opened import reopen_study
from fedsoft.supervision import SOURCES

PARTIES = [
    {"count": 2, "crowd": {"name": "experts", "people": 3}, "votes": 2},
    {"clients": [1], "source": "hard"},
]


@pytest.fixture(scope="module")
def folder_of_parties(run_tiny) -> Path:
    scenario = {"clients": 5, "parties": PARTIES}
    changes = {"sources": ["hard", "human_soft"], "strategies": ["fedavg"], "rounds": 1, "endpoint": None}
    return run_tiny(scenario=scenario, **changes)


@pytest.fixture(scope="module")
def shown(folder_of_parties: Path) -> Shown:
    result = digest(reopen_study(folder_of_parties))
    return Shown(result, result.cells[0])


def test_the_table_is_what_the_deal_says(folder_of_parties: Path, shown: Shown) -> None:
    with (folder_of_parties / "holdings.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["client"] for row in rows] == list("01234")
    assert rows[1]["party"] == "1"
    assert rows[1]["source"] == "hard"
    assert rows[1]["right_by_label"] == "1.0"
    assert sorted(row["party"] for row in rows) == ["", "", "0", "0", "1"]
    assert {row["crowd"] for row in rows if row["party"] == "0"} == {"experts(people=3)"}
    for row in rows:
        assert sum(int(row[f"class {c}"]) for c in range(10)) == int(row["examples"])
    assert sum(int(row["examples"]) for row in rows) == sum(shown.cell.holdings.counts.ravel())
    record = next(
        one for one in shown.digest.records.values() if one["seed"] == 0 and "human_soft" in one["label"]
    )
    found = [float(row["right_by_label"]) for row in rows]
    np.testing.assert_allclose(found, record["quality"]["label"], atol=1e-6)


def test_the_picture_shows_every_client_once_by_party(shown: Shown) -> None:
    held = shown.cell.holdings
    figure = figures.holdings(shown)
    blocks = blocks_of(held, shown)
    members = [one for block in blocks for row in block.members for one in row.tolist()]
    assert sorted(members) == [0, 1, 2, 3, 4]
    assert [len(block.members) for block in blocks] == [2, 1, 2]
    for block in blocks:
        quality = held.quality["label"][np.concatenate(block.members)]
        assert (np.diff(quality) <= 0).all()
        assert (np.diff(block.middles) > 0).all()
    assert all(one.end <= other.top for one, other in itertools.pairwise(blocks))
    assert words_of(held, 0, shown) == [
        "2 clients", "simulated: 3 experts each", "2 answers an example", "train on human_soft",
    ]  # fmt: skip
    assert words_of(held, 1, shown) == ["1 client", "train on hard"]
    assert words_of(held, -1, shown)[1] == "all votes (simulated crowd)"
    FigureCanvasAgg(figure).draw()


def test_dots_lie_where_quality_is(shown: Shown) -> None:
    held = shown.cell.holdings
    dots = figures.holdings(shown).axes[2].collections
    drawn = np.concatenate([mark.get_offsets()[:, 0] for mark in dots if hasattr(mark, "get_sizes")])
    for share in [*held.quality["label"], *held.quality["majority"]]:
        assert np.abs(drawn - share).min() < 1e-9


def test_shades_are_examples(shown: Shown) -> None:
    held = shown.cell.holdings
    meshes = figures.holdings(shown).axes[0].collections
    drawn = np.concatenate([mesh.get_array() for mesh in meshes])
    order = np.concatenate([np.concatenate(block.members) for block in blocks_of(held, shown)])
    np.testing.assert_array_equal(drawn, held.counts[order])


def test_many_clients_share_rows(shown: Shown) -> None:
    quality = np.linspace(0, 1, 300)
    held = Holdings(
        seed=0, source=SOURCES.parse("human_soft"), party=np.repeat([-1, 0], [240, 60]),
        parties={-1: Party(share=1), 0: Party(count=60, votes=3)},
        counts=np.tile(np.arange(300)[:, np.newaxis], (1, 2)),
        quality={"label": quality, "majority": np.full(300, np.nan)},
        class_names=("a", "b"),
    )  # fmt: skip
    many = Shown(shown.digest, dataclasses.replace(shown.cell, holdings=held))
    blocks = blocks_of(held, many)
    assert sum(len(block.members) for block in blocks) == MOST
    assert [len(block.members) for block in blocks] == [12, 48]
    figure = figures.holdings(many)
    first = figure.axes[0].collections[0].get_array()
    np.testing.assert_allclose(first[0], [297, 297])  # the best five of their party: 295 to 299
    FigureCanvasAgg(figure).draw()


def test_one_client_who_holds_everything_is_no_picture(shown: Shown) -> None:
    assert figures.holdings(Shown(shown.digest, dataclasses.replace(shown.cell, holdings=None))) is None


def test_it_stands_on_the_page(shown: Shown) -> None:
    text = page(shown.digest)
    assert "Where parties have a crowd, simulated people answer instead of these. 5 clients" in text
    assert text.index("<h2>Figures</h2>") < text.index("<h3>Who held what</h3>") < text.index("Reliability, ")


def test_the_usual_report_has_one(result: Digest) -> None:
    held = result.cells[0].holdings
    assert held.parties.keys() == {-1}
    assert held.source.label() == "human_soft"  # the one on trial
    assert held.counts.shape == (3, 10)
