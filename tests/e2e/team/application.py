"""A small application: clients that read and write one database until their standard input ends.

Run as a program of its own, `python application.py URL SECONDS`. It says `ready` when every client has done
its first round, and at the end prints as JSON what was committed (`Ledger`). It knows the columns of the
schema's first version only, and waits for a lock no longer than a request may take.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import count
from random import Random
from typing import Any

import psycopg

CUSTOMERS = 50
WRITERS = 3
READERS = 2
OPTIONS = "-c lock_timeout=10s -c statement_timeout=15s"
"""What a request may take. A run waits for a lock for less than a second at a time, so nothing gets near."""


@dataclass(slots=True)
class Ledger:
    """What the application knows to be true."""

    orders: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Each committed order by its note: customer and amount."""
    paid: list[str] = field(default_factory=list)
    """Orders whose status was then changed."""
    reads: int = 0
    wrong: list[str] = field(default_factory=list)
    """Reads that did not see what had been committed."""
    errors: list[str] = field(default_factory=list)
    """SQLSTATE and class of every statement that failed."""


@dataclass(slots=True)
class Application:
    """Clients on connections of their own, and one ledger."""

    url: str
    ledger: Ledger = field(default_factory=Ledger)
    stop: threading.Event = field(default_factory=threading.Event)
    ready: threading.Barrier = field(default_factory=lambda: threading.Barrier(WRITERS + READERS + 1))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def client(self, number: int, work: Callable[[psycopg.Connection[Any], Random, str], None]) -> None:
        """Do rounds of that work until the end; after an error on a new connection."""
        random, rounds = Random(number), count(1)
        is_first = True
        while not self.stop.is_set():
            try:
                with psycopg.connect(self.url, options=OPTIONS) as connection:
                    while not self.stop.is_set():
                        work(connection, random, f"{number}-{next(rounds)}")
                        if is_first:
                            is_first = False
                            self.ready.wait(30)
                        time.sleep(0.01)
            except psycopg.Error as error:
                with self.lock:
                    self.ledger.errors.append(f"{error.sqlstate} {type(error).__name__}: {error}")
                time.sleep(0.1)

    def write(self, connection: psycopg.Connection[Any], random: Random, note: str) -> None:
        """An order and the customer's balance in one transaction, then a payment in another."""
        customer, amount = random.randint(1, CUSTOMERS), random.randint(1, 100)
        with connection.transaction():
            connection.execute(
                "INSERT INTO orders (customer_id, amount, note) VALUES (%s, %s, %s)", (customer, amount, note)
            )
            connection.execute(
                "UPDATE customers SET balance = balance + %s WHERE id = %s", (amount, customer)
            )
        with self.lock:
            self.ledger.orders[note] = (customer, amount)
        if random.random() < 0.5:
            with connection.transaction():
                connection.execute("UPDATE orders SET status = 'paid' WHERE note = %s", (note,))
            with self.lock:
                self.ledger.paid.append(note)

    def read(self, connection: psycopg.Connection[Any], random: Random, _note: str) -> None:
        """An order that is known to be there, by way of its customer."""
        with self.lock:
            note = random.choice([*self.ledger.orders, ""])
            wanted = self.ledger.orders.get(note)
        with connection.transaction():
            found = connection.execute(
                "SELECT c.id, o.amount FROM customers AS c JOIN orders AS o ON o.customer_id = c.id"
                " WHERE o.note = %s AND c.email LIKE '%%@example.org' AND c.name <> ''",
                (note,),
            ).fetchall()
        with self.lock:
            self.ledger.reads += 1
            if found != ([wanted] if wanted else []):
                self.ledger.wrong.append(f"order {note}: wanted {wanted}, found {found}")

    def run(self, seconds: float) -> Ledger:
        """Serve until standard input ends, or that time is over."""
        works = [self.write] * WRITERS + [self.read] * READERS
        clients = [
            threading.Thread(target=self.client, args=(number, work)) for number, work in enumerate(works)
        ]
        for client in clients:
            client.start()
        bound = threading.Timer(seconds, self.stop.set)
        bound.daemon = True
        bound.start()
        threading.Thread(target=self._listen, daemon=True).start()
        self.ready.wait(30)
        print("ready", flush=True)
        for client in clients:
            client.join()
        return self.ledger

    def _listen(self) -> None:
        sys.stdin.read()
        self.stop.set()


if __name__ == "__main__":
    ended = Application(sys.argv[1]).run(float(sys.argv[2]))
    print(json.dumps(asdict(ended)), flush=True)
