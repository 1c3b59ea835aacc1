"""Workers are forks of a process in which nothing has begun, and know of the study's own what they need."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

import pytest
import torch

from fedsoft.execution.fork_server import IMPORTED, start_server, worker_context
from fedsoft.execution.processes import InProcess, _start_worker
from fedsoft.study.store import Store

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks")

IMPORTS = f"""
import os
import torch

def touched(*_):
    raise SystemExit("a GPU was asked for")

for name in ("is_available", "device_count", "current_device", "init", "_lazy_init"):
    setattr(torch.cuda, name, touched)
import {IMPORTED}
print("threads", len(os.listdir("/proc/self/task")))
"""


def test_what_the_server_imports_asks_for_no_gpu_and_starts_no_thread():
    """Else its forks could not use one, or might wait for a thread that is not there."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == "threads 1", done.stderr


def seen(name):
    blocked = signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    return os.environ.get(name), os.getppid(), blocked, torch.get_num_threads()


def test_a_worker_is_the_servers_fork_and_has_the_environment_of_now(monkeypatch, tmp_path):
    monkeypatch.setenv("FEDSOFT_TOLD", "before")
    start_server()
    monkeypatch.setenv("FEDSOFT_TOLD", "now")
    context = worker_context()
    told = (InProcess(Store(tmp_path), "cpu"), context.SimpleQueue(), context.Event(), dict(os.environ))
    with ProcessPoolExecutor(1, context, _start_worker, told) as pool:
        word, parent, blocked, threads = pool.submit(seen, "FEDSOFT_TOLD").result()
    assert (word, blocked, threads) == ("now", True, 1)
    assert parent != os.getpid()


def test_the_server_ends_with_the_process_that_started_it():
    code = "from fedsoft.execution.fork_server import start_server as go; go(); print('started', flush=True)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    output, _ = process.communicate(timeout=60)  # ends when nobody holds it open, as the server does
    assert output == b"started\n"
