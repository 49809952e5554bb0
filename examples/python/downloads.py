"""Download many files at once with coroutines, try again what fails, and keep the order.

    python downloads.py [URL ...]

downloads these (http only) and prints their sizes and digests. Without any it starts a server of its own, on a free
port of this machine, that serves the source of Python's package `email`, and turns away every fifth request.

The function of a task may be a coroutine function: so many calls are under way at once as `concurrency` says, on one
event loop, and the results come out in the order of the addresses.
"""

from __future__ import annotations

import asyncio
import email
import functools
import hashlib
import itertools
import sys
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from millpond import Pool, Retry


class Page(NamedTuple):
    """What an address gave."""

    url: str
    body: bytes


async def fetch(url: str) -> Page:
    """Get what is at an address, with the least of HTTP."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    try:
        request = f"GET {parts.path or '/'} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n"
        writer.write(request.encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
        await writer.wait_closed()
    status = head.split(b"\r\n", 1)[0].split(b" ", 1)[1].decode()
    if not status.startswith("200"):
        raise OSError(f"{url}: {status}")
    return Page(url, body)


async def download(urls: list[str]) -> None:
    """Download, printing each page when it and those before it are there."""
    begin = time.perf_counter()
    size = 0
    with Pool() as pool:
        pages = pool.source(urls).map(fetch, concurrency=20, retries=Retry(3, wait=0.02, doubling=True), timeout=10)
        # The digests are made by the pool's workers, while this waits.
        digests = pages.map(lambda page: (page, hashlib.sha256(page.body).hexdigest()))
        async for page, digest in digests:
            size += len(page.body)
            print(f"{digest[:12]}  {len(page.body):>8,}  {page.url}")
    print(f"{len(urls)} pages, {size / 1e3:,.1f} KB, {(time.perf_counter() - begin) * 1e3:.0f} ms")


class Reluctant(SimpleHTTPRequestHandler):
    """Serves files after some milliseconds, and turns away every fifth request."""

    requests = itertools.count(1)
    turned_away = 0
    lock = threading.Lock()
    at_once = 0
    most_at_once = 0

    def do_GET(self) -> None:
        """Answer a request."""
        with Reluctant.lock:
            Reluctant.at_once += 1
            Reluctant.most_at_once = max(Reluctant.most_at_once, Reluctant.at_once)
        try:
            self.answer()
        finally:
            with Reluctant.lock:
                Reluctant.at_once -= 1

    def answer(self) -> None:
        """Answer, or turn away."""
        time.sleep(0.01)
        if next(Reluctant.requests) % 5 == 0:
            Reluctant.turned_away += 1
            self.send_error(503, "come again")
        else:
            super().do_GET()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""


def serve_and_download() -> None:
    """Download from a server that this starts."""
    folder = Path(email.__file__).parent
    handler = functools.partial(Reluctant, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            names = sorted(path.name for path in folder.glob("*.py"))
            port = server.server_address[1]
            asyncio.run(download([f"http://127.0.0.1:{port}/{name}" for name in names]))
        finally:
            server.shutdown()
    print(f"{Reluctant.turned_away} requests were turned away and made again")
    print(f"up to {Reluctant.most_at_once} requests were under way at once")


def main() -> None:
    """Download what is on the command line, or from a server of its own."""
    if sys.argv[1:]:
        asyncio.run(download(sys.argv[1:]))
    else:
        serve_and_download()


if __name__ == "__main__":
    main()
