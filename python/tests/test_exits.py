"""The end of a program: reads in finalizers, daemon threads, subinterpreters, functions that still run.

Each is a program of its own. What is printed at the end is what a user meets there: an error that says
what happened, never an abort or a wait.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import textwrap
from collections.abc import Callable

import pytest

_FINALIZER = """
import sys
from millpond import Pool, PoolClosedError

class Late:
    def __init__(self):
        self.pool = Pool(int(sys.argv[1]))
        self.reader = self.pool.source(range(5)).map(abs)
        self.value = self.pool.value(abs, -3)
        self.executor = self.pool.as_executor()
        self.writer, self.channel = self.pool.channel()
        self.writer.write(1)

    def __del__(self, print=print, str=str, RuntimeError=RuntimeError):
        try:
            print(self.use())
        except RuntimeError as error:
            print(str(error).rpartition(";")[0] or error)

    def use(self):
        return CALL

late = Late()
"""
_READING = "reading from task `abs` of a pool that was closed\n"
_POOL = "pool `millpond-1` was closed\n"


@pytest.mark.parametrize("size", [0, 2])
@pytest.mark.parametrize(
    ("call", "output"),
    [
        ("self.reader.read_all()", _READING),
        ("self.reader.read(2)", _READING),
        ("next(self.reader)", _READING),
        ("list(self.reader)", _READING),
        ("[item for item in self.reader]", _READING),
        ("self.reader.try_read()", _READING),
        ("self.channel.read(1)", "reading from task `channel` of a pool that was closed\n"),
        ("self.value.get()", _POOL),
        ("self.pool.get(self.value)", _POOL),
        ("self.executor.submit(abs, -1)", "submitting `abs` to an executor that was shut down\n"),
        ("self.pool.source([1])", _POOL),
        ("self.pool.channel()", _POOL),
        ("self.reader.map(str).read(1)", _POOL),
        ("self.pool.closed", "True\n"),
        ("self.reader.close()", "None\n"),
        ("self.pool.close()", "None\n"),
    ],
)
def test_a_pool_that_is_used_in_a_finalizer_at_the_end_says_that_it_was_closed(
    run_program: Callable[..., str], size: int, call: str, output: str
) -> None:
    assert run_program(_FINALIZER.replace("CALL", call), size) == output


@pytest.mark.parametrize("size", [0, 2])
def test_what_is_read_in_a_finalizer_before_the_end_is_there(run_program: Callable[..., str], size: int) -> None:
    output = run_program(_FINALIZER.replace("CALL", "self.reader.read_all()") + "del late\n", size)
    assert output == "[0, 1, 2, 3, 4]\n"


def test_what_is_registered_for_the_exit_later_may_read(run_program: Callable[..., str]) -> None:
    program = """
        import atexit
        from millpond import Pool

        reader = Pool(2).source(range(3)).map(str)
        atexit.register(lambda: print(reader.read_all()))
        """
    assert run_program(program) == "['0', '1', '2']\n"


@pytest.mark.parametrize(
    "read",
    [
        "next(reader)",
        "next(iterator)",
        "for item in reader: pass",
        "reader.read(1)",
        "reader.read(7, timeout=60)",
        "reader.read(7, timeout=60, partial=True)",
        "reader.try_read(), reader.read(1)",
        "reader.fold(max, 0)",
        "asyncio.run(reader.read_async(3))",
        "asyncio.run(iterate())",
        "values()",
        "pool.value(abs, -1).get()",
        "pool.source([1]).read_all()",
        "writer.write(1), channel.read(1)",
        "executor.submit(abs, -1).result()",
        "list(executor.map(abs, range(3)))",
        "next(classic)",
        "classic.read(3)",
    ],
)
def test_daemon_threads_that_read_end_in_silence(run_program: Callable[..., str], read: str) -> None:
    output = run_program(
        """
        import asyncio, itertools, sys, threading
        from millpond import Pool
        from millpond.classic.pool import ThreadPool
        from millpond.classic.task import IteratorThreadTask

        pool = Pool(2)
        began = threading.Semaphore(0)
        reader = pool.source(itertools.count()).map(abs)
        iterator = iter(reader)
        writer, channel = pool.channel(8)
        executor = pool.as_executor()
        classic = ThreadPool(2).add_task(IteratorThreadTask(itertools.count(), "abs", abs))

        async def iterate():
            async for item in reader:
                pass

        def values():
            pool.get(*[pool.value(abs, number) for number in range(20)])

        def work():
            began.release()
            while True:
                READ

        for _ in range(3):
            threading.Thread(target=work, daemon=True).start()
        for _ in range(3):
            began.acquire()
        print("end")
        """.replace("READ", read)
    )
    assert output == "end\n"


def test_a_daemon_thread_that_ends_so_leaves_its_blocks(run_program: Callable[..., str]) -> None:
    output = run_program(
        """
        import atexit, threading

        # Called after the pools are closed, since it is registered before.
        left = threading.Event()
        atexit.register(lambda: print(left.wait(30)))

        from millpond import Pool

        began = threading.Event()
        writer, reader = Pool(2).channel()

        def work():
            began.set()
            try:
                reader.read(1)
            finally:
                left.set()

        threading.Thread(target=work, daemon=True).start()
        began.wait()
        """
    )
    assert output == "True\n"


def test_a_program_that_leaves_by_os_exit_leaves_at_once(run_program: Callable[..., str], pool_size: int) -> None:
    output = run_program(
        """
        import itertools, os, sys, threading, time
        from millpond import Pool

        began = threading.Event()

        def work(number):
            began.set()
            time.sleep(1000 if number else 0)

        reader = Pool(int(sys.argv[1])).source(itertools.count()).map(work, max_chunksize=1, read_ahead=8)
        threading.Thread(target=lambda: reader.read_all(), daemon=True).start()
        began.wait()
        print("end", flush=True)
        os._exit(0)
        """,
        pool_size,
    )
    assert output == "end\n"


@pytest.mark.parametrize("what", ["sleeps", "computes", "waits"])
def test_a_program_ends_while_functions_run(run_program: Callable[..., str], what: str) -> None:
    output = run_program(
        """
        import sys, threading, time
        from millpond import Pool

        began = threading.Semaphore(0)

        def work(number):
            began.release()
            while True:
                if sys.argv[1] == "sleeps":
                    time.sleep(1000)
                elif sys.argv[1] == "waits":
                    threading.Event().wait()

        pool = Pool(4)
        reader = pool.source(range(100)).map(work, max_chunksize=1)
        values = [pool.value(work, number) for number in range(4)]
        threading.Thread(target=lambda: reader.read_all(), daemon=True).start()
        threading.Thread(target=lambda: pool.get(*values), daemon=True).start()
        began.acquire()
        began.acquire()
        print("end")
        """,
        what,
    )
    assert output == "end\n"


_INTERPRETERS = ("_interpreters", "_xxsubinterpreters")


def _interpreters() -> str | None:
    for name in _INTERPRETERS:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
        return name
    return None


@pytest.mark.skipif(_interpreters() is None, reason="this Python has no subinterpreters")
@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize("ends", ["destroyed", "left"])
def test_a_subinterpreter_is_told_that_it_cannot_import(order: str, ends: str) -> None:
    program = f"""
        import sys
        import {_interpreters()} as interpreters

        order, ends = sys.argv[1:]
        if order == "after":
            import millpond
            print(millpond.Pool(2).source([1]).map(str).read_all())
        other = interpreters.create()
        program = '''
        import sys
        sys.path = {sys.path!r}
        for _ in range(2):
            try:
                import millpond
            except ImportError as error:
                print(error, flush=True)
        '''
        import textwrap
        interpreters.run_string(other, textwrap.dedent(program))
        import millpond
        print(millpond.Pool(2).source([2]).map(str).read_all())
        if ends == "destroyed":
            interpreters.destroy(other)
        """
    command = [sys.executable, "-W", "ignore", "-X", "faulthandler", "-c", textwrap.dedent(program), order, ends]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    refused = [line for line in lines if not line.startswith("[")]
    assert [line for line in lines if line.startswith("[")] == (["['1']"] if order == "after" else []) + ["['2']"]
    assert len(refused) == 2
    assert all("subinterpreter" in line or "does not support loading" in line for line in refused)


def test_async_generators_of_the_pools_loop_are_closed_at_the_end(run_program: Callable[..., str]) -> None:
    program = """
        import asyncio, itertools
        from millpond import Pool

        async def numbers():
            try:
                for number in itertools.count():
                    yield number
            finally:
                await asyncio.sleep(0.01)
                print("closed")

        reader = Pool({size}).source(numbers())
        print(reader.read(2))
    """
    for size in (0, 2):
        assert run_program(program.format(size=size)) == "[0, 1]\nclosed\n"


def test_a_loop_that_ends_with_a_generator_half_read_says_nothing(run_program: Callable[..., str]) -> None:
    program = """
        import asyncio, itertools
        from millpond import Pool

        async def numbers():
            try:
                for number in itertools.count():
                    await asyncio.sleep(0)
                    yield number
            finally:
                await asyncio.sleep(0)
                print("closed")

        async def consume(is_suspended):
            async for number in pool.source(numbers()).map(abs):
                if number == 5:
                    is_suspended.set()
                    await asyncio.Event().wait()

        async def main():
            is_suspended = asyncio.Event()
            task = asyncio.ensure_future(consume(is_suspended))
            await is_suspended.wait()
            async for number in pool.source(numbers()).map(abs):
                if number == 5:
                    break

        pool = Pool({size})
        asyncio.run(main())
        loop = asyncio.new_event_loop()
        left = pool.source(numbers())
        loop.run_until_complete(asyncio.wait_for(left.read_async(2), 30))
        # Without a word to what is suspended there, which is lost with it.
        loop.close()
    """
    for size in (0, 2):
        assert run_program(program.format(size=size)) == "closed\nclosed\n"
