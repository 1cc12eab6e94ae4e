"""The application: clients that read, update and insert orders as fast as the server answers.

They run in a process of their own, so that what this process does never slows them down.
"""

from __future__ import annotations

import multiprocessing
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe

import psycopg

_FIRST_NEW_ID = 1_000_000_000
_READ = "SELECT status, amount FROM public.orders WHERE id = %s"
_UPDATE = "UPDATE public.orders SET quantity = quantity + 1 WHERE id = %s"
_INSERT = (
    "INSERT INTO public.orders (id, customer_id, number, quantity, status, amount, note)"
    " VALUES (%(id)s, 1 + %(id)s %% 1000, %(id)s, 1, 'open', 1, 'new')"
)


@dataclass(slots=True)
class Served:
    """What the clients saw."""

    latencies_ms: list[float] = field(default_factory=list)
    """Of each transaction, sorted."""
    errors: list[str] = field(default_factory=list)
    """SQLSTATE of each failed transaction."""
    seconds: float = 0.0

    @property
    def worst_ms(self) -> float:
        """The longest that a client waited for one answer."""
        return self.latencies_ms[-1] if self.latencies_ms else 0.0

    @property
    def p999_ms(self) -> float:
        """The wait that one of 1,000 transactions exceeds."""
        return self.latencies_ms[int(len(self.latencies_ms) * 0.999)] if self.latencies_ms else 0.0

    @property
    def per_second(self) -> float:
        """Transactions that were committed per second."""
        return len(self.latencies_ms) / self.seconds if self.seconds else 0.0


@dataclass(slots=True)
class Load:
    """Clients at work; `served` is filled when they have ended."""

    served: Served = field(default_factory=Served)


@contextmanager
def clients(url: str, rows: int, count: int) -> Iterator[Load]:
    """Run `count` clients on a table of `rows` rows until the block ends."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(url, rows, count, theirs), daemon=True)
    process.start()
    theirs.close()
    load = Load()
    try:
        ours.recv()  # every client is connected
        yield load
        ours.send("stop")
        load.served = ours.recv()
    finally:
        process.join(30)
        process.kill()


def _work(url: str, rows: int, count: int, pipe: Pipe) -> None:
    stop = threading.Event()
    served = Served()
    connections = [psycopg.connect(url, autocommit=True) for _ in range(count)]
    threads = [
        threading.Thread(target=_client, args=(connection, rows, number, served, stop))
        for number, connection in enumerate(connections)
    ]
    pipe.send("ready")
    start = time.monotonic()
    for thread in threads:
        thread.start()
    pipe.recv()
    stop.set()
    for thread in threads:
        thread.join()
    served.seconds = time.monotonic() - start
    served.latencies_ms.sort()
    pipe.send(served)


def _client(
    connection: psycopg.Connection[tuple[object, ...]],
    rows: int,
    number: int,
    served: Served,
    stop: threading.Event,
) -> None:
    chosen = random.Random(number)
    new_id = _FIRST_NEW_ID * (number + 1) + time.time_ns() % 100_000_000
    while not stop.is_set():
        begun = time.monotonic()
        try:
            with connection.transaction():
                connection.execute(_READ, (chosen.randint(1, rows),))
                connection.execute(_UPDATE, (chosen.randint(1, rows),))
                if chosen.random() < 0.3:
                    new_id += 1
                    connection.execute(_INSERT, {"id": new_id})
        except psycopg.Error as error:
            served.errors.append(error.sqlstate or type(error).__name__)
        else:
            served.latencies_ms.append((time.monotonic() - begun) * 1000)
