"""Compress files on all processors, in the order of their bytes: what pigz does, in a few lines.

    python parallel_gzip.py [FILE ...]

writes FILE.gz beside each file. Without files it compresses the source of Python's own standard library into a
temporary folder, and compares that with one worker.

A file is cut into blocks of 1 MiB, each becomes a gzip file of its own, and these, one after the other, are a gzip file
again, which every gunzip reads. The blocks come out in order though several are compressed at once, and no more of them
are in memory than the workers need: the file may be larger than the memory.
"""

from __future__ import annotations

import gzip
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from millpond import Pool

_BLOCK = 1 << 20


def blocks(file: BinaryIO) -> Iterator[bytes]:
    """Read a file in blocks."""
    while block := file.read(_BLOCK):
        yield block


def pack(block: bytes) -> bytes:
    """Compress a block. The time of day is left out, so that the same input gives the same output."""
    return gzip.compress(block, 6, mtime=0)


def compress(path: Path, packed: Path, pool: Pool) -> None:
    """Compress a file into another one, and print what came of it."""
    begin = time.perf_counter()
    with path.open("rb") as source, packed.open("wb") as sink:
        # The lock of the interpreter is not held while zlib compresses, so the workers run side by
        # side.
        for block in pool.source(blocks(source), name=path.name).map(pack):
            sink.write(block)
    seconds = time.perf_counter() - begin
    before, after = path.stat().st_size, packed.stat().st_size
    share = after / before if before else 1
    print(
        f"{path.name}: {before / 1e6:.1f} MB to {after / 1e6:.1f} MB ({share:.0%}) in {seconds:.2f} s "
        f"with {pool.size} worker{'' if pool.size == 1 else 's'}, {before / 1e6 / seconds:.0f} MB/s"
    )


def write_sample(path: Path) -> None:
    """Put Python's standard library into one file."""
    library = Path(sysconfig.get_paths()["stdlib"])
    with path.open("wb") as file:
        for source in sorted(library.glob("*.py")) + sorted(library.glob("[a-z]*/*.py")):
            if "site-packages" not in source.parts:
                file.write(source.read_bytes())


def compare() -> None:
    """Compress a sample with one worker and with all, and see that both are what they were made of."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sample = folder / "library.py"
        write_sample(sample)
        with Pool(1) as alone, Pool() as together:
            compress(sample, folder / "alone.gz", alone)
            compress(sample, folder / "together.gz", together)
        packed = (folder / "together.gz").read_bytes()
        assert packed == (folder / "alone.gz").read_bytes(), "workers changed the order"
        assert gzip.decompress(packed) == sample.read_bytes(), "the file is another one after unpacking"
        print("both are the same file, and unpack to what they were made of")


def main() -> None:
    """Compress the files on the command line, or a sample."""
    if not sys.argv[1:]:
        compare()
        return
    with Pool() as pool:
        for name in sys.argv[1:]:
            compress(Path(name), Path(name + ".gz"), pool)


if __name__ == "__main__":
    main()
