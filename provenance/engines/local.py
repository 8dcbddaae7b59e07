"""The engine of one machine: worker processes that are fed parts over pipes.

Not `multiprocessing`: its workers import the caller's main module again, which breaks `pv.scan` in a script without a
main guard, and one dead worker breaks its whole pool. Here a worker is `python -m provenance.engines.local`; one that
dies takes its part with it and is replaced. What passes the pipes is pickled by this program for itself; data is never
unpickled.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from importlib import import_module
from typing import IO, TYPE_CHECKING, Any

from provenance.model import Died

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_SIZE = 8  # bytes of the length before each message


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Worker:
    """One process, used by one thread."""

    def __init__(self) -> None:
        self._reason: str | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "provenance.engines.local"],  # -P: nothing is imported from where we stand
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)},
        )

    @property
    def process(self) -> int:
        return self._process.pid

    def end(self, reason: str) -> None:
        self._reason = reason
        self._process.kill()

    def run(self, name: str, part: Any) -> Any:
        if self._process.stdin is None or self._process.stdout is None:
            return Died("its process has no pipes")
        try:
            _send(self._process.stdin, (name, part))
            return _receive(self._process.stdout)
        except (EOFError, OSError):
            code = self._process.wait()
            if self._reason is not None:
                return Died(self._reason, capped=True)
            return Died(f"its process was killed by signal {-code}" if code < 0 else f"its process ended with {code}")

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        with contextlib.suppress(OSError):
            self._process.terminate()
        self._process.wait()


class Local:
    """Worker processes on this machine.

    Args:
        workers: how many; None = one a core.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or cores()
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
        name = f"{function.__module__}:{function.__qualname__}"
        waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in range(len(parts)):
            waiting.put(number)
        done: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        stop = threading.Event()
        workers = [self._idle.pop() if self._idle else None for _ in range(min(self.workers, len(parts)))]
        threads = [
            threading.Thread(target=self._serve, args=(worker, name, parts, waiting, done, stop), daemon=True)
            for worker in workers
        ]
        for thread in threads:
            thread.start()
        try:
            for _ in range(len(parts)):
                number, result = done.get()
                if isinstance(result, BaseException):
                    raise result
                yield number, result
        finally:
            stop.set()
            for thread in threads:
                thread.join()

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
                worker = worker if worker is not None and worker.alive else _Worker()
                self._busy[worker.process] = worker
                result = worker.run(name, parts[number])
            except Exception as error:  # noqa: BLE001 - handed to the caller's thread, which raises it
                result = error
            if worker is not None:
                self._busy.pop(worker.process, None)
            if isinstance(result, Died) and worker is not None:
                worker.close()
                worker = None
            done.put((number, result))
        if worker is not None:
            self._idle.append(worker)

    def exchange(self, parts: Iterable[Any], key: Callable[[Any], Any]) -> dict[Any, list[Any]]:
        """Bring together the parts that share a key.

        Args:
            parts: results of `map`, small: what is large stays in files that they name.
            key: of one part.

        Returns:
            The parts by key, in the order given.
        """
        together: dict[Any, list[Any]] = defaultdict(list)
        for part in parts:
            together[key(part)].append(part)
        return dict(together)

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

    def close(self) -> None:
        """End the worker processes."""
        while self._idle:
            self._idle.pop().close()


def _send(pipe: IO[bytes], value: Any) -> None:
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(len(data).to_bytes(_SIZE, "little") + data)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> Any:
    size = pipe.read(_SIZE)
    if len(size) < _SIZE:
        raise EOFError
    data = pipe.read(int.from_bytes(size, "little"))
    return pickle.loads(data)  # noqa: S301 - from our own worker, never from data


class _WithoutPandas:
    """Hides pandas from a worker: pyarrow would import it, which takes half a second, and nothing there needs it."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:  # noqa: ARG004 - the finder's signature
        if name == "pandas":
            raise ModuleNotFoundError("a worker makes no DataFrames", name=name)


def serve() -> None:
    """Answer requests until the caller closes the pipe: the worker's whole life."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller decides what an interrupt means
    sys.meta_path.insert(0, _WithoutPandas())
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not end up in an answer
    while True:
        try:
            name, part = _receive(requests)
        except EOFError:
            return
        module, function = name.split(":", 1)
        try:
            result = getattr(import_module(module), function)(part)
        except Exception as error:  # noqa: BLE001 - sent to the caller, who raises it
            result = error
        _answer(answers, result)


def _answer(pipe: IO[bytes], result: Any) -> None:
    try:
        _send(pipe, result)
    except (pickle.PicklingError, TypeError, AttributeError):
        _send(pipe, RuntimeError(f"{type(result).__name__}: {result}"))


if __name__ == "__main__":
    serve()
