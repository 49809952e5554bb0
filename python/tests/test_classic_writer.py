"""The writer of a classic task's output, and the names of the ancestor one by one."""

from __future__ import annotations

import gc
import importlib
import inspect
from typing import Any

import pytest

from millpond.classic.channel import ChannelReader, ChannelWriter, ReadOnly, Writer, mkchannel
from millpond.classic.pool import PoolReader, ThreadPool
from millpond.classic.task import ChannelThreadTask, IteratorThreadTask, Task


@pytest.fixture
def pool(pool_size: int) -> ThreadPool:
    """Give a pool of each size."""
    return ThreadPool(pool_size)


class Processing(IteratorThreadTask):
    """A task whose items its own `process` writes."""

    def process(self, count: int = 0) -> None:
        super().process(count)


def added(pool: ThreadPool, kind: type[IteratorThreadTask], count: int = 5) -> tuple[Task, PoolReader, Writer]:
    task = kind(iter(range(count)), "task", lambda number: number * 2)
    assert task.writer() is None
    reader = pool.add_task(task)
    writer = task.writer()
    assert isinstance(writer, Writer)
    assert task.writer() is writer
    return task, reader, writer


@pytest.mark.parametrize("kind", [IteratorThreadTask, Processing])
def test_a_task_in_a_pool_has_the_writer_of_its_output(pool: ThreadPool, kind: type[IteratorThreadTask]) -> None:
    task, reader, writer = added(pool, kind)
    assert (writer.size(), writer.closed(), task.is_closed()) == (0, False, False)
    assert reader.read(2) == [0, 2]
    assert not writer.closed()
    assert reader.read() == [4, 6, 8]
    assert task.writer() is writer
    assert (writer.size(), writer.closed(), task.is_closed(), task.is_done()) == (0, True, True, True)
    assert reader.read() == []
    with pytest.raises(ReadOnly):
        writer.write(1)


def test_its_size_is_what_a_reader_gets_at_once(pool: ThreadPool) -> None:
    task = IteratorThreadTask(iter(range(10)), "task", None, min_count=4)
    reader = pool.add_task(task)
    assert reader.read(1) == [0]
    writer = task.writer()
    assert writer is not None
    # Looking takes nothing away, and changes no order.
    assert writer.size() == writer.size() >= 3
    there = reader.read(0, block=False)
    assert there[:3] == [1, 2, 3]
    assert there + reader.read() == list(range(1, 10))


def test_its_size_does_not_take_from_the_tasks_that_follow(pool: ThreadPool) -> None:
    first = IteratorThreadTask(iter(range(10)), "first", None, min_count=5)
    numbers = pool.add_task(first)
    doubled = pool.add_task(ChannelThreadTask(numbers, "doubled", lambda number: number * 2))
    got = doubled.read(1)
    writer = first.writer()
    assert writer is not None
    assert writer.size() >= 0
    assert got + doubled.read() == [number * 2 for number in range(10)]


@pytest.mark.parametrize("kind", [IteratorThreadTask, Processing])
def test_what_is_written_comes_out_beside_what_the_task_makes(pool: ThreadPool, kind: type[IteratorThreadTask]) -> None:
    _, reader, writer = added(pool, kind)
    writer.write("first")
    assert writer.size() == 1
    assert reader.read(1) == ["first"]
    writer.write("later")
    assert sorted(map(str, reader.read())) == ["0", "2", "4", "6", "8", "later"]


@pytest.mark.parametrize("by_task", [True, False])
def test_a_closed_output_gives_what_is_there_and_ends(pool: ThreadPool, by_task: bool) -> None:
    task, reader, writer = added(pool, IteratorThreadTask)
    assert reader.read(1) == [0]
    writer.write(7)
    there = writer.size()
    (task if by_task else writer).close()
    assert (writer.closed(), task.is_closed(), writer.size()) == (True, True, there)
    got = reader.read()
    assert len(got) == there
    assert 7 in got
    assert reader.read() == []
    with pytest.raises(ReadOnly):
        writer.write(1)
    writer.close()


def test_the_writer_holds_nothing(pool: ThreadPool) -> None:
    task, reader, writer = added(pool, IteratorThreadTask)
    del reader
    gc.collect()
    assert pool.num_tasks() == 0
    assert task.writer() is None
    assert (writer.size(), writer.closed()) == (0, True)
    with pytest.raises(ReadOnly):
        writer.write(1)


def test_a_failed_task_has_closed_its_output(pool: ThreadPool) -> None:
    task = IteratorThreadTask(iter([1, 0]), "task", lambda number: 1 // number)
    reader = pool.add_task(task)
    writer = task.writer()
    assert writer is not None
    assert reader.read() == [1]
    with pytest.raises(ZeroDivisionError):
        reader.read()
    assert writer.closed()


def test_a_writer_that_was_given_stays_the_tasks(pool: ThreadPool) -> None:
    writer, _ = mkchannel()
    task = IteratorThreadTask(iter(range(3)), "task", None, writer=writer)
    reader = pool.add_task(task)
    assert task.writer() is writer
    assert reader.read() == [0, 1, 2]
    other, _ = mkchannel()
    task.set_writer(other)
    assert task.writer() is other


def test_process_may_write_by_the_writer(pool: ThreadPool) -> None:
    class Writes(IteratorThreadTask):
        def process(self, count: int = 0) -> None:
            writer = self.writer()
            assert writer is not None
            assert self._read is not None
            items = self._read(1)
            for item in items:
                writer.write(item)
                writer.write(-item)
            if not items:
                self.set_done()

    assert pool.add_task(Writes(iter([1, 2]), "task", None)).read() == [1, -1, 2, -2]


#: What the ancestor had: modules, their names, and the attributes of the classes among these.
NAMES: dict[str, dict[str, str]] = {
    "channel": {
        "Channel": "queue*",
        "SerialChannel": "queue*",
        "Writer": "write size close closed",
        "ChannelWriter": "channel* write size close closed",
        "CallbackWriterMixin": "set_pre_cb write",
        "CallbackChannelWriter": "set_pre_cb write size close closed",
        "Reader": "read __iter__ next",
        "ChannelReader": "channel* read __iter__ next",
        "CallbackReaderMixin": "set_pre_cb set_post_cb read",
        "CallbackChannelReader": "set_pre_cb set_post_cb read",
        "IteratorReader": "read __iter__ next",
        "ReadOnly": "",
        "mkchannel": "",
    },
    "graph": {
        "Node": "id* in_nodes* out_nodes* __str__",
        "Graph": "nodes* add_node remove_node add_edge input_inclusive_dfirst_reversed",
    },
    "task": {
        "Task": "process is_done set_done error writer set_writer close is_closed min_count* max_chunksize* "
        "apply_single* fun*",
        "IteratorTaskBase": "process",
        "IteratorThreadTask": "process",
        "ChannelThreadTask": "reader set_read pool set_pool",
        "ThreadTaskBase": "",
    },
    "pool": {
        "Pool": "add_task remove_task num_tasks size set_size",
        "ThreadPool": "add_task remove_task num_tasks size set_size",
        "PoolReader": "read task pool task_ref pool_ref set_pre_cb set_post_cb __iter__ next",
    },
    "thread": {
        "TerminatableThread": "start schedule_termination stop_and_join _should_terminate _terminated",
        "WorkerThread": "inq* call stop stop_and_join quit shutdown_check_time_s",
        "terminate_threads": "",
        "do_terminate_threads": "",
    },
    "util": {
        "AsyncQueue": "get put qsize empty set_writable writable",
        "SyncQueue": "get put qsize empty set_writable writable",
        "DummyLock": "acquire release __enter__ __exit__",
        "HSCondition": "acquire* release* wait notify notify_all __enter__ __exit__",
        "ReadOnly": "",
        "cpu_count": "",
    },
}


@pytest.mark.parametrize("module", NAMES)
def test_all_names_of_the_ancestor_are_there(module: str) -> None:
    found = importlib.import_module(f"millpond.classic.{module}")
    missing = []
    for name, attributes in NAMES[module].items():
        there = getattr(found, name, None)
        if there is None:
            missing.append(name)
            continue
        # Those with a star are the objects' own.
        missing += [
            f"{name}.{attribute}"
            for attribute in attributes.split()
            if not attribute.endswith("*") and not hasattr(there, attribute)
        ]
    assert missing == []


def test_the_objects_have_the_attributes_of_the_ancestors() -> None:
    graph = importlib.import_module("millpond.classic.graph")
    thread = importlib.import_module("millpond.classic.thread")
    writer, reader = mkchannel()
    assert isinstance(writer, ChannelWriter)
    assert isinstance(reader, ChannelReader)
    task = Task("id", None)
    worker = thread.WorkerThread()
    util = importlib.import_module("millpond.classic.util")
    objects: list[tuple[Any, str]] = [
        (writer, "channel"),
        (reader, "channel"),
        (writer.channel, "queue"),
        (graph.Node(1), "id in_nodes out_nodes"),
        (graph.Graph(), "nodes"),
        (task, "id in_nodes out_nodes min_count max_chunksize apply_single fun"),
        (worker, "inq shutdown_check_time_s"),
        (util.HSCondition(), "acquire release"),
    ]
    for found, attributes in objects:
        for attribute in attributes.split():
            assert hasattr(found, attribute), (found, attribute)


@pytest.mark.parametrize(
    ("module", "name", "arguments"),
    [
        ("channel", "mkchannel", ["ctype", "wtype", "rtype"]),
        ("channel", "ChannelWriter.write", ["self", "item", "block", "timeout"]),
        ("channel", "ChannelReader.read", ["self", "count", "block", "timeout"]),
        ("channel", "IteratorReader.read", ["self", "count", "block", "timeout"]),
        ("graph", "Node.__init__", ["self", "id"]),
        ("graph", "Graph.add_edge", ["self", "u", "v"]),
        ("task", "Task.__init__", ["self", "id", "fun", "apply_single", "min_count", "max_chunksize", "writer"]),
        ("task", "Task.process", ["self", "count"]),
        ("pool", "Pool.__init__", ["self", "size"]),
        ("pool", "PoolReader.read", ["self", "count", "block", "timeout"]),
        ("thread", "WorkerThread.__init__", ["self", "inq"]),
        ("thread", "do_terminate_threads", ["whitelist"]),
        ("util", "AsyncQueue.__init__", ["self", "maxsize"]),
        ("util", "HSCondition.__init__", ["self", "lock"]),
    ],
)
def test_functions_take_the_arguments_of_the_ancestors(module: str, name: str, arguments: list[str]) -> None:
    found: Any = importlib.import_module(f"millpond.classic.{module}")
    for part in name.split("."):
        found = getattr(found, part)
    assert list(inspect.signature(found).parameters) == arguments
