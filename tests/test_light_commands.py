"""What commands that answer at once must not import: each of these takes from a tenth of a second to two."""

import subprocess
import sys
from pathlib import Path

import pytest

ENGINES = {"flwr", "ray", "grpc", "torchvision", "matplotlib", "sklearn", "scipy.optimize", "scipy.stats"}
STUDY = Path(__file__).parents[1] / "configs/radiologists.toml"


@pytest.mark.parametrize(
    ("command", "heavy"),
    [
        ("--help", ENGINES | {"torch", "numpy", "scipy"}),
        ("data list", ENGINES | {"torch", "scipy", "PIL"}),
        ("list datasets", ENGINES | {"torch", "scipy", "PIL"}),
        ("list sources", ENGINES | {"torch", "PIL"}),
        ("list strategies", ENGINES),
        ("list keys", ENGINES),
        ("data check digits", ENGINES | {"torch"}),
        (f"run {STUDY} --dry-run --out OUT", ENGINES),
    ],
)
def test_a_command_imports_nothing_heavy_that_it_does_not_use(command, heavy, tmp_path):
    code = (
        "import sys\n"
        "from fedsoft.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    print('imported:', *sorted(set(sys.modules)), file=sys.stderr)"
    )
    words = [str(tmp_path / "out") if word == "OUT" else word for word in command.split()]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    *_, imported = done.stderr.partition("imported:")
    assert {"fedsoft.cli", "typer"} <= set(imported.split())
    assert heavy & set(imported.split()) == set()
