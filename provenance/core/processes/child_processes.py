"""Processes of ours: how they are started, what ends with what, and what they do.

`python -m provenance.core.processes.child_processes` is a *nursery*: it imports and loads once what workers need, and
forks one in milliseconds whenever it is asked to. It forks between two requests only, when no thread of a library does
or holds anything; numpy and Arrow start theirs anew in what is forked. Where forking is not safe at all, every worker
is started anew.

Nobody waits for ever, and nothing is left. Each end of a pipe is held by one process alone, so whoever dies is noticed
at the other end: the nursery ends when its caller does, the kernel ends workers with their nursery (PR_SET_PDEATHSIG,
prctl(2)), and a worker that was started anew watches its pipe. Signals that ask a process to end are the caller's to
hear. What passes the pipes is pickled by this program for itself; data is never unpickled.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from provenance.core import registry
from provenance.core.processes import blocked_imports, environment, shipped_kernels
from provenance.core.scratch import scratch_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from io import BufferedRWPair

LENGTH_BYTES = 8
"""Bytes of the length before each message, and of a number that a nursery is told or tells."""

END_TIMEOUT = 10.0
"""Seconds to wait for a process to end that was killed, or whose pipe was closed."""

_FORKS = sys.platform == "linux"
_STILL_ALIVE = 1 << 32  # in place of the exit code of a process that has not ended
_FORK, _POLL = b"f", b"p"  # what a nursery is asked for
_POLL_INTERVAL = 0.25  # seconds between two looks at a process that does not answer
_START_TRIES = 3  # of a nursery, until it is said not to start
_EXIT_UNSTARTED = 71  # exit code of a process of ours that could not begin (EX_OSERR)
CALLER_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name)]
"""Signals that ask a process to end."""
_PR_SET_PDEATHSIG = 1


KILLED_FROM_OUTSIDE = frozenset({-signal.SIGKILL, -signal.SIGTERM})
"""Exit codes of a process that somebody else ended, such as the system where memory is short: none ends itself so."""

MOST_KILLS = 2
"""How often work is done again of which somebody else ended the process."""


class StartError(OSError):
    """A nursery ended before it had loaded what workers need."""


class Process(Protocol):
    """A process that was started, as `subprocess.Popen` has it."""

    @property
    def pid(self) -> int:
        """Its number."""

    def poll(self) -> int | None:
        """Return its exit code, None while it has none."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, some seconds at most, and return its exit code."""

    def kill(self) -> None:
        """End it at once."""


def send(pipe: BufferedRWPair, value: Any) -> None:
    """Send a value to a process of ours.

    Args:
        pipe: between the two.
        value: picklable.
    """
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(len(data).to_bytes(LENGTH_BYTES, "little") + data)
    pipe.flush()


def receive(pipe: BufferedRWPair) -> Any:
    """Receive what `send` sent.

    Args:
        pipe: between the two.

    Raises:
        EOFError: the other process has gone, perhaps in the middle.
    """
    size = pipe.read(LENGTH_BYTES)
    if len(size) < LENGTH_BYTES:
        raise EOFError
    data = pipe.read(count := int.from_bytes(size, "little"))
    if len(data) < count:
        raise EOFError
    return pickle.loads(data)  # noqa: S301 - from our own worker, never from data


def wait_for_end(process: Process) -> int:
    """Wait for a process that was killed, or that ends since its pipe was closed; return its exit code."""
    try:
        return process.wait(END_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        return process.wait(END_TIMEOUT)
    return -signal.SIGKILL  # it waits for a disk, and ends when that answers


def _start_process(ready: str, pipe: socket.socket) -> subprocess.Popen[bytes]:
    """Start a process that is asked over a pipe: a nursery if there is something to get ready, else a worker."""
    # What a library says before it gives up is no sentence for people; its caller says one.
    output = None if os.environ.get("PROVENANCE_TRACEBACK") else subprocess.DEVNULL
    return subprocess.Popen(
        [
            sys.executable,
            "-P",
            "-m",
            "provenance.core.processes.child_processes",
            ready,
        ],  # -P: nothing is imported from where we stand
        stdin=pipe.fileno(),
        stdout=output,
        stderr=output,
        env=_environment(),
    )


def start_module(module: str, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a process that runs a module of ours and is asked over its standard input.

    Args:
        module: its name.
        settings: variables that it has beside our own; secrets it has none.
    """
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module],  # -P: nothing is imported from where we stand
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment() | dict(settings),
    )


def _environment() -> dict[str, str]:
    return environment.environment_without_secrets() | {"PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)}


_prepared: dict[str, tuple[subprocess.Popen[bytes], socket.socket]] = {}


def prepare(ready: str) -> None:
    """Start a nursery before somebody asks for its first worker, so that it loads on another core.

    The first `Nursery` with the same `ready` takes it over; one that nobody takes over ends with this process. A
    process that cannot be started now is started, or missed, when it is needed.

    Args:
        ready: as for `Nursery`.
    """
    if _FORKS and ready not in _prepared:
        with contextlib.suppress(OSError):
            _prepared[ready] = _start_nursery(ready)


def _start_nursery(ready: str) -> tuple[subprocess.Popen[bytes], socket.socket]:
    pipe, theirs = socket.socketpair()
    with theirs:
        try:
            return _start_process(ready, theirs), pipe
        except OSError:
            pipe.close()
            raise


class Nursery:
    """A process of which workers are forked; it is started when the first one is asked for.

    Args:
        ready: the name of what it does first, `module:function`; what that loads, every worker has.
    """

    def __init__(self, ready: str) -> None:
        self._ready = ready
        self._lock = threading.Lock()
        self._pipe: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def fork(self, pipe: socket.socket, stop: threading.Event) -> Process:
        """Start a worker: anew where forking is not safe.

        Args:
            pipe: the worker is asked over it.
            stop: set when nobody wants it any more.

        Raises:
            StartError: the nursery ended before it had loaded what workers need.
            OSError: no process can be started.
        """
        if not _FORKS:
            return _start_process("", pipe)
        with self._lock:
            for _ in range(_START_TRIES):  # one that was killed is replaced
                self._begin()
                with contextlib.suppress(OSError):
                    return _Forked(self._asked(_FORK, pipe=pipe, stop=stop), self)
                if stop.is_set():
                    raise BrokenPipeError
            raise StartError("the process that loads what workers need ended before it was ready")

    def _begin(self) -> None:
        if self._process is not None and self._process.poll() is None and self._pipe is not None:
            return
        self._end()
        taken = _prepared.pop(self._ready, None)
        self._process, self._pipe = taken if taken is not None else _start_nursery(self._ready)

    def poll(self, process: int) -> int | None:
        """Look whether a worker has ended; return its exit code, None while it has none."""
        with self._lock:
            try:
                code = self._asked(_POLL, process)
            except OSError:
                return -signal.SIGKILL  # whoever ended the nursery has ended what it forked
            return None if code == _STILL_ALIVE else code

    def _asked(
        self,
        what: bytes,
        process: int = 0,
        pipe: socket.socket | None = None,
        stop: threading.Event | None = None,
    ) -> int:
        if self._pipe is None or self._process is None:
            raise BrokenPipeError
        try:
            self._pipe.settimeout(_POLL_INTERVAL)
            message = what + process.to_bytes(LENGTH_BYTES, "little")
            socket.send_fds(self._pipe, [message], [pipe.fileno()] if pipe else [])
            return _answer_of(self._pipe, self._process, stop)
        except OSError:
            self._pipe.close()  # it has died, though its parent may not have been told yet
            self._pipe = None
            raise

    def close(self) -> None:
        """End the nursery, and what it forked."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            wait_for_end(self._process)
        self._process = self._pipe = None


def _answer_of(connection: socket.socket, process: subprocess.Popen[bytes], stop: threading.Event | None) -> int:
    """Wait for the number that a nursery answers, as long as it lives and somebody wants it."""
    answer = b""
    while len(answer) < LENGTH_BYTES:
        try:
            more = connection.recv(LENGTH_BYTES - len(answer))
        except TimeoutError:  # it is still getting ready
            if process.poll() is not None or (stop is not None and stop.is_set()):
                raise
            continue
        if not more:
            raise BrokenPipeError
        answer += more
    return int.from_bytes(answer, "little", signed=True)


class _Forked:
    """A process that a nursery forked."""

    def __init__(self, pid: int, nursery: Nursery) -> None:
        self.pid, self._nursery = pid, nursery
        self._code: int | None = None

    def poll(self) -> int | None:
        if self._code is None:
            self._code = self._nursery.poll(self.pid)
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        end = time.monotonic() + (END_TIMEOUT if timeout is None else timeout)
        pause = 0.0005
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or END_TIMEOUT)
            time.sleep(pause)
            pause = min(2 * pause, 0.05)
        return code

    def kill(self) -> None:
        if self._code is None:  # until its nursery has waited for it, no other process has its number
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)


def function_name(function: Callable[..., Any]) -> str:
    """Return the name by which another process finds a module-level function."""
    return f"{function.__module__}:{function.__qualname__}"


def _find_function(name: str) -> Any:
    module, function = name.split(":", 1)
    return getattr(import_module(module), function)


def serve(ready: str) -> None:
    """Answer what comes in over standard input until the caller closes it: the whole life of a process.

    Args:
        ready: as for `Nursery`; empty for a worker that is not forked.
    """
    for number in CALLER_SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # the caller decides what an interrupt means
    blocked_imports.block_imports()
    shipped_kernels.use_shipped_kernels()
    pipe = socket.socket(fileno=os.dup(0))
    _release_streams()
    if not ready:
        threading.Thread(target=_watch, args=(pipe, threading.Event()), daemon=True).start()
        _work(pipe)
        return
    warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12 on, that threads are there when it forks
    _get_ready(ready, pipe)
    prctl, own = ctypes.CDLL(None).prctl, os.getpid()
    while (request := socket.recv_fds(pipe, LENGTH_BYTES + 1, 1))[0]:
        message, pipes, _, _ = request
        _answer_caller(pipe, message, pipes, lambda: _end_with(own, prctl))


def _release_streams() -> None:
    """Let go of the caller's streams: a copy of the pipe in a worker would hide from the caller that we have died."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    with contextlib.suppress(OSError):
        os.dup2(2, 1)  # whatever a library prints must not end up where the caller prints
    os.close(nowhere)


def _get_ready(ready: str, pipe: socket.socket) -> None:
    """Load what workers need; no thread is left afterwards, for we are to fork."""
    done = threading.Event()
    watching = threading.Thread(target=_watch, args=(pipe, done), daemon=True)
    watching.start()
    try:
        with contextlib.suppress(Exception):  # what cannot be got ready is loaded when it is used
            _find_function(ready)()
    finally:
        done.set()
        watching.join()


def _watch(pipe: socket.socket, done: threading.Event) -> None:
    """End this process when its caller has gone, whatever else it does."""
    looked = select.poll()
    looked.register(pipe, 0)  # of a hang-up one is told always
    while not done.is_set():
        if looked.poll(_POLL_INTERVAL * 1000):
            scratch_folders.remove_all_folders()
            os._exit(0)


def _end_with(parent: int, prctl: Any) -> None:
    """Have the kernel end this process when its parent ends."""
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def _answer_caller(pipe: socket.socket, message: bytes, pipes: Sequence[int], begin: Callable[[], None]) -> None:
    """Answer the caller of a nursery: fork a worker, or say how one ended."""
    if message[:1] == _FORK:
        answer = os.fork()
        if not answer:
            begin()
            pipe.close()
            with contextlib.suppress(OSError):  # the caller has gone
                _work(socket.socket(fileno=pipes[0]))
            os._exit(0)
        os.close(pipes[0])
    else:
        waited, status = os.waitpid(int.from_bytes(message[1:], "little"), os.WNOHANG)
        answer = os.waitstatus_to_exitcode(status) if waited else _STILL_ALIVE
    pipe.sendall(answer.to_bytes(LENGTH_BYTES, "little", signed=True))


def _work(pipe: socket.socket) -> None:
    """Answer requests until the caller closes the pipe: a worker's whole life."""
    with pipe, pipe.makefile("rwb") as requests:
        while True:
            try:
                name, part, added = receive(requests)
            except EOFError:
                return
            try:
                registry.set_additions(added)
                result = _find_function(name)(part)
            except Exception as error:  # noqa: BLE001 - sent to the caller, who raises it
                result = error
            _answer(requests, result)


def _answer(pipe: BufferedRWPair, result: Any) -> None:
    try:
        send(pipe, result)
    except (pickle.PicklingError, TypeError, AttributeError):
        send(pipe, RuntimeError(f"{type(result).__name__}: {result}"))


if __name__ == "__main__":
    try:
        serve(sys.argv[1])
    except Exception:  # noqa: BLE001 - the caller is told by the code, and nobody by a traceback
        os._exit(_EXIT_UNSTARTED)
