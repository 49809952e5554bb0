"""The threads of a pool are like those that Python starts."""

from __future__ import annotations

import os
import sys
import threading
import time
import types
from collections.abc import Callable

import pytest

from millpond import Pool

_DEEP = """
import itertools, sys, threading, time
from millpond import Pool

def deep():
    nested = []
    for _ in range(17_000):
        nested = [nested]
    try:
        return len(repr(nested))
    except RecursionError:
        # Some interpreters have a limit of their own for such calls, which no program can change.
        return "too deep"

sys.setrecursionlimit(40_000)
in_thread = []
thread = threading.Thread(target=lambda: in_thread.append(deep()))
thread.start()
thread.join()
pool = Pool(2)
"""


@pytest.mark.parametrize("where", ["executor", "stream", "values"])
def test_code_that_recurses_gets_as_deep_as_in_a_thread_of_python(run_program: Callable[..., str], where: str) -> None:
    output = run_program(
        _DEEP
        + """
where = sys.argv[1]
main = threading.main_thread()

def call(_):
    if threading.current_thread() is not main:
        return deep()
    # Slow enough to be helped with.
    time.sleep(0.002)

if where == "executor":
    result = pool.as_executor().submit(deep).result()
elif where == "stream":
    result = next(pool.source(itertools.count()).filter_map(call, max_chunksize=1, ordered=False))
else:
    barrier = threading.Barrier(2)

    def both(number):
        barrier.wait(30)
        return call(number)

    (result,) = {*pool.get(pool.value(both, 1), pool.value(both, 2))} - {None}
print(result == in_thread[0], result)
""",
        where,
    )
    assert output in ("True 34002\n", "True too deep\n")
    assert output == "True 34002\n" or sys.version_info >= (3, 12)


@pytest.mark.skipif(not os.path.exists("/proc/self"), reason="the C library is asked in the way of Linux")
def test_a_pool_takes_the_stack_that_the_program_asks_for(run_program: Callable[..., str]) -> None:
    output = run_program(
        """
        import ctypes, threading
        from millpond import Pool

        library = ctypes.CDLL(None)

        def stack():
            attributes = ctypes.create_string_buffer(256)
            size = ctypes.c_size_t()
            library.pthread_getattr_np(ctypes.c_void_p(threading.get_ident()), attributes)
            library.pthread_attr_getstacksize(attributes, ctypes.byref(size))
            # Guards of some pages count or do not.
            return round(size.value / 2**20)

        def of_python():
            sizes = []
            thread = threading.Thread(target=lambda: sizes.append(stack()))
            thread.start()
            thread.join()
            return sizes[0]

        print(Pool(1).as_executor().submit(stack).result() == of_python())
        threading.stack_size(48 << 20)
        print(Pool(1).as_executor().submit(stack).result())
        """
    )
    assert output == "True\n48\n"


@pytest.mark.parametrize("kind", ["settrace", "setprofile"])
def test_debuggers_and_profilers_see_the_functions_on_a_pools_threads(kind: str) -> None:
    seen: set[int] = set()
    together = threading.Barrier(2)

    def hook(frame: types.FrameType, event: str, argument: object) -> None:
        if frame.f_code.co_name == "watched":
            seen.add(threading.get_ident())

    def watched(item: int) -> int:
        if item == 0:
            # So long that another thread is worth its waking.
            time.sleep(0.01)
        elif item < 3:
            together.wait(30)
        return threading.get_ident()

    getattr(threading, kind)(hook)
    try:
        threads = set(Pool(2).source(range(10)).map(watched, max_chunksize=1).read_all())
    finally:
        getattr(threading, kind)(None)
    others = threads - {threading.get_ident()}
    assert others
    assert seen == others
