"""Answers and labels from whatever file they lie in."""

from dataclasses import replace
from pathlib import Path

from fedsoft.datasets.answers.by_person import answers_by_person, is_of_doccano
from fedsoft.datasets.answers.csv_answers import csv_answers
from fedsoft.datasets.answers.entries import is_json, read_entries
from fedsoft.datasets.answers.files import files_in
from fedsoft.datasets.answers.one_file import answers_of
from fedsoft.datasets.answers.one_label import one_an_item
from fedsoft.datasets.answers.options import AnswerOptions
from fedsoft.datasets.answers.raw import RawAnswers, name_of
from fedsoft.datasets.answers.records import record_answers
from fedsoft.datasets.answers.text import encoding_of

__all__ = ["RawAnswers", "read_answers", "read_labels"]


def read_answers(file: Path, options: AnswerOptions) -> RawAnswers:
    """The answers in a file.

    A table of text, an export of a tool, or a folder or ZIP archive of one file a person, named after them.

    Raises:
        DataError: there is none, or it cannot be read as the options say.
    """
    files = files_in(file)
    one_person = files[0][0] != file and is_of_doccano(*files[0], options)
    raw = (
        answers_by_person(files, file, options)
        if len(files) > 1 or one_person
        else answers_of(*files[0], options)
    )
    if (options.columns or {}).get("annotator") == "":
        raw = replace(raw, annotators=None)
    if raw.annotators is not None or not raw.items:
        return raw
    words = "does not say who answered, so nothing can be said of people"
    return replace(raw, told=(*raw.told, f"{name_of(raw.where)} {words}."))


def read_labels(file: Path, options: AnswerOptions) -> RawAnswers:
    """The labels in a table of items and labels, one an item.

    Raises:
        DataError: it cannot be read, or an item has two labels.
    """
    roles = ("item", "label")
    path, data = files_in(file)[0]
    if is_json(data, encoding_of(data, path, options.encoding)):
        raw = record_answers(read_entries(data, path, options.encoding), options, roles)
    else:
        raw = csv_answers(data, path, options, roles)
    return one_an_item(raw, options.classes or ())
