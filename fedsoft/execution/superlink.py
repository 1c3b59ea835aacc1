"""`flwr run` for a study: an own local SuperLink, the run's real status, and an orderly end."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fedsoft.errors import EngineError

QUIET = {
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "OMP_NUM_THREADS": "1",
}


def flwr_run(app: Path, study: Path, out: Path, clients: int, workers: int, timeout: float = 3600.0) -> None:
    """Execute a study with `flwr run` on a simulation SuperLink that is started and stopped here.

    Args:
        app: folder with the ``pyproject.toml`` that names the Flower app.
        study: the study file.
        out: folder of the results.
        clients: number of simulated nodes.
        workers: cores for the clients.
        timeout: seconds after which the run is given up.

    Raises:
        EngineError: the run did not complete; `flwr run` itself exits 0 then, so its status is asked for.
    """
    with tempfile.TemporaryDirectory(prefix="fedsoft-flwr-") as home:
        environment = {**os.environ, **QUIET, "FLWR_HOME": home, "PATH": _path()}
        with _superlink(Path(home), environment) as log:
            federation = f"num-supernodes={clients} client-resources-num-cpus=1 init-args-num-cpus={workers}"
            settings = f'study="{study.resolve()}" out="{out.resolve()}"'
            command = ["flwr", "run", str(app), "--federation-config", federation, "-c", settings]
            answer = _json([*command, "--format", "json"], environment)
            if not answer.get("run-id"):
                raise EngineError(f"flwr run did not start: {answer}.")
            status = _wait(str(answer["run-id"]), environment, timeout)
            if status != "finished:completed":
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-25:])
                raise EngineError(f"flwr run ended as {status}; the end of its log:\n{tail}")


def _path() -> str:
    """Flower's commands stand beside the running Python, which need not be on the PATH."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


@contextmanager
def _superlink(home: Path, environment: dict[str, str]) -> Iterator[Path]:
    """A simulation SuperLink on a free port; yields its log."""
    port, log = _free_port(), home / "superlink.log"
    (home / "config.toml").write_text(
        f'[superlink]\ndefault = "sim"\n[superlink.sim]\naddress = "127.0.0.1:{port}"\ninsecure = true\n'
    )
    if not shutil.which("flower-superlink", path=environment["PATH"]):
        raise EngineError("flower-superlink is not installed; run: pip install 'flwr[simulation]'.")
    with log.open("wb") as file:
        process = subprocess.Popen(
            [
                "flower-superlink", "--insecure", "--simulation", "--host", "127.0.0.1",
                "--port", str(port), "--disable-runtime-dependency-installation",
            ],
            env=environment, stdout=file, stderr=file,
        )  # fmt: skip
        try:
            _wait_for_port(port, process, log)
            yield log
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise EngineError(f"the SuperLink did not start:\n{log.read_text(errors='replace')[-2000:]}")


def _wait(run: str, environment: dict[str, str], timeout: float) -> str:
    """The status that the run ends with."""
    deadline, status = time.monotonic() + timeout, "unknown"
    while time.monotonic() < deadline:
        runs = _json(["flwr", "ls", "--run-id", run, "--format", "json"], environment).get("runs", [])
        status = str(runs[0]["status"]) if runs else "unknown"
        if status.startswith("finished"):
            return status
        time.sleep(1)
    return f"{status} after {timeout:.0f} s"


def _json(command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180)
    try:
        answer: dict[str, Any] = json.loads(done.stdout[done.stdout.index("{") :])
        return answer
    except ValueError:
        raise EngineError(f"{' '.join(command[:2])} failed: {(done.stdout + done.stderr)[-2000:]}") from None
