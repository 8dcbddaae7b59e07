"""The engine of one machine: worker processes that are fed parts over pipes.

Not `multiprocessing`: its workers import the caller's main module again, which breaks `pv.scan` in a script without a
main guard, and one dead worker breaks its whole pool. Here `python -m provenance.engines.local` is a *nursery*: it
imports and loads once what workers need, and forks one in milliseconds whenever it is asked to. It forks between two
requests only, when no thread of a library does or holds anything; numpy and Arrow start theirs anew in what is forked.
Where forking is not safe at all, every worker is started anew. A worker that dies takes its part with it and is
replaced. What passes the pipes is pickled by this program for itself; data is never unpickled.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import socket
import subprocess
import sys
import threading
import warnings
from collections import defaultdict
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from provenance import imports
from provenance.model import Died

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from io import BufferedRWPair

_SIZE = 8  # bytes of the length before each message, and of a number that a nursery is told or tells
_FORKS = sys.platform == "linux"
_ALIVE = 1 << 32  # in place of the exit code of a process that has not ended
_FORK, _WAIT, _POLL = b"f", b"w", b"p"  # what a nursery is asked for


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Process(Protocol):
    """A process that was started, as `subprocess.Popen` has it."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self) -> int: ...

    def kill(self) -> None: ...


def _started(ready: str, pipe: socket.socket) -> subprocess.Popen[bytes]:
    """Start a process that is asked over a pipe: a nursery if there is something to get ready, else a worker."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "provenance.engines.local", ready],  # -P: nothing is imported from where we stand
        stdin=pipe.fileno(),
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)},
    )


class _Nursery:
    """A process of which workers are forked; it is started when the first one is asked for.

    Args:
        ready: the name of what it does first, `module:function`; what that loads, every worker has.
    """

    def __init__(self, ready: str) -> None:
        self._ready = ready
        self._lock = threading.Lock()
        self._pipe: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def fork(self, pipe: socket.socket) -> _Process:
        """Start a worker that is asked over a pipe: anew where forking is not safe, or the nursery has died."""
        if _FORKS:
            with contextlib.suppress(OSError), self._lock:
                self._begin()
                return _Forked(self._asked(_FORK, pipe=pipe), self)
        return _started("", pipe)

    def _begin(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self._end()
        self._pipe, theirs = socket.socketpair()
        with theirs:
            self._process = _started(self._ready, theirs)

    def ask(self, what: bytes, process: int) -> int | None:
        """Wait for a worker, or look whether it has ended; return its exit code, None while it has none."""
        with self._lock:
            try:
                code = self._asked(what, process)
            except OSError:
                return -signal.SIGKILL  # whoever ended the nursery has ended what it knew
            return None if code == _ALIVE else code

    def _asked(self, what: bytes, process: int = 0, pipe: socket.socket | None = None) -> int:
        if self._pipe is None:
            raise BrokenPipeError
        message = what + process.to_bytes(_SIZE, "little")
        socket.send_fds(self._pipe, [message], [pipe.fileno()] if pipe is not None else [])
        answer = self._pipe.recv(_SIZE)
        if len(answer) < _SIZE:
            raise BrokenPipeError
        return int.from_bytes(answer, "little", signed=True)

    def close(self) -> None:
        """End the nursery; its workers have ended."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._process is not None and self._pipe is not None:
            self._pipe.close()
            self._process.wait()
            self._process = self._pipe = None


class _Forked:
    """A process that a nursery forked."""

    def __init__(self, pid: int, nursery: _Nursery) -> None:
        self.pid, self._nursery = pid, nursery
        self._code: int | None = None

    def poll(self) -> int | None:
        if self._code is None:
            self._code = self._nursery.ask(_POLL, self.pid)
        return self._code

    def wait(self) -> int:
        if self._code is None:
            self._code = self._nursery.ask(_WAIT, self.pid)
        return self._code or 0

    def kill(self) -> None:
        if self._code is None:  # until its nursery has waited for it, no other process has its number
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)


class _Worker:
    """One process, used by one thread."""

    def __init__(self, nursery: _Nursery) -> None:
        self._reason: str | None = None
        pipe, theirs = socket.socketpair()
        with pipe, theirs:
            self._process = nursery.fork(theirs)
            self._pipe = pipe.makefile("rwb")

    @property
    def process(self) -> int:
        return self._process.pid

    def end(self, reason: str) -> None:
        self._reason = reason
        self._process.kill()

    def run(self, name: str, part: Any) -> Any:
        try:
            _send(self._pipe, (name, part))
            return _receive(self._pipe)
        except (EOFError, OSError):
            code = self._process.wait()
            if self._reason is not None:
                return Died(self._reason, capped=True)
            return Died(f"its process was killed by signal {-code}" if code < 0 else f"its process ended with {code}")

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._pipe.close()
        self._process.kill()
        self._process.wait()


class Local:
    """Worker processes on this machine.

    Args:
        workers: how many; None = one a core.
        ready: what loads what workers need; None = nothing is loaded before it is used.
    """

    def __init__(self, workers: int | None = None, ready: Callable[[], None] | None = None) -> None:
        self.workers = workers or cores()
        self._nursery = _Nursery(_name(ready or int))
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
        name = _name(function)
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
                worker = worker if worker is not None and worker.alive else _Worker(self._nursery)
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
        self._nursery.close()


def _name(function: Callable[..., Any]) -> str:
    return f"{function.__module__}:{function.__qualname__}"


def _named(name: str) -> Any:
    module, function = name.split(":", 1)
    return getattr(import_module(module), function)


def _send(pipe: BufferedRWPair, value: Any) -> None:
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(len(data).to_bytes(_SIZE, "little") + data)
    pipe.flush()


def _receive(pipe: BufferedRWPair) -> Any:
    size = pipe.read(_SIZE)
    if len(size) < _SIZE:
        raise EOFError
    data = pipe.read(int.from_bytes(size, "little"))
    return pickle.loads(data)  # noqa: S301 - from our own worker, never from data


def serve(ready: str) -> None:
    """Answer what comes in over standard input until the caller closes it: the whole life of a process.

    Args:
        ready: as for `_Nursery`; empty for a worker that is not forked.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller decides what an interrupt means
    imports.leave_out()
    pipe = socket.socket(fileno=os.dup(0))
    os.dup2(2, 1)  # whatever a library prints must not end up where the caller prints
    if not ready:
        _work(pipe)
        return
    warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12 on, that threads are there when it forks
    with contextlib.suppress(Exception):  # what cannot be got ready is loaded when it is used
        _named(ready)()
    while (asked := socket.recv_fds(pipe, _SIZE + 1, 1))[0]:
        message, pipes, _, _ = asked
        _tell(pipe, message, pipes)


def _tell(pipe: socket.socket, message: bytes, pipes: Sequence[int]) -> None:
    """Answer the caller of a nursery: fork a worker, or say how one ended."""
    process = int.from_bytes(message[1:], "little")
    if message[:1] == _FORK:
        answer = os.fork()
        if not answer:
            pipe.close()
            with contextlib.suppress(OSError):  # the caller has gone
                _work(socket.socket(fileno=pipes[0]))
            os._exit(0)
        os.close(pipes[0])
    else:
        ended, status = os.waitpid(process, os.WNOHANG if message[:1] == _POLL else 0)
        answer = os.waitstatus_to_exitcode(status) if ended else _ALIVE
    pipe.sendall(answer.to_bytes(_SIZE, "little", signed=True))


def _work(pipe: socket.socket) -> None:
    """Answer requests until the caller closes the pipe: a worker's whole life."""
    with pipe, pipe.makefile("rwb") as requests:
        while True:
            try:
                name, part = _receive(requests)
            except EOFError:
                return
            try:
                result = _named(name)(part)
            except Exception as error:  # noqa: BLE001 - sent to the caller, who raises it
                result = error
            _answer(requests, result)


def _answer(pipe: BufferedRWPair, result: Any) -> None:
    try:
        _send(pipe, result)
    except (pickle.PicklingError, TypeError, AttributeError):
        _send(pipe, RuntimeError(f"{type(result).__name__}: {result}"))


if __name__ == "__main__":
    serve(sys.argv[1])
