"""What each name of the ancestor does: a check for each, which uses all of its attributes."""

from __future__ import annotations

import importlib
import inspect
import queue
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest

from millpond.classic import channel, graph, pool, task, thread, util

_Check = Callable[[], None]
#: The names and their attributes, from the file of tests beside this one.
NAMES: dict[str, dict[str, str]] = importlib.import_module("test_classic_writer").NAMES
CHECKS: dict[str, _Check] = {}


def of(name: str) -> Callable[[_Check], _Check]:
    """Take a function as the check of a name."""

    def take(check: _Check) -> _Check:
        assert name not in CHECKS
        CHECKS[name] = check
        return check

    return take


def test_each_name_of_the_ancestor_has_a_check_that_uses_all_of_it() -> None:
    assert sorted(CHECKS) == sorted(f"{module}.{name}" for module, names in NAMES.items() for name in names)
    for module, names in NAMES.items():
        for name, attributes in names.items():
            source = inspect.getsource(CHECKS[f"{module}.{name}"])
            assert re.search(rf"\b{module}\.{name}\b", source), name
            uses = {"__iter__": "list(", "__str__": "str(", "__enter__": "with ", "__exit__": "with "}
            for attribute in attributes.replace("*", "").split():
                assert uses.get(attribute, f".{attribute}") in source, (name, attribute)


@pytest.mark.parametrize("name", [f"{module}.{name}" for module, names in NAMES.items() for name in names])
def test_a_name_does_what_it_did(name: str) -> None:
    CHECKS[name]()


@of("channel.Channel")
def _channel() -> None:
    made = channel.Channel()
    assert isinstance(made.queue, util.AsyncQueue)
    made.queue.put(1)
    assert channel.ChannelReader(made).read(1) == [1]


@of("channel.SerialChannel")
def _serial_channel() -> None:
    made = channel.SerialChannel()
    assert isinstance(made, channel.Channel)
    assert isinstance(made.queue, util.SyncQueue)
    made.queue.put(1)
    # Nobody else could write, so it never waits.
    assert channel.ChannelReader(made).read() == [1]


@of("channel.Writer")
def _writer() -> None:
    device = channel.Writer()
    for method in (lambda: device.write(1), device.size, device.close, device.closed):
        with pytest.raises(NotImplementedError):
            method()


@of("channel.ChannelWriter")
def _channel_writer() -> None:
    made = channel.Channel()
    writer = channel.ChannelWriter(made)
    assert isinstance(writer, channel.Writer)
    assert writer.channel is made
    writer.write("a", block=True, timeout=1)
    writer.write("b")
    assert (writer.size(), writer.closed()) == (2, False)
    writer.close()
    writer.close()
    assert writer.closed()
    with pytest.raises(channel.ReadOnly):
        writer.write("c")
    assert inspect.signature(writer.write).parameters["block"].default is False


@of("channel.CallbackWriterMixin")
def _callback_writer_mixin() -> None:
    class Mine(channel.CallbackWriterMixin, channel.ChannelWriter):
        _pre_cb = None

    assert issubclass(channel.CallbackChannelWriter, channel.CallbackWriterMixin)
    made = channel.Channel()
    writer = Mine(made)
    assert writer.set_pre_cb(str) is None
    writer.write(1)
    assert writer.set_pre_cb() is str
    writer.write(1)
    assert channel.ChannelReader(made).read(2) == ["1", 1]


@of("channel.CallbackChannelWriter")
def _callback_channel_writer() -> None:
    writer, reader = channel.mkchannel(wtype=channel.CallbackChannelWriter)
    assert writer.set_pre_cb(lambda item: item * 2) is None
    writer.write(2)
    assert writer.size() == 1
    writer.close()
    assert writer.closed()
    assert reader.read() == [4]


@of("channel.Reader")
def _reader() -> None:
    device = channel.Reader()
    with pytest.raises(NotImplementedError):
        device.read(1)

    class Down(channel.Reader):
        left = 3

        def read(self, count: int = 0, block: bool = True, timeout: float | None = None) -> list[int]:
            self.left -= 1
            return [self.left] if self.left >= 0 else []

    assert Down().next() == 2
    assert list(Down()) == [2, 1, 0]


@of("channel.ChannelReader")
def _channel_reader() -> None:
    made = channel.Channel()
    writer, reader = channel.ChannelWriter(made), channel.ChannelReader(made)
    assert reader.channel is made
    for number in range(6):
        writer.write(number)
    assert reader.next() == 0
    assert reader.read(2) == [1, 2]
    assert reader.read(9, block=False) == [3, 4, 5]
    writer.write(6)
    # The time is that of each item, and what was read by then is returned.
    assert reader.read(2, timeout=0.01) == [6]
    writer.write(7)
    writer.close()
    assert list(reader) == [7]
    assert (reader.read(), reader.read(1), reader.read(-1)) == ([], [], [])


@of("channel.CallbackReaderMixin")
def _callback_reader_mixin() -> None:
    class Counting(channel.Reader):
        def read(self, count: int = 0, block: bool = True, timeout: float | None = None) -> list[int]:
            return list(range(count))

    class Mine(channel.CallbackReaderMixin, Counting):
        def __init__(self) -> None:
            self._init_callbacks()

    assert issubclass(channel.CallbackChannelReader, channel.CallbackReaderMixin)
    asked: list[int] = []
    reader = Mine()
    assert reader.set_pre_cb(asked.append) is None
    assert reader.set_post_cb(sorted) is None
    assert reader.read(2) == [0, 1]
    assert asked == [2]
    assert reader.set_pre_cb() == asked.append
    assert reader.set_post_cb(None) is sorted


@of("channel.CallbackChannelReader")
def _callback_channel_reader() -> None:
    writer, reader = channel.mkchannel(rtype=channel.CallbackChannelReader)
    for number in range(4):
        writer.write(number)
    writer.close()

    def refuse(_: Any) -> Any:
        raise ValueError("refused")

    reader.set_pre_cb(refuse)
    with pytest.raises(ValueError, match="refused"):
        reader.read(1)
    reader.set_pre_cb()
    reader.set_post_cb(refuse)
    with pytest.raises(ValueError, match="refused"):
        reader.read(2)
    # Neither has lost anything.
    reader.set_post_cb(lambda items: [item * 10 for item in items])
    assert reader.next() == 0
    assert list(reader) == [10, 20, 30]


@of("channel.IteratorReader")
def _iterator_reader() -> None:
    reader = channel.IteratorReader(iter(range(5)))
    assert reader.next() == 0
    assert reader.read(2) == [1, 2]
    assert list(reader) == [3, 4]
    assert reader.read() == []
    wrong: Any = [1]
    with pytest.raises(ValueError, match="not an iterator"):
        channel.IteratorReader(wrong)


@of("channel.ReadOnly")
def _read_only() -> None:
    assert issubclass(channel.ReadOnly, Exception)
    assert channel.ReadOnly is util.ReadOnly


@of("channel.mkchannel")
def _mkchannel() -> None:
    writer, reader = channel.mkchannel(channel.SerialChannel)
    assert type(writer) is channel.ChannelWriter
    assert type(reader) is channel.ChannelReader
    assert writer.channel is reader.channel
    assert type(writer.channel) is channel.SerialChannel


@of("graph.Node")
def _node() -> None:
    first, second = graph.Node("first"), graph.Node()
    graph.Graph().add_edge(first, second)
    assert (first.id, str(first), second.id) == ("first", "first", None)
    assert (first.in_nodes, first.out_nodes) == ([], [second])
    assert (second.in_nodes, second.out_nodes) == ([first], [])


@of("graph.Graph")
def _graph() -> None:
    made = graph.Graph()
    a, b, c = [made.add_node(graph.Node(name)) for name in "abc"]
    assert made.nodes == [a, b, c]
    assert made.add_edge(a, b).add_edge(b, c).add_edge(a, c).add_edge(a, b) is made
    assert list(made.input_inclusive_dfirst_reversed(c)) == [a, b, c]
    with pytest.raises(ValueError, match="a"):
        made.add_edge(a, a)
    assert made.remove_node(b) is made
    assert made.remove_node(graph.Node("unknown")) is made
    assert list(made.input_inclusive_dfirst_reversed(c)) == [a, c]


@of("task.Task")
def _task() -> None:
    made: Any = task.Task("name", str, False, 2, 3)
    assert (made.fun, made.apply_single, made.min_count, made.max_chunksize) == (str, False, 2, 3)
    assert isinstance(made, graph.Node)
    writer, reader = channel.mkchannel()
    made = task.IteratorThreadTask(iter([1, 2, 0, 4]), "name", lambda n: 4 // n)
    assert made.writer() is None
    made.set_writer(writer)
    assert made.writer() is writer
    made.process(1)
    assert (made.is_done(), made.is_closed()) == (False, False)
    made.process()
    assert isinstance(made.error(), ZeroDivisionError)
    assert (made.is_done(), made.is_closed()) == (True, True)
    assert reader.read() == [4, 2]
    made = task.Task("name", None)
    made.set_done()
    assert made.is_done()
    made.close()
    assert made.is_closed()


@of("task.IteratorTaskBase")
def _iterator_task_base() -> None:
    writer, reader = channel.mkchannel()
    made = task.IteratorTaskBase(iter([1, 2]), "name", None, writer=writer)
    made.process()
    assert reader.read() == [1, 2]


@of("task.IteratorThreadTask")
def _iterator_thread_task() -> None:
    assert issubclass(task.IteratorThreadTask, (task.IteratorTaskBase, task.ThreadTaskBase))
    writer, reader = channel.mkchannel()
    task.IteratorThreadTask(iter([1, 2]), "name", str, writer=writer).process(1)
    assert reader.read(9, block=False) == ["1"]


@of("task.ChannelThreadTask")
def _channel_thread_task() -> None:
    writer, reader = channel.mkchannel()
    made: Any = task.ChannelThreadTask(reader, "name", str)
    assert issubclass(task.ChannelThreadTask, task.ThreadTaskBase)
    assert made.reader() is reader
    assert made.pool() is None
    own = pool.ThreadPool(0)
    made.set_pool(own)
    assert made.pool() is own
    made.set_read(lambda count=0, block=True, timeout=None: [])
    assert own.add_task(made).read() == []
    writer.close()


@of("task.ThreadTaskBase")
def _thread_task_base() -> None:
    assert [name for name in vars(task.ThreadTaskBase) if not name.startswith("__")] == []


@of("pool.Pool")
def _pool() -> None:
    _check_pool(pool.Pool)
    made = pool.Pool()
    # Of size 0 by default, and the methods give the pool.
    assert made.size() == 0
    reader = made.add_task(task.IteratorThreadTask(iter("ab"), "name", None))
    assert made.num_tasks() == 1
    assert made.set_size(2).remove_task(reader.task()) is made


@of("pool.ThreadPool")
def _thread_pool() -> None:
    _check_pool(pool.ThreadPool)
    made = pool.ThreadPool(3)
    assert made.size() == 3
    reader = made.add_task(task.IteratorThreadTask(iter("ab"), "name", None))
    assert made.num_tasks() == 1
    assert made.set_size(0).remove_task(reader.task()) is made


def _check_pool(kind: type[pool.Pool]) -> None:
    for size in (0, 1, 2):
        made, other = kind(size), kind(size)
        added = task.IteratorThreadTask(iter(range(5)), "name", str)
        reader = made.add_task(added)
        assert reader.read() == ["0", "1", "2", "3", "4"]
        with pytest.raises(ValueError, match="pool"):
            other.add_task(added)
        assert other.remove_task(added) is other
        with pytest.raises(ValueError, match="-1"):
            made.set_size(-1)


@of("pool.PoolReader")
def _pool_reader() -> None:
    for size in (0, 2):
        own = pool.ThreadPool(size)
        added = task.IteratorThreadTask(iter(range(9)), "name", None)
        reader = own.add_task(added)
        assert isinstance(reader, pool.PoolReader)
        assert (reader.task(), reader.pool()) == (added, own)
        assert (reader.task_ref()(), reader.pool_ref()()) == (added, own)
        assert reader.next() == 0
        asked: list[int] = []
        reader.set_pre_cb(asked.append)
        reader.set_post_cb(lambda items: [-item for item in items])
        assert reader.read(2) == [-1, -2]
        assert asked == [2]
        reader.set_pre_cb()
        reader.set_post_cb()
        assert list(reader) == [3, 4, 5, 6, 7, 8]
        assert reader.read(1) == reader.read() == []


@of("thread.TerminatableThread")
def _terminatable_thread() -> None:
    ended: list[bool] = []

    class Mine(thread.TerminatableThread):
        def run(self) -> None:
            while not self._should_terminate():
                may_look.wait()
            self._terminated()

        def _terminated(self) -> None:
            ended.append(True)

    may_look = threading.Event()
    for end in ("schedule_termination", "stop_and_join"):
        may_look.clear()
        made = Mine()
        assert made.start() is made
        if end == "schedule_termination":
            made.schedule_termination()
            may_look.set()
            made.join()
        else:
            may_look.set()
            made.stop_and_join()
        assert not made.is_alive()
    assert ended == [True, True]


@of("thread.WorkerThread")
def _worker_thread() -> None:
    done: list[Any] = []
    own: queue.Queue[Any] = queue.Queue()
    worker = thread.WorkerThread(own).start()
    assert worker.inq is own
    assert worker.shutdown_check_time_s >= 0
    worker.call(done.append, 1)
    worker.inq.put((done.append, (2,), {}))
    worker.stop_and_join()
    assert done == [1, 2]
    for end in (thread.WorkerThread.stop, thread.WorkerThread.quit):
        worker = thread.WorkerThread().start()
        worker.inq.put((end, (), {}))
        worker.join()
    # They are the worker's own too.
    assert worker.stop.__name__ == "stop"
    assert worker.quit.__name__ == "quit"


@of("thread.terminate_threads")
def _terminate_threads() -> None:
    workers: list[Any] = []

    @thread.terminate_threads
    def work(error: type[Exception] | None) -> int:
        workers.append(thread.WorkerThread().start())
        if error is not None:
            raise error
        return 3

    assert work(None) == 3
    with pytest.raises(KeyError):
        work(KeyError)
    assert not any(worker.is_alive() for worker in workers)


@of("thread.do_terminate_threads")
def _do_terminate_threads() -> None:
    first, second = thread.WorkerThread().start(), thread.WorkerThread().start()
    thread.do_terminate_threads([second])
    assert (first.is_alive(), second.is_alive()) == (False, True)
    thread.do_terminate_threads()
    assert not second.is_alive()


@of("util.AsyncQueue")
def _async_queue() -> None:
    made = util.AsyncQueue(2)
    _check_queue(made)
    with pytest.raises(queue.Empty):
        made.get(True, 0.01)
    made.put(1)
    made.put(2)
    with pytest.raises(queue.Full):
        made.put(3, False)
    assert (made.qsize(), made.empty(), made.writable()) == (2, False, True)
    assert made.set_writable(False) is True


@of("util.SyncQueue")
def _sync_queue() -> None:
    made = util.SyncQueue()
    _check_queue(made)
    made.put(1)
    assert (made.qsize(), made.empty(), made.writable()) == (1, False, True)
    assert made.get() == 1
    assert made.set_writable(False) is True


def _check_queue(made: Any) -> None:
    assert made.empty()
    made.put(1)
    assert made.qsize() == 1
    assert made.set_writable(False) is True
    assert not made.writable()
    with pytest.raises(util.ReadOnly):
        made.put(2)
    assert made.get() == 1
    with pytest.raises(queue.Empty):
        made.get()
    assert made.set_writable(True) is False


@of("util.DummyLock")
def _dummy_lock() -> None:
    lock = util.DummyLock()
    lock.acquire()
    with lock:
        lock.acquire()
    lock.release()


@of("util.HSCondition")
def _condition() -> None:
    lock = threading.Lock()
    condition = util.HSCondition(lock)
    condition.acquire()
    assert lock.locked()
    condition.release()
    seen: list[int] = []

    def wait() -> None:
        with condition:
            waiting.release()
            condition.wait()
            seen.append(1)

    waiting = threading.Semaphore(0)
    threads = [threading.Thread(target=wait) for _ in range(3)]
    for started in threads:
        started.start()
    for _ in threads:
        waiting.acquire()
    with condition:
        condition.notify()
    with condition:
        condition.notify_all()
    for started in threads:
        started.join()
    assert seen == [1, 1, 1]


@of("util.ReadOnly")
def _util_read_only() -> None:
    made = util.AsyncQueue()
    made.set_writable(False)
    with pytest.raises(util.ReadOnly):
        made.put(1)


@of("util.cpu_count")
def _cpu_count() -> None:
    assert util.cpu_count() >= 1
