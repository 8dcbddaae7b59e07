"""The engine of one machine: worker processes that are fed parts over pipes.

Not `multiprocessing`: its workers import the caller's main module again, which breaks `pv.scan` in a script without a
main guard, and one dead worker breaks its whole pool. A worker that dies takes its part with it and is replaced; how
they are started and end is told in `processes`.
"""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import threading
from typing import TYPE_CHECKING, Any

from provenance.core import registry
from provenance.core.model import Died
from provenance.core.processes import memory_limit
from provenance.core.processes.child_processes import (
    END_TIMEOUT,
    KILLED_FROM_OUTSIDE,
    Nursery,
    StartError,
    function_name,
    receive,
    send,
    wait_for_end,
)
from provenance.errors import LimitExceeded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


def count_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Worker:
    """One process, used by one thread."""

    def __init__(self, nursery: Nursery, stop: threading.Event) -> None:
        self._reason: str | None = None
        pipe, theirs = socket.socketpair()
        with pipe, theirs:
            self._process = nursery.fork(theirs, stop)
            self._pipe = pipe.makefile("rwb")

    @property
    def process(self) -> int:
        return self._process.pid

    def end(self, reason: str) -> None:
        self._reason = reason
        self._process.kill()

    def run(self, name: str, part: Any) -> Any:
        try:
            send(self._pipe, (name, part, registry.additions()))
            return receive(self._pipe)
        except (EOFError, OSError):
            code = wait_for_end(self._process)
            if self._reason is not None:
                return Died(self._reason, capped=True)
            reason = f"its process was killed by signal {-code}" if code < 0 else f"its process ended with {code}"
            return Died(reason, outside=code in KILLED_FROM_OUTSIDE)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._pipe.close()
        self._process.kill()
        wait_for_end(self._process)


class LocalEngine:
    """Worker processes on this machine.

    Args:
        workers: how many; None = one a core.
        ready: what loads what workers need; None = nothing is loaded before it is used.
    """

    def __init__(self, workers: int | None = None, ready: Callable[[], None] | None = None) -> None:
        self.workers = workers or count_cores()
        self._nursery = Nursery(function_name(ready or int))
        self._idle: list[_Worker] = []
        self._busy: dict[int, _Worker] = {}

    def map(self, function: Callable[[Any], Any], parts: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """Run a module-level function on every part.

        Args:
            function: takes one part; importable by its module's name.
            parts: picklable.

        Yields:
            The number of a part and its result, or `Died`; as they come.

        Raises:
            Exception: what the function raised, as it was.
        """
        name = function_name(function)
        waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in range(len(parts)):
            waiting.put(number)
        done: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        stop = threading.Event()
        threads: list[threading.Thread] = []
        try:
            for _ in range(min(self.workers, len(parts))):
                worker = self._idle.pop() if self._idle else None
                arguments = (worker, name, parts, waiting, done, stop)
                threads.append(threading.Thread(target=self._serve, args=arguments, daemon=True))
                threads[-1].start()
            for _ in range(len(parts)):
                number, result = done.get()
                if isinstance(result, BaseException):
                    raise result
                yield number, result
        finally:
            stop.set()
            for worker in list(self._busy.values()):
                worker.end("nobody wants its answer any more")
            for thread in threads:
                if thread.ident is not None:
                    thread.join(END_TIMEOUT)

    def _serve(
        self,
        worker: _Worker | None,
        name: str,
        parts: Sequence[Any],
        waiting: queue.SimpleQueue[int],
        done: queue.SimpleQueue[tuple[int, Any]],
        stop: threading.Event,
    ) -> None:
        while not stop.is_set():
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                break
            try:
                worker = worker if worker is not None and worker.alive else _Worker(self._nursery, stop)
                self._busy[worker.process] = worker
                if stop.is_set():
                    self._busy.pop(worker.process)
                    break
                result = worker.run(name, parts[number])
            except StartError as error:
                result = (
                    LimitExceeded(memory_limit.explain_too_little())
                    if memory_limit.is_limited()
                    else LimitExceeded(str(error))
                )
            except Exception as error:  # noqa: BLE001 - handed to the caller's thread, which raises it
                result = error
            if worker is not None:
                self._busy.pop(worker.process, None)
            if isinstance(result, Died) and worker is not None:
                worker.close()
                worker = None
                if memory_limit.is_limited() and not result.capped:  # then it says little about its part
                    result = LimitExceeded(f"{memory_limit.explain_too_little()}: {result.reason}")
            done.put((number, result))
        if worker is not None:
            self._idle.append(worker)

    def processes(self) -> list[int]:
        """Return the ids of the worker processes, idle ones too."""
        return [*list(self._busy), *(worker.process for worker in list(self._idle))]

    def end(self, process: int, reason: str) -> None:
        """End a worker process.

        Args:
            process: its id.
            reason: why; the part that it worked on has `Died` for it.
        """
        for worker in [*list(self._busy.values()), *list(self._idle)]:
            if worker.process == process:
                worker.end(reason)

    def rest(self) -> None:
        """End the worker processes that are idle."""
        while self._idle:
            self._idle.pop().close()

    def close(self) -> None:
        """End the worker processes, and what they come from."""
        self.rest()
        self._nursery.close()
