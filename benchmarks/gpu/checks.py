"""The tests that are of a card, on it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from benchmarks.apart import ROOT
from benchmarks.gpu.setup import Setup

CHOSEN = "a_card or on_the_device"
"""Files and tests whose names say that they are of a device."""
ROOMS = ("tests/training", "tests/federation", "tests/execution", "tests/evaluation")


def rows(setup: Setup) -> Iterator[dict[str, Any]]:
    """How many tests passed, failed and were skipped, and the names of those that failed."""
    options = ["-v", "-rfE", "-p", "no:cacheprovider", "--continue-on-collection-errors", "-k", CHOSEN]
    command = [sys.executable, "-m", "pytest", *options, *ROOMS]
    env = {**os.environ, "FEDSOFT_TEST_DEVICE": setup.device}
    said = ""
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as tests:
        assert tests.stdout
        for line in tests.stdout:  # so that the log has what was known when the time was up
            print(line, end="", flush=True)
            said += line
    found = outcome(said)
    if not found["passed"] and not found["failed"]:
        raise RuntimeError(f"no test ran: {(said.strip().splitlines() or ['nothing was said'])[-1]}")
    yield found


def outcome(said: str) -> dict[str, Any]:
    """What pytest's last lines tell."""
    last = (said.strip().splitlines() or [""])[-1]
    count = {what: int(number) for number, what in re.findall(r"(\d+) (passed|failed|error|skipped)", last)}
    return {
        "passed": count.get("passed", 0),
        "failed": count.get("failed", 0) + count.get("error", 0),
        "skipped": count.get("skipped", 0),
        "names": re.findall(r"^(?:FAILED|ERROR) (\S+)", said, re.MULTILINE),
    }
