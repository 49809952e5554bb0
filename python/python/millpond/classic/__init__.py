"""The interface of the package ``async``, on this engine.

``from async.pool import ThreadPool`` becomes ``from millpond.classic.pool import ThreadPool``, and likewise for the
modules ``channel``, ``graph``, ``task``, ``thread`` and ``util``. Names and arguments are the same; what was wrong
there is right here: reads are complete and in order whatever the tasks do, errors come out of reads, and workers work.

New programs do better with :class:`millpond.Pool`, whose readers do all this with less.
"""
