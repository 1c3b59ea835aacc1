import dataclasses

import numpy as np

from fedsoft.analysis.digest import Digest, digest
from fedsoft.report.dose_table import dose_table
from fedsoft.report.page import page
from fedsoft.report.shown import Shown
from fedsoft.study.opened import reopen_study


def test_each_effect_of_two_sources_has_its_dose(run_tiny) -> None:
    chain = ["hard", "human_hard", "human_soft", "human_soft_mode_matched", "mass_only"]
    result = digest(reopen_study(run_tiny(sources=chain, strategies=["fedavg"], seeds=[0])))
    cell = result.cells[0]
    doses = {"all": np.arange(25.0).reshape(5, 5), "hardest_fifth": np.arange(25.0).reshape(5, 5) / 100}
    shown = Shown(result, dataclasses.replace(cell, doses=doses))
    table = dose_table(shown)
    assert table is not None
    assert table.columns == ("effect", "all examples", "hardest fifth")
    assert {row[0].text: [cell.text for cell in row[1:]] for row in table.rows} == {
        "amount": ["20.000", "0.200"],  # mass_only, the fifth, and hard, the first
        "classes": ["19.000", "0.190"],
        "softness": ["15.000", "0.150"],
        "mode": ["5.000", "0.050"],
    }
    assert "<strong>Doses</strong>" in page(result)


def test_without_effects_of_the_chain_there_is_no_table(result: Digest) -> None:
    assert dose_table(Shown(result, result.cells[0])) is None
    assert "<strong>Doses</strong>" not in page(result)
