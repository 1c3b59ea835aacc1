"""One idiom for everything that a study file can name: a validated options model under a name."""

import difflib
import re
from collections.abc import Callable, Iterator
from functools import cache
from inspect import isabstract
from typing import Any, ClassVar, Generic, Self, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, ValidationError


class Options(BaseModel):
    """The options of one named choice: its fields, their bounds and its docstring are its documentation."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: ClassVar[str] = ""
    not_in_label: ClassVar[frozenset[str]] = frozenset()
    """Options that the label leaves out."""

    def dump(self) -> dict[str, Any]:
        """The choice as a study file spells it: its name and every option."""
        return {"name": type(self).name, **self.model_dump()}

    def label(self) -> str:
        """A short text that tells this choice from others: its name, and options that are not the default."""
        defaults = _defaults(type(self))
        told = ((key, value) for key, value in self if key not in self.not_in_label)
        own = ", ".join(f"{key}={_spell(value)}" for key, value in told if value != defaults[key])
        return f"{type(self).name}({own})" if own else type(self).name

    @classmethod
    def parse(cls, value: Any) -> Self:
        """Validate one options table, with every problem told in words."""
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise ValueError("; ".join(explain(error, cls))) from None


@cache
def _defaults(choice: type[Options]) -> dict[str, Any]:
    """Each option's default, made once: pydantic copies it anew whenever it is asked."""
    fields = choice.model_fields.items()
    return {key: field.get_default(call_default_factory=True) for key, field in fields}


T = TypeVar("T", bound=Options)


def _spell(value: Any) -> str:
    """An option as text: a nested choice by its label, a sequence as a study file writes it."""
    if isinstance(value, Options):
        return value.label()
    if value is None:
        return "none"
    return f"[{', '.join(map(_spell, value))}]" if isinstance(value, tuple) else str(value)


def nearest(word: str, known: list[str]) -> str:
    """A hint for a misspelt word: the nearest known one, and all of them."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}known: {', '.join(known) or 'none'}"


def explain(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """What is wrong, as one phrase a problem: the dotted key, the cause, and the nearest valid key."""
    phrases = []
    problems = error.errors()
    for problem in problems:
        inside = [p["loc"] for p in problems if len(p["loc"]) > len(problem["loc"])]
        if problem["type"] == "too_short" and any(
            loc[: len(problem["loc"])] == problem["loc"] for loc in inside
        ):
            continue  # pydantic counts only valid items; what is wrong with the others is told already
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            fields = _fields_at(model, problem["loc"][:-1])
            word = str(problem["loc"][-1])
            deeper = [one for one, _, _ in describe_keys(model) if one.endswith(f".{word}")]
            hint = f"did you mean {deeper[0]!r}?" if deeper else nearest(word, fields)
            phrases.append(f"unknown key {key!r} ({hint})")
        elif problem["type"] == "missing":
            phrases.append(f"key {key!r} is required")
        else:
            message = problem["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
            message = re.sub("valid tuple|valid list", "list", message).replace(" after validation", "")
            message = re.sub(
                "^(Input|Tuple|List)", lambda word: word[0].lower().replace("tuple", "list"), message
            )
            given = "" if problem["type"] == "value_error" else f" (given: {problem['input']!r})"
            if problem["type"] in ("tuple_type", "list_type") and isinstance(problem["input"], str):
                words = [one.strip() for one in problem["input"].split(",")]
                items = ", ".join(one if one.isdecimal() else f'"{one}"' for one in words)
                given += f"; write it as '{key}=[{items}]'"
            phrases.append(f"{key}: {message}{given}" if key else f"{message}{given}")
    return phrases


def _fields_at(model: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    for part in path:
        field = model.model_fields.get(str(part))
        inner = field.annotation if field else None
        candidates = [inner, *getattr(inner, "__args__", ())]
        model = next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), model)
    return sorted(field.alias or name for name, field in model.model_fields.items())


def describe_keys(model: type[BaseModel], before: str = "") -> Iterator[tuple[str, str, str]]:
    """Every key of a table and of the tables in it: dotted, with its default and what it means.

    Tables in a list are marked by ``[]``. What is chosen by name has one line; its options are the choice's.
    """
    for name, field in model.model_fields.items():
        several = isinstance(field.default, tuple)
        inner = next((part for part in _parts(field.annotation) if _is_table(part)), None)
        if inner is None or (field.description and not several):
            default = field.get_default(call_default_factory=True)
            yield (
                before + name,
                "required" if field.is_required() else "" if inner else _default(default),
                field.description or "",
            )
            continue
        key = f"{before}{name}{'[]' if several else ''}"
        yield key, "", field.description or (inner.__doc__ or "").strip().splitlines()[0]
        yield from describe_keys(inner, f"{key}.")


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


def _is_table(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, BaseModel) and not isabstract(part)


def _default(value: Any) -> str:
    """A default as a study file spells it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value).replace("'", '"') if isinstance(value, str | dict) else _spell(value)


class Registry(Generic[T]):
    """The known choices of one kind, by name.

    A choice is registered by decorating its options class; a study file names it as
    ``"smoothing"`` or ``{name = "smoothing", match = "top_mass"}``.
    """

    def __init__(self, kind: str, base: type[T]) -> None:
        self.kind, self.base = kind, base
        self._classes: dict[str, type[T]] = {}

    def __call__(self, name: str) -> Callable[[type[T]], type[T]]:
        """Decorator: register an options class under a name."""

        def register(cls: type[T]) -> type[T]:
            if name in self._classes:
                raise ValueError(f"{self.kind} {name!r} is registered twice")
            if not cls.__doc__ or cls.__doc__ == self.base.__doc__:
                raise ValueError(f"{self.kind} {name!r} needs a docstring: it is shown to users")
            cls.name = name
            self._classes[name] = cls
            return cls

        return register

    def names(self) -> list[str]:
        """All names, in the order of registration."""
        return list(self._classes)

    def get(self, name: str) -> type[T]:
        """The options class of a name; ValueError with the nearest name otherwise."""
        if name not in self._classes:
            raise ValueError(f"unknown {self.kind} {name!r} ({nearest(name, self.names())})")
        return self._classes[name]

    def parse(self, value: Any) -> T:
        """A choice from its spelling in a study file: a name, or a table with a name and options."""
        if isinstance(value, self.base):
            return value
        if isinstance(value, str):
            value = {"name": value}
        if not isinstance(value, dict) or not isinstance(value.get("name"), str):
            raise ValueError(f"a {self.kind} is a name or a table with a name, not {value!r}")
        name = value["name"]
        try:
            return self.get(name).parse({key: option for key, option in value.items() if key != "name"})
        except ValueError as error:
            text = str(error)
            raise ValueError(text if text.startswith("unknown " + self.kind) else f"{name}: {text}") from None

    def describe(self) -> dict[str, str]:
        """Each name with the first line of its docstring."""
        return {name: (cls.__doc__ or "").strip().splitlines()[0] for name, cls in self._classes.items()}

    @property
    def validator(self) -> BeforeValidator:
        """For ``Annotated`` fields of a study file: parses the spelling."""
        return BeforeValidator(self.parse)

    @property
    def serializer(self) -> PlainSerializer:
        """For ``Annotated`` fields of a study file: writes name and options."""
        return PlainSerializer(lambda choice: choice.dump())
