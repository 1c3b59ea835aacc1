"""What a study file may say of answers that their file does not say by itself."""

from typing import Literal

from pydantic import BaseModel, Field, field_validator

from fedsoft.datasets.answers.spelling import trimmed

AnswersFormat = Literal["csv", "label_studio", "argilla", "doccano", "prodigy"]
Repeated = Literal["last", "first", "all"]

ROLES = ("item", "annotator", "label", "weight")
"""What a column of answers can hold."""

SAMPLE = "item,label\r\n./1..png,1\r\n"
"""What an encoding of text can write."""


class AnswerOptions(BaseModel):
    """How answers are read; datasets that take answers have these options too."""

    columns: dict[str, str] | None = Field(
        None,
        description='which column is which, as { item = "question", annotator = "worker", label = "answer", '
        'weight = "confidence" }, "" for none of that kind; without it, by their usual names. The weights of '
        "a person's answer to an item are made to sum to 1; a single one below 1 is a confidence, and the "
        "rest is spread evenly over the other classes",
    )
    delimiter: str | None = Field(
        None, min_length=1, max_length=1, description="between the columns of a CSV; recognised without it"
    )
    encoding: str | None = Field(
        None, description='of text files, such as "utf-8" or "cp1252"; recognised without it'
    )
    answers_format: AnswersFormat | None = Field(
        None, description="the tool that exported the answers; recognised without it"
    )
    field: str | None = Field(None, description="which question, where an export holds answers to several")
    no_answer: tuple[str, ...] = Field(
        (), description='answers that are no class, such as ["dont know"]; counted and left out'
    )
    fold_case: bool = Field(False, description="classes that differ in case or spaces are one")
    classes: tuple[str, ...] | None = Field(
        None, description="the classes, in order; without it, those that occur, by number or letter"
    )
    repeated: Repeated = Field(
        "last", description="which count of the answers that one person gave to one item"
    )

    @field_validator("columns")
    @classmethod
    def _known_roles(cls, columns: dict[str, str] | None) -> dict[str, str] | None:
        for role in columns or {}:
            if role not in ROLES:
                raise ValueError(f"names {role!r}, which is none of {', '.join(ROLES)}")
        return columns

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str | None) -> str | None:
        try:
            SAMPLE.encode(encoding or "utf-8")
        except (LookupError, ValueError):
            raise ValueError(f"{encoding!r} is no encoding of text that Python knows") from None
        return encoding

    @field_validator("classes")
    @classmethod
    def _distinct(cls, classes: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if classes is None:
            return None
        classes = tuple(map(trimmed, classes))
        if not classes or "" in classes:
            raise ValueError("names an empty class" if classes else "names no class")
        if len(set(classes)) < len(classes):
            raise ValueError("names a class twice")
        return classes
