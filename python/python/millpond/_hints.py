"""What names and options of other libraries are called here: errors by habit give the way.

Names that are none are told as before, `hasattr` included: they raise :class:`AttributeError`, which says more.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

__all__ = ["OfPools", "OfReaders", "OfWriters", "explained", "missing_of_value"]

#: What to use in place of a reader's attributes that do not exist.
READERS = {
    "`read_all()`": "to_list tolist list all get_all fetchall readall readlines compute run execute result results",
    "`collect(set)`": "to_set set",
    "`collect(dict)`": "to_dict dict",
    "`read(n)`": "fetchmany get_many readn",
    "`next(reader)` or `read(1)`": "get first fetchone recv pop readline",
    "`read_async(n)` or `async for`": "aread read_all_async get_async anext to_async",
    "`take(n)`": "head limit islice first_n",
    "`take_while(f)`": "takewhile",
    "`skip(n)`": "drop tail offset",
    "`batch(n)`": "batched chunk chunked chunks group grouper buffer_count",
    "`batch(n)`, which gives lists that do not overlap": "window windowed sliding_window rolling pairwise",
    "`batch(n, within=seconds)`": "buffer_time throttle debounce",
    "`flat_map(f)`": "flatmap bind concat_map mapcat expand",
    "`flatten()`": "concat flat unnest chain_from_iterable",
    "`map(f)`, which runs in parallel and in order": "imap pmap amap parallel_map async_map map_async apply transform",
    "`map(f, ordered=False)`": "imap_unordered map_unordered uimap",
    "`starmap(f)`": "starmap_async mapstar",
    "`filter(f)`": "where keep select",
    "`filter(lambda item: not f(item))`, or `partition(f)`": "filterfalse reject remove exclude",
    "`for_each(f)`, which reads, or `tap(f)`, which adds a task": "foreach each do subscribe listen consume drain sink",
    "`tap(f)`": "peek inspect observe on_each",
    "`fold(f, start)`": "aggregate inject foldl",
    "`map(f)` with an `f` that remembers, on one worker": "accumulate scan",
    "`sum(reader)`": "sum",
    "`min(reader)`": "min",
    "`max(reader)`": "max",
    "`sorted(reader)`": "sort sorted order_by",
    "`sum(1 for _ in reader)`": "count len size",
    "`tee(n)`": "split branch broadcast fork publish share copy",
    "`partition(f)`": "partition_by group_by groupby",
    "`zip(other)`": "zip_with izip",
    "`chain(other)`": "extend concat_with append",
    "`merge(other)`": "union interleave",
    "`enumerate(start)`": "zip_with_index with_index",
    "`read_ahead=` of the task": "prefetch buffer readahead",
    "`concurrency=` of the task": "parallel workers threads par_map parallelism",
    "`retries=` of the task": "retry",
    '`on_error="skip"` or `try_map(f)`': "catch handle_errors skip_errors on_error ignore_errors",
    "`timeout=` of the task or of the read": "timeout",
    "`close()`": "cancel stop terminate shutdown kill",
}
#: What to use in place of a pool's.
POOLS = {
    "`source(items).map(f)`": "map imap pmap apply map_async amap parallel",
    "`source(items).map(f, ordered=False)`": "imap_unordered map_unordered uimap as_completed",
    "`source(items).starmap(f)`": "starmap starmap_async",
    "`source(items).filter(f)`": "filter",
    "`source(items).flat_map(f)`": "flat_map",
    "`source(items)`": "from_iterable from_list from_items stream iter read range of emit",
    "`as_executor().submit(f, …)`": "submit apply_async spawn run_async executor",
    "`channel()`": "queue pipe make_channel mkchannel",
    "`value(f, …)`, whose `get()` calls it": "delayed node call future",
    "`task(f)`": "add_task add_node",
    "a reader's `batch(n)`, which gives lists that do not overlap": "window windowed sliding_window",
    "a reader's `batch(n)`": "batch chunked",
    "`get(value, …)`": "compute gather wait run result execute",
    "a reader's `zip(other)`": "zip",
    "a reader's `tee(n)`": "tee",
    "`size`": "workers max_workers num_workers n_jobs processes set_size",
    "`close()`": "join terminate shutdown stop kill",
}
#: What to use in place of the attributes of a channel's writer.
WRITERS = {
    "`write(item)`": "put send append push add emit",
    "`try_write(item)`": "put_nowait send_nowait offer",
    "`await write_async(item)`": "aput asend aput_async put_async send_async",
    "`await write_all_async(items)`": "asend_all send_all_async put_all_async extend_async",
    "`write_all(items)`": "extend send_all put_all writelines",
    "`len(writer)`": "qsize size",
    "`capacity`": "maxsize",
    "`close()`": "done end finish shutdown complete task_done",
}
#: What to use in place of a value's. Many are names of `concurrent.futures` and `asyncio`, dask and numpy.
VALUES = {
    "`get()`": "result compute value wait execute run item load unwrap",
    "`get(timeout=seconds)`": "get_timeout result_timeout",
    "`await value`": "aresult get_async aget",
    "`done`": "is_done ready is_ready finished is_made",
    "`pool.value(f, value)`": "map then apply pipe bind and_then add_done_callback",
    "`pool.get(value, …)`": "gather join",
    "`pool.close()`, which ends all": "cancel cancelled stop",
    "`get()`, which raises it": "exception error",
}
#: What to use in place of options.
OPTIONS = {
    "`concurrency=`": "workers n_workers num_workers max_workers parallelism threads n_jobs processes jobs "
    "max_concurrency concurrent limit",
    "`max_chunksize=`": "chunksize chunk_size batch_size batchsize",
    "`read_ahead=`": "buffer buffersize buffer_size prefetch maxsize queue_size",
    "`retries=`": "retry max_retries attempts tries retry_count",
    "`retries=Retry(times, wait=seconds)`": "delay backoff retry_delay wait",
    "`on_error=`": "errors error on_exception return_exceptions skip_errors error_handler",
    "`ordered=`": "order preserve_order keep_order unordered",
    "`name=`": "label task_name desc description",
    "`timeout=`": "deadline time_limit max_time",
}
#: What to use in place of options of pools and channels, where that is something else.
OPTIONS_OF = {
    "Pool": {"`size`": OPTIONS["`concurrency=`"] + " count n"},
    "channel": {"`capacity`": "maxsize size buffer buffersize buffer_size limit bound"},
}


def _by_name(table: dict[str, str]) -> dict[str, str]:
    return {name: way for way, names in table.items() for name in names.split()}


class _Missing:
    """An attribute that does not exist."""

    __slots__ = ("_message",)

    def __init__(self, message: str) -> None:
        self._message = message

    def __get__(self, instance: object, owner: type[Any]) -> NoReturn:
        raise AttributeError(self._message)


def _told(owner: str, table: dict[str, str]) -> dict[str, Any]:
    names = _by_name(table)
    missing: dict[str, Any] = {
        name: _Missing(f"`{owner}` has no attribute `{name}`: use {way}") for name, way in names.items()
    }
    missing["__slots__"] = ()
    missing["__dir__"] = lambda self: [name for name in object.__dir__(self) if name not in names]
    return missing


# A method of these classes that is called so is found first; and no attribute that is there costs more.
if TYPE_CHECKING:

    class OfReaders:
        """What a reader does not have."""

        __slots__ = ()

    class OfPools:
        """What a pool does not have."""

        __slots__ = ()

    class OfWriters:
        """What the writer of a channel does not have."""

        __slots__ = ()

else:
    OfReaders = type("OfReaders", (), _told("PoolReader", READERS))
    OfPools = type("OfPools", (), _told("Pool", POOLS))
    OfWriters = type("OfWriters", (), _told("ChannelWriter", WRITERS))


_OF_VALUES = _by_name(VALUES)


def missing_of_value(name: str) -> str:
    """Say what a value has in place of an attribute that it does not have."""
    way = _OF_VALUES.get(name)
    return f"`Value` has no attribute `{name}`: use {way}" if way else f"'Value' object has no attribute {name!r}"


def explained(function: Callable[..., Any], owner: str) -> Callable[..., Any]:
    """Have a function say, of an option that it does not have, which one it has.

    Parameters
    ----------
    function : callable
        The function.
    owner : str
        What it is called in the table of options.
    """
    code = function.__code__
    known = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    ways = {**_by_name(OPTIONS), **_by_name(OPTIONS_OF.get(owner, {}))}

    @functools.wraps(function)
    def called(*arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except TypeError:
            # Most are about something else.
            for option in options:
                if option not in known and option in ways:
                    message = f"`{owner}` has no option `{option}`: use {ways[option]}"
                    raise TypeError(message) from None
            raise

    return called
