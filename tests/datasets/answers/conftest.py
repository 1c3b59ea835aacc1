import json
from pathlib import Path

import pytest

from fedsoft.datasets.answers import AnswerOptions, Answers, RawAnswers, read_answers, read_labels, tidy


@pytest.fixture
def write(tmp_path):
    """Writes a file of text, bytes, or objects (JSON), and gives its path."""

    def written(content, name="annotations.csv", encoding="utf-8"):
        file: Path = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, str | bytes):
            lines = [json.dumps(entry) for entry in content]
            content = "\n".join(lines) if name.endswith(".jsonl") else f"[{','.join(lines)}]"
        file.write_bytes(content.encode(encoding) if isinstance(content, str) else content)
        return file

    return written


@pytest.fixture
def raw(write):
    """Reads answers from content."""

    def read(content, name="annotations.csv", written_in="utf-8", **options) -> RawAnswers:
        return read_answers(write(content, name, written_in), AnswerOptions(**options))

    return read


@pytest.fixture
def labels(write):
    """Reads labels from content."""

    def read(content, name="labels.csv", **options) -> RawAnswers:
        return read_labels(write(content, name), AnswerOptions(**options))

    return read


@pytest.fixture
def answers(write):
    """Reads and tidies answers from content."""

    def read(content, name="annotations.csv", known=(), **options) -> Answers:
        chosen = AnswerOptions(**options)
        return tidy(read_answers(write(content, name), chosen), chosen, known)

    return read


@pytest.fixture
def rows():
    """Answers as sorted tuples (item, annotator, class[, weight])."""

    def spelt(a: Answers):
        people = [None] * len(a.label) if a.annotator is None else [a.annotators[p] for p in a.annotator]
        columns = [[a.items[i] for i in a.item], people, [a.class_names[c] for c in a.label]]
        if a.weight is not None:
            columns.append([round(float(w), 9) for w in a.weight])
        return sorted(zip(*columns, strict=True), key=str)

    return spelt
