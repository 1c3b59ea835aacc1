"""The folders' order: a later room may import an earlier one, never the reverse."""

import ast
from pathlib import Path

import pytest

import fedsoft

LEAVES = (
    "errors",
    "files",
    "holm",
    "installation",
    "interrupts",
    "keys",
    "parallel",
    "plural",
    "registry",
    "space",
    "streams",
)
ROOMS = (
    "datasets",
    "annotators",
    "privacy",
    "supervision",
    "scenarios",
    "training",
    "federation",
    "evaluation",
    "config",
    "study",
    "execution",
    "analysis",
    "report",
    "starting",
    "cli",
)
FORBIDDEN = {"evaluation": ROOMS[: ROOMS.index("evaluation")]}
"""What a room may not import although it comes earlier: evaluation is tensors in, numbers out."""


def imported(source: str) -> set[str]:
    """The rooms and leaves that a module imports, anywhere in it."""
    modules: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative imports hide the room"
            modules += [f"{node.module}.{alias.name}" for alias in node.names]
    return {module.split(".")[1] for module in modules if module.startswith("fedsoft.")}


def violations(room: str, source: str) -> list[str]:
    """Imports that the order forbids to a module of a room."""
    allowed = {room, *LEAVES, "__version__"}
    if room in LEAVES:
        allowed = set(LEAVES)
    elif room in ROOMS:
        allowed |= set(ROOMS[: ROOMS.index(room)]) - set(FORBIDDEN.get(room, ()))
    return sorted(imported(source) - allowed)


def modules():
    root = Path(fedsoft.__file__).parent
    for file in sorted(root.rglob("*.py")):
        name = file.relative_to(root)
        yield pytest.param(name.parts[0].removesuffix(".py"), file, id=str(name))


@pytest.mark.parametrize(("room", "file"), list(modules()))
def test_imports_follow_the_order(room, file):
    assert room in (*ROOMS, *LEAVES, "__init__"), f"give {room} its place in the order"
    assert violations(room, file.read_text()) == []


@pytest.mark.parametrize(
    ("room", "source", "found"),
    [
        ("training", "from fedsoft.federation import Task", ["federation"]),
        ("training", "def f():\n    import fedsoft.study.store", ["study"]),
        ("training", "from fedsoft import cli, errors", ["cli"]),
        ("federation", "from fedsoft.training import Model", []),
        ("evaluation", "from fedsoft.datasets import AnnotatedDataset", ["datasets"]),
        ("evaluation", "from fedsoft.registry import Options", []),
        ("study", "from fedsoft.evaluation import METRICS", []),
        ("study", "from fedsoft.execution.run import Hooks", ["execution"]),
        ("execution", "from fedsoft.analysis import digest", ["analysis"]),
        ("analysis", "from fedsoft.report.words import headline", ["report"]),
        ("streams", "import fedsoft.datasets", ["datasets"]),
        ("files", "from fedsoft.errors import StoreError", []),
    ],
)
def test_the_check_itself(room, source, found):
    assert violations(room, source) == found
