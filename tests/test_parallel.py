"""Work spread over processes gives what it gives in one, in order."""

import os
import signal
import subprocess
import sys
import time
from functools import partial

import pytest

from fedsoft.errors import DataError
from fedsoft.parallel import in_parallel


def square(number):
    return number**2, os.getpid()


def fail():
    raise DataError("no votes here; buy some.")


@pytest.mark.parametrize("cores", [1, 2, 16])
def test_results_come_in_the_order_of_the_tasks(cores):
    found = in_parallel([partial(square, n) for n in range(9)], cores)
    assert [value for value, _ in found] == [n**2 for n in range(9)]
    assert (os.getpid() in {process for _, process in found}) == (cores == 1)
    assert in_parallel([], cores) == []


@pytest.mark.parametrize("cores", [1, 2])
def test_an_exception_of_a_task_is_raised_here(cores):
    with pytest.raises(DataError, match="no votes here; buy some"):
        in_parallel([partial(square, 1), fail], cores)


def die_in_a_fork(number, here):
    if os.getpid() != here:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
@pytest.mark.parametrize("good", [0, 3])
def test_what_a_killed_fork_leaves_is_done_here(good):
    """As where memory is short: the system kills whoever has most of it."""
    tasks = [
        *(partial(square, n) for n in range(good)),
        *(partial(die_in_a_fork, n, os.getpid()) for n in (7, 8)),
    ]
    found = in_parallel(tasks, 2)
    assert [value for value, _ in found[:good]] == [0, 1, 4][:good]
    assert found[good:] == [7, 8]


SCRIPT = """
import time
from functools import partial
from fedsoft.parallel import in_parallel
print("at work", flush=True)
in_parallel([partial(time.sleep, 60)] * 4, 4)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_forks_end_with_the_process_that_made_them(how):
    command = [sys.executable, "-c", SCRIPT]
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE)
    process.stdout.readline()
    time.sleep(1.0)
    process.send_signal(how)
    process.wait()
    deadline = time.monotonic() + 20
    while (left := anyone_in(process.pid)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left


def anyone_in(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
