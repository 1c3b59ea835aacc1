"""One idiom for everything a study file can name: what holds for it, and for all registered choices."""

import json
import math
from abc import abstractmethod
from pathlib import Path

import pytest
from pydantic import Field

from fedsoft.annotators import CROWDS, NOISES, AnnotatorPool
from fedsoft.config import validate
from fedsoft.datasets import DATASETS
from fedsoft.errors import StudyFileError
from fedsoft.evaluation import METRICS
from fedsoft.federation import STRATEGIES
from fedsoft.privacy import MECHANISMS, RandomizedResponse
from fedsoft.registry import Options, Registry
from fedsoft.scenarios import PARTITIONS
from fedsoft.supervision import SOURCES
from fedsoft.training import MODELS

REGISTRIES = (CROWDS, DATASETS, NOISES, SOURCES, PARTITIONS, MODELS, STRATEGIES, METRICS, MECHANISMS)
REQUIRED = {
    "module": {"factory": f"{Path(__file__).parent / 'nets.py'}:conv"},
    "npz": {"path": "mine.npz"},
    "folder": {"path": "mine"},
    "answers": {"path": "mine.csv"},
    "slips": {"rate": 0.1},
    "confusion": {"rate": 0.1},
    "votes_k": {"k": 3},
    "randomized_response": {"epsilon": 1.0},
    "rr_with_prior": {"epsilon": 1.0},
    "laplace": {"epsilon": 1.0},
    "discrete_gaussian": {"epsilon": 1.0, "delta": 1e-5},
}
EVERYTHING = [
    pytest.param(registry, name, id=f"{registry.kind} {name}")
    for registry in REGISTRIES
    for name in registry.names()
]


class Shape(Options):
    """The base of shapes."""

    @abstractmethod
    def area(self) -> float:
        """The area."""


@pytest.fixture
def shapes():
    registry = Registry("shape", Shape)

    @registry("square")
    class Square(Shape):
        """Four equal sides.

        And four right angles.
        """

        side: float = Field(1.0, gt=0)
        corners: tuple[str, ...] = ("a", "b")

        def area(self):
            return self.side**2

    return registry


@pytest.mark.parametrize(("registry", "name"), EVERYTHING)
def test_every_choice_is_written_as_it_is_read(registry, name):
    choice = registry.parse({"name": name, **REQUIRED.get(name, {})})
    assert choice.dump()["name"] == name
    assert registry.parse(choice.dump()) == choice
    assert registry.parse(json.loads(json.dumps(choice.dump()))) == choice
    assert registry.parse(choice) is choice


@pytest.mark.parametrize(("registry", "name"), EVERYTHING)
def test_every_choice_has_one_line_of_documentation(registry, name):
    line = registry.describe()[name]
    assert line.endswith((".", ":"))
    assert len(line) <= 110


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda registry: registry.kind)
def test_a_base_is_not_a_choice(registry):
    with pytest.raises(TypeError, match="abstract"):
        registry.base()


def test_a_name_is_given_once(shapes):
    with pytest.raises(ValueError, match="shape 'square' is registered twice"):
        shapes("square")(type("Other", (Shape,), {"__doc__": "Another."}))


@pytest.mark.parametrize("text", [None, "", Shape.__doc__])
def test_a_docstring_is_required(shapes, text):
    with pytest.raises(ValueError, match="shape 'blob' needs a docstring"):
        shapes("blob")(type("Blob", (Shape,), {"__doc__": text}))
    assert shapes.names() == ["square"]


def test_a_typo_gets_the_nearest_name():
    with pytest.raises(ValueError, match=r"unknown label source 'human_sofd' \(did you mean 'human_soft'\?"):
        SOURCES.parse("human_sofd")
    with pytest.raises(ValueError, match=r"unknown shape 'xyz' \(known: none\)"):
        Registry("shape", Shape).parse("xyz")


def test_an_unknown_option_gets_the_nearest_key():
    with pytest.raises(ValueError, match=r"smoothing: unknown key 'macth' \(did you mean 'match'\?"):
        SOURCES.parse({"name": "smoothing", "macth": "entropy"})


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"name": "votes_k"}, "votes_k: key 'k' is required"),
        ({"name": "votes_k", "k": 0}, r"votes_k: k: input should be greater than or equal to 1 \(given: 0\)"),
        (3, "a label source is a name or a table with a name, not 3"),
        ({"k": 3}, "a label source is a name or a table with a name"),
    ],
)
def test_impossible_spellings(value, words):
    with pytest.raises(ValueError, match=words):
        SOURCES.parse(value)


def test_a_choice_is_frozen(shapes):
    with pytest.raises(ValueError, match="frozen"):
        shapes.parse("square").side = 2


def test_description_is_the_first_line(shapes):
    assert shapes.describe() == {"square": "Four equal sides."}


@pytest.mark.parametrize(
    ("choice", "label"),
    [
        (SOURCES.parse("hard"), "hard"),
        (SOURCES.parse({"name": "votes_k", "k": 3}), "votes_k(k=3)"),
        (SOURCES.parse({"name": "smoothing", "match": "entropy"}), "smoothing"),
        (SOURCES.parse({"name": "smoothing", "match": "top_mass"}), "smoothing(match=top_mass)"),
        (PARTITIONS.parse({"name": "dirichlet", "alpha": 0.1}), "dirichlet(alpha=0.1)"),
        (MODELS.parse({"name": "mlp", "hidden": [32, 16]}), "mlp(hidden=[32, 16])"),
        (STRATEGIES.parse({"name": "fedadam", "eta": 0.1, "tau": 0.01}), "fedadam(eta=0.1, tau=0.01)"),
        (RandomizedResponse(epsilon=math.inf), "randomized_response(epsilon=inf)"),
        (AnnotatorPool(), ""),
        (AnnotatorPool(noise=NOISES.parse({"name": "slips", "rate": 0.2})), "(noise=slips(rate=0.2))"),
    ],
    ids=str,
)
def test_a_label_tells_what_is_not_the_default(choice, label):
    assert choice.label() == label


def test_a_key_of_a_table_within_is_proposed():
    with pytest.raises(StudyFileError, match=r"unknown key 'lr' \(did you mean 'training\.lr'\?\)"):
        validate({"lr": 0.1}, "study.toml")


def test_a_list_given_as_text_is_shown_as_one():
    with pytest.raises(StudyFileError, match=r"write it as 'seeds=\[0, 1\]'"):
        validate({"seeds": "0,1"}, "study.toml")
