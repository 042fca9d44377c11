"""Writing that never makes the caller wait: a bounded queue, and one thread that empties it.

A disk can hang and nobody may read a pipe; then this thread hangs, and nothing else. What does not
fit into the queue is refused, and the caller counts it. Items that arrive within `gather_s` of each
other are written together: waking the thread for each costs more than writing it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class BackgroundWriter(Generic[Item]):
    """Hands items to `write`, in order and in batches, on a thread of its own.

    `write` must handle its own failures. `limit` bounds the summed weight of what is waiting and
    being written, in the caller's unit. `gather_s` is how long the first item of a batch waits for
    others, in seconds. Every method can be called from any thread.
    """

    def __init__(
        self,
        write: Callable[[list[Item]], None],
        *,
        name: str,
        limit: int,
        gather_s: float = 0.0,
    ) -> None:
        self._write = write
        self._limit = limit
        self._gather_s = gather_s
        self._waiting: list[Item] = []
        self._waiting_weight = 0
        self._writing_weight = 0
        self._writing = False
        self._closed = False
        self._flushers = 0
        lock = threading.Lock()
        self._lock = lock
        self._idle = threading.Condition(lock)
        """The thread has nothing to do; the next item wakes it."""
        self._gathering = threading.Condition(lock)
        """The thread lets items come together; somebody in a hurry wakes it."""
        self._written = threading.Condition(lock)
        # A daemon thread: a write that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, item: Item, weight: int) -> bool:
        """Queue the item. False where it does not fit, or after `close`; never waits.

        An item of weight 0 always fits. An item heavier than the limit fits into an empty queue.
        """
        with self._lock:
            held = self._waiting_weight + self._writing_weight
            if self._closed or (held and weight and held + weight > self._limit):
                return False
            self._waiting.append(item)
            self._waiting_weight += weight
            self._idle.notify()
            return True

    def flush(self, seconds: float) -> bool:
        """Wait until nothing is waiting or being written; False where that takes longer."""
        deadline = time.monotonic() + seconds
        with self._lock:
            self._flushers += 1
            self._gathering.notify()
            try:
                while self._waiting or self._writing:
                    left = deadline - time.monotonic()
                    if left <= 0:
                        return False
                    self._written.wait(left)
                return True
            finally:
                self._flushers -= 1

    def close(self, seconds: float) -> bool:
        """Take nothing more, and give the thread this long to write the rest."""
        with self._lock:
            self._closed = True
            self._idle.notify()
            self._gathering.notify()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while batch := self._next_batch():
            try:
                self._write(batch)
            finally:
                with self._lock:
                    self._writing = False
                    self._writing_weight = 0
                    self._written.notify_all()

    def _next_batch(self) -> list[Item]:
        """Everything that waits; nothing once the queue is closed and empty."""
        with self._lock:
            while not self._waiting and not self._closed:
                self._idle.wait()
            if self._gather_s and not self._closed and not self._flushers:
                self._gathering.wait(self._gather_s)
            batch, self._waiting = self._waiting, []
            self._writing_weight, self._waiting_weight = self._waiting_weight, 0
            self._writing = bool(batch)
            return batch
