"""Work spread over processes gives what it gives in one, in order."""

import os
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
