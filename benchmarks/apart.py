"""Calls in a process of their own, so that one contestant leaves nothing behind for the next.

python -m benchmarks.apart MODULE:FUNCTION '[ARGUMENTS]'
"""

import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
ANSWER = "answer: "
PATIENCE = 1800.0
"""Seconds after which a call is given up."""


def call(function: str, *arguments: Any, python: str = sys.executable) -> Any:
    """What ``module:function`` of this folder returns, called with JSON arguments in another process.

    Raises:
        RuntimeError: it failed, or took too long; the message has the end of what it printed.
    """
    command = [python, "-m", "benchmarks.apart", function, json.dumps(arguments)]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=quiet(), capture_output=True, text=True, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"{function} did not answer within {PATIENCE:.0f} s") from None
    lines = [line for line in done.stdout.splitlines() if line.startswith(ANSWER)]
    if done.returncode or not lines:
        raise RuntimeError(f"{function} failed: {(done.stdout + done.stderr).strip()[-2000:]}")
    return json.loads(lines[-1].removeprefix(ANSWER))


def measure(command: list[str]) -> tuple[float, float]:
    """Seconds and peak GiB of resident memory of a command.

    It is started from a small process: what a process held before it became the command counts as its own.

    Raises:
        RuntimeError: it failed.
    """
    seconds, peak = call("benchmarks.apart:watch", command)
    return seconds, peak


def watch(command: list[str]) -> tuple[float, float]:
    """Run a command to its end; see `measure`."""
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with status {process.returncode}")
    unit = 1 if sys.platform == "darwin" else 2**10
    return time.perf_counter() - began, usage.ru_maxrss * unit / 2**30


def quiet() -> dict[str, str]:
    """An environment with one thread a process, in which nothing phones home."""
    paths = [str(ROOT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "FLWR_TELEMETRY_ENABLED": "0",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }


if __name__ == "__main__":
    module, name = sys.argv[1].split(":")
    answer = getattr(importlib.import_module(module), name)(*json.loads(sys.argv[2]))
    print(f"\n{ANSWER}{json.dumps(answer)}")
