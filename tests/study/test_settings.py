"""A run's key is that of its settings, whatever it was copied from."""

import pickle

from fedsoft.study.opened import open_study
from fedsoft.study.settings import RunSettings


def test_a_copy_has_its_own_key(tiny, tmp_path):
    run = open_study(tiny, "tiny.toml", tmp_path).plan.runs[0]
    before = run.key
    changed = run.model_copy(update={"seed": run.seed + 1})
    assert changed.key != before
    assert changed.key == RunSettings.model_validate(changed.model_dump(mode="json")).key
    assert changed.model_copy(update={"seed": run.seed}).key == run.key == before


def test_a_run_whose_key_was_asked_for_is_the_run_that_it_was(tiny, tmp_path):
    asked, fresh = (open_study(tiny, "tiny.toml", tmp_path).plan.runs[0] for _ in range(2))
    fresh = fresh.model_copy()
    assert asked.key
    assert (asked, hash(asked), asked.model_dump()) == (fresh, hash(fresh), fresh.model_dump())
    assert pickle.loads(pickle.dumps(asked)).key == fresh.key
