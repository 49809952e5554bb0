"""Signals, the end of a program, forks, other processes: each in a program of its own."""

from __future__ import annotations

import operator
import subprocess
import sys
import textwrap
import time

import pytest

needs_fork = pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="there is no fork here")


def run(program: str, *arguments: object) -> str:
    """Run a program to its end, which must be a good one, and give what it prints."""
    command = [sys.executable, "-W", "error", "-X", "faulthandler", "-c", textwrap.dedent(program)]
    done = subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("where", ["sleep", "channel", "iteration"])
def test_an_interrupt_ends_a_read_at_once_and_the_pool_goes_on(pool_size: int, where: str) -> None:
    output = run(
        """
        import os, signal, sys, threading, time
        from millpond import Pool

        size, where = int(sys.argv[1]), sys.argv[2]
        pool = Pool(size)
        began = threading.Event()

        def sleep(number):
            began.set()
            # Not in one go: a signal that comes just before does not end it, here as in any program.
            for _ in range(3000):
                time.sleep(0.01)

        def interrupt():
            began.wait()
            global at
            at = time.monotonic()
            os.kill(os.getpid(), signal.SIGINT)

        writer, reader = pool.channel()
        if where == "channel":
            threading.Timer(0.2, began.set).start()
        else:
            reader = pool.source(range(100)).map(sleep)
        threading.Thread(target=interrupt).start()
        try:
            next(reader) if where == "iteration" else reader.read_all()
        except KeyboardInterrupt:
            # A tenth of a second, and as much again as a busy machine may add.
            print("soon" if time.monotonic() - at < 2 else "late")
        print(pool.source(range(5)).map(str).read_all())
        if where == "channel":
            writer.write(1)
            writer.close()
            print(reader.read_all())
        pool.close()
        """,
        pool_size,
        where,
    )
    rest = "[1]\n" if where == "channel" else ""
    assert output == "soon\n['0', '1', '2', '3', '4']\n" + rest


@pytest.mark.parametrize("seconds", [0, 0.01, 1000])
def test_a_program_ends_while_its_pool_is_at_work(pool_size: int, seconds: float) -> None:
    started = time.monotonic()
    output = run(
        """
        import itertools, sys, threading, time
        from millpond import Pool

        pool = Pool(int(sys.argv[1]))
        began = threading.Event()

        def work(number):
            began.set()
            time.sleep(float(sys.argv[2]))
            return number

        reader = pool.source(itertools.count()).map(work, read_ahead=100)
        threading.Thread(target=lambda: next(reader), daemon=True).start()
        began.wait()
        print("end")
        """,
        pool_size,
        seconds,
    )
    assert output == "end\n"
    assert time.monotonic() - started < 30


def test_a_generator_that_is_alive_at_the_end_is_no_trouble(pool_size: int) -> None:
    output = run(
        """
        import sys
        from millpond import Pool

        def numbers():
            try:
                yield from range(1000)
            finally:
                print("closed")

        reader = Pool(int(sys.argv[1])).source(numbers()).map(str)
        print(next(reader))
        """,
        pool_size,
    )
    assert output == "0\nclosed\n"


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_is_told_and_can_have_a_pool_of_its_own(pool_size: int) -> None:
    output = run(
        """
        import os, sys, warnings
        from millpond import Pool, PoolForkedError

        warnings.simplefilter("ignore", DeprecationWarning)
        size = int(sys.argv[1])
        pool = Pool(size)
        reader = pool.source(range(10_000)).map(str)
        assert next(reader) == "0"
        child = os.fork()
        if child == 0:
            for read in (lambda: reader.read(1), lambda: next(reader), lambda: pool.source([1]).read_all()):
                try:
                    read()
                except PoolForkedError:
                    pass
                else:
                    os._exit(3)
            assert Pool(size).source(range(10_000)).map(str).read_all()[-1] == "9999"
            del reader, pool
            sys.exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        print(reader.read_all()[-1])
        """,
        pool_size,
    )
    assert output == "0\n9999\n"


def total(count: int) -> int:
    from millpond import Pool

    with Pool(2) as pool:
        result: int = pool.source(range(count)).map(lambda n: n + 1).fold(operator.add, 0)
        return result


@needs_fork
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_pools_work_in_the_processes_of_multiprocessing(method: str) -> None:
    import multiprocessing

    assert total(10) == 55
    with multiprocessing.get_context(method).Pool(2) as processes:
        assert processes.map(total, [10, 20, 30]) == [55, 210, 465]


def test_importing_takes_no_time_to_speak_of() -> None:
    output = run(
        """
        import sys, time
        before = time.perf_counter()
        import millpond
        print(time.perf_counter() - before)
        assert "asyncio" not in sys.modules and "concurrent.futures" not in sys.modules
        """
    )
    assert float(output) < 1.0


def test_what_is_left_at_the_end_is_logged_where_the_program_logs() -> None:
    program = """
        import itertools, logging, sys, threading, time
        from millpond import Pool, ReadTimeoutError

        if sys.argv[1] == "logs":
            logging.basicConfig(stream=sys.stdout, format="%(name)s: %(message)s")
        began = threading.Event()

        def work(number):
            if threading.current_thread() is threading.main_thread():
                # Slow enough to be worth helping with.
                return sum(range(200_000))
            began.set()
            time.sleep(1000)

        reader = Pool(2).source(itertools.count()).map(work, max_chunksize=1)
        while not began.is_set():
            try:
                reader.read(100, timeout=0.2)
            except ReadTimeoutError:
                pass
        """
    assert run(program, "silent") == ""
    assert run(program, "logs") == "millpond.threads: functions still run at the end of the program, on 1 threads\n"
