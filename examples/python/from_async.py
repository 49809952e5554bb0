"""A store of git objects in the shape that gitdb had, moved from the package `async` to millpond.

    python from_async.py [FOLDER]

puts the files of a folder (that of Python's package `json` by default) into a store of loose objects, and asks it what
they are. Its methods take a reader and return a reader, each adds a task to the one pool that all share, and callbacks
convert what comes out of one into what goes into the next. Nothing happens until the last of them is read.

All that had to change is where the names come from, since `async` is a keyword by now:

    from async.pool import ThreadPool                ->  from millpond.classic.pool import ThreadPool
    from async.task import ChannelThreadTask         ->  from millpond.classic.task import ChannelThreadTask
    from async.channel import IteratorReader         ->  from millpond.classic.channel import IteratorReader

With the pool of the last release everything ran in the caller; here `ThreadPool(2)` has two workers.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

from millpond.classic.channel import IteratorReader, Reader
from millpond.classic.pool import PoolReader, ThreadPool
from millpond.classic.task import ChannelThreadTask

#: The pool that everything shares.
pool = ThreadPool(2)


class Stream(NamedTuple):
    """A file on its way into the store, or out of it."""

    name: str
    data: bytes
    sha: str = ""


class Info(NamedTuple):
    """What the store knows of an object without giving its data."""

    sha: str
    kind: str
    size: int
    packed: int


class LooseStore:
    """Objects as git keeps them, each in a file of its own.

    Parameters
    ----------
    folder : Path
        Where.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, sha: str) -> Path:
        return self._folder / sha[:2] / sha[2:]

    def store(self, stream: Stream) -> Stream:
        """Put a file into the store."""
        data = b"blob %d\0" % len(stream.data) + stream.data
        sha = hashlib.sha1(data).hexdigest()
        path = self._path(sha)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(zlib.compress(data))
        return stream._replace(sha=sha)

    def info(self, sha: str) -> Info:
        """Tell what an object is."""
        packed = self._path(sha).read_bytes()
        head = zlib.decompressobj().decompress(packed, 64).split(b"\0", 1)[0].decode()
        kind, size = head.split(" ")
        return Info(sha, kind, int(size), len(packed))

    def stream(self, sha: str) -> Stream:
        """Take a file out of the store."""
        return Stream("", zlib.decompress(self._path(sha).read_bytes()).split(b"\0", 1)[1], sha)

    # The same for readers of streams and names: what goes in and what comes out is a reader.

    def store_async(self, reader: Reader) -> PoolReader:
        """Put files into the store."""
        return pool.add_task(ChannelThreadTask(reader, "store", self.store))

    def info_async(self, reader: Reader) -> PoolReader:
        """Tell what objects are."""
        return pool.add_task(ChannelThreadTask(reader, "info", self.info))

    def stream_async(self, reader: Reader) -> PoolReader:
        """Take files out of the store."""
        return pool.add_task(ChannelThreadTask(reader, "stream", self.stream))


def names_of(streams: list[Any]) -> list[Any]:
    """Convert streams into the names under which the store knows them."""
    return [stream.sha for stream in streams]


def main() -> None:
    """Store the files of the folder on the command line, and take them out again."""
    folder = Path(sys.argv[1]) if sys.argv[1:] else Path(json.__file__).parent
    paths = sorted(path for path in folder.glob("*") if path.is_file())
    with tempfile.TemporaryDirectory() as place:
        store = LooseStore(Path(place))

        # From files to stored objects to what the store says of them: two tasks, of which none runs
        # so far.
        stored = store.store_async(IteratorReader(Stream(path.name, path.read_bytes()) for path in paths))
        stored.set_post_cb(names_of)
        infos = store.info_async(stored)
        print(f"{pool.num_tasks()} tasks in a pool of {pool.size()}, {len(list(Path(place).iterdir()))} folders made")

        shas = []
        for path, info in zip(paths, infos):
            shas.append(info.sha)
            print(f"{info.sha[:10]}  {info.kind}  {info.size:>8,} bytes, {info.packed:>7,} packed  {path.name}")

        # Back again, and see whether it is what went in.
        streams = store.stream_async(IteratorReader(iter(shas)))
        assert streams.read(1)[0].data == paths[0].read_bytes()
        assert [stream.data for stream in streams] == [path.read_bytes() for path in paths[1:]]
        print(f"{len(paths)} files came out as they went in")

        # An object that is not there: the error comes out of the read.
        try:
            store.info_async(IteratorReader(iter(["0" * 40]))).read(1)
        except FileNotFoundError as error:
            print(f"as it should, asking for what is not there raises {type(error).__name__}")


if __name__ == "__main__":
    main()
