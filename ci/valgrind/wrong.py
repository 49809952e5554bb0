"""Do what valgrind must find, or it would find nothing in the module either: ``python wrong.py leak`` or ``read``."""

import ctypes
import sys

from millpond import Pool

if sys.argv[1] == "leak":
    # Items that a function made as the module called it, with a reference each that nobody gives
    # back. Objects that the collector knows are on its lists, and so reachable; these are not.
    for item in Pool(0).source(range(10)).map(lambda number: bytes(100 + number)).read_all():
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(item))
    del item
else:
    c = ctypes.CDLL(None)
    c.malloc.restype = ctypes.c_void_p
    block = ctypes.c_void_p(c.malloc(64))
    c.free(block)
    ctypes.string_at(block, 16)
