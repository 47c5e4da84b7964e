"""Results in the order of the tasks: few tasks are drawn ahead, and one that loses its process costs itself alone."""

import itertools
import os
import signal
import time

import pytest

from radstudy import parallel
from radstudy.errors import CaseError, TransientError
from radstudy.parallel import HERE, LOCAL
from radstudy.parallel.ordered import _AHEAD

POOLS = {"local": LOCAL, "here": HERE}


@pytest.fixture(params=POOLS)
def pool(request):
    parallel.use(POOLS[request.param])  # tests/conftest.py takes it back
    return request.param


def later_first(number):
    time.sleep(0.05 if number % 4 == 0 else 0)
    return number**2


def test_results_come_in_the_order_of_the_tasks(pool):
    assert list(parallel.in_order(later_first, iter(range(20)), 2)) == [number**2 for number in range(20)]
    assert list(parallel.in_order(abs, iter([]), 2)) == []


def test_an_endless_generator_is_drawn_a_little_ahead(pool):
    drawn = []

    def endless():
        for number in itertools.count():
            drawn.append(number)
            yield number

    stream = parallel.in_order(later_first, endless(), 2)
    for number in range(60):
        assert next(stream) == number**2
        assert len(drawn) <= number + 2 + 2 * _AHEAD
    stream.close()


def test_two_streams_at_once_do_not_mix():
    pairs = zip(parallel.in_order(later_first, range(6), 2), parallel.in_order(abs, range(0, -6, -1), 2), strict=True)
    assert list(pairs) == [(number**2, number) for number in range(6)]


@pytest.mark.parametrize(("number", "kind"), [(signal.SIGSEGV, CaseError), (signal.SIGKILL, TransientError)])
def test_a_task_that_loses_its_process_twice_is_an_error_and_the_others_have_results(number, kind):
    def work(task):
        if task in (3, 4):
            os.kill(os.getpid(), number)
        return task

    said = []
    results = list(parallel.in_order(work, iter(range(9)), 2, say=said.append))
    assert [result for result in results if not isinstance(result, CaseError)] == [0, 1, 2, 5, 6, 7, 8]
    assert [type(result) for result in results[3:5]] == [kind, kind]
    assert len(said) == 2 and "tried again, alone" in said[0]


def test_a_task_that_loses_its_process_once_has_its_result(tmp_path):
    def work(task):
        mark = tmp_path / "tried"
        if task == 2 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return task

    assert list(parallel.in_order(work, iter(range(6)), 2)) == list(range(6))


def test_an_error_of_the_function_or_of_a_task_s_making_ends_the_work(pool):
    def bad():
        yield 1
        raise KeyError("no more")

    with pytest.raises(KeyError, match="no more"):
        list(parallel.in_order(abs, bad(), 2))
    with pytest.raises(TypeError, match="bad operand"):
        list(parallel.in_order(abs, iter(["a", 1]), 2))
