"""A cap on memory: what a scan and all its workers take together, watched from outside and held.

What counts is memory that the machine must hold (RssAnon of proc_pid_status(5)); scratch files that are mapped do not
count, for they can be dropped at any time. Whoever goes beyond the cap is ended: the worker that takes most, so that
its part of the work fails and is said to have failed, or the scan itself where no worker runs.
"""

from __future__ import annotations

import errno
import re
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from provenance.errors import ConfigError, LimitExceeded

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Protocol

    class Watched(Protocol):
        """What runs workers."""

        def processes(self) -> list[int]:
            """Return the ids of the worker processes."""

        def end(self, process: int, reason: str) -> None:
            """End a worker process; its part has died for this reason."""


LEAST_BYTES = 256 << 20
"""Bytes that a scan of nothing takes, about: a smaller cap could never be held."""

_LEAST_ADDRESS_SPACE = 1 << 30  # bytes of address space below which commands end at random places
_WATCH_INTERVAL = 0.05  # seconds between two looks
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?\s*", re.IGNORECASE)
_STATUS = Path("/proc/self/status")


def parse_size(text: str) -> int:
    """Read a size: `2GB`, `1.5 GiB`, `800M`.

    Args:
        text: as given on the command line; K, M, G and T are powers of 1000, Ki, Mi, Gi and Ti of 1024.

    Returns:
        Bytes.

    Raises:
        ConfigError: it is no size, or too small for any scan.
    """
    found = _SIZE.fullmatch(text)
    power = " KMGT".index(found[2].upper() or " ") if found else 0
    value = int(float(found[1]) * (1024 if found[3] else 1000) ** power) if found else 0
    if value < LEAST_BYTES:
        raise ConfigError(
            f"{text!r} is no memory that a scan could do with: give 2GB or 800MB, at least {format_size(LEAST_BYTES)}"
        )
    return value


def format_size(value: int) -> str:
    """Say a size as a person would.

    Args:
        value: bytes.
    """
    return f"{value / 1e9:.3g} GB" if value >= 1e9 else f"{value / 1e6:.3g} MB"


def is_limited() -> bool:
    """Tell whether this process may take only so much address space (`ulimit -v`), or so much data (`ulimit -d`)."""
    return bool(_limits())


def check_limits() -> None:
    """Make sure that libraries can be loaded at all: with less, they abort a process or wait for ever.

    Raises:
        LimitExceeded: this process may take too little address space.
    """
    if any(limit < _LEAST_ADDRESS_SPACE for limit in _limits().values()):
        raise LimitExceeded(explain_too_little())


def explain_too_little(reason: str = "") -> str:
    """Say that there is too little memory, and what to do.

    Args:
        reason: what the library said that got none; may be empty.
    """
    if limits := _limits():
        least = min(limits.values())
        named = " and ".join(f"ulimit {flag}" for flag in limits)
        return (
            f"not enough memory: this process may take {format_size(least)} ({named}); raise that limit to 4 GB or more"
        )
    return f"not enough memory{f' ({reason})' if reason else ''}; try --workers 1"


def is_caused_by_memory(error: BaseException) -> bool:
    """Tell whether too little memory is behind an error: libraries have their own words for it.

    Args:
        error: what was raised; what it was raised from counts, too.
    """
    words = (
        "memory",
        "malloc",
        "can't start new thread",
        "failed to map segment",
        "shared object file",
        "esource temporarily",
    )
    while True:
        none = isinstance(error, OSError) and error.errno in {errno.ENOMEM, errno.EAGAIN}
        if none or isinstance(error, MemoryError) or any(word in str(error) for word in words):
            return True
        if (cause := error.__cause__ or error.__context__) is None:
            return False
        error = cause


def _limits() -> dict[str, int]:
    try:
        import resource
    except ImportError:  # no such limits on this system
        return {}
    there = {"-v": resource.RLIMIT_AS, "-d": resource.RLIMIT_DATA}
    soft = {flag: resource.getrlimit(number)[0] for flag, number in there.items()}
    return {flag: limit for flag, limit in soft.items() if limit != resource.RLIM_INFINITY}


def resident_bytes(process: int | str = "self") -> int:
    """Return the bytes that a process must have in memory; 0 once it is gone."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    found = re.search(r"^RssAnon:\s*(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


class MemoryCap:
    """Holds a scan under a cap, as a context.

    Args:
        limit: bytes of this process and the workers together; None = no cap.
        engine: what runs the workers.

    Raises:
        ConfigError: on entry, where the system does not say what processes take.
        LimitExceeded: on exit, where the scan itself went beyond the cap.
    """

    def __init__(self, limit: int | None, engine: Watched) -> None:
        self._limit, self._engine = limit, engine
        self._over, self._done = False, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._ignored: Any = None

    def __enter__(self) -> Self:
        if self._limit is not None:
            if not _STATUS.exists():
                raise ConfigError("memory cannot be capped here: this system has no /proc; leave --memory out")
            self._hear()
            self._thread.start()
        return self

    def _hear(self) -> None:
        """In the background of a shell interrupts are ignored, also this one; a person's go on being ignored."""
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            self._ignored = signal.signal(signal.SIGINT, lambda *_: self._end())

    def _end(self) -> None:
        if self._over:
            raise KeyboardInterrupt

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        if self._limit is not None:
            self._thread.join()
        if self._ignored is not None:
            signal.signal(signal.SIGINT, self._ignored)
        if self._over and isinstance(error, KeyboardInterrupt):
            raise LimitExceeded(
                f"the scan needs more than {format_size(self._limit or 0)}; give it more --memory"
            ) from None

    def _watch(self) -> None:
        limit = self._limit or 0
        while not self._done.wait(_WATCH_INTERVAL):
            workers = {process: resident_bytes(process) for process in self._engine.processes()}
            if resident_bytes() + sum(workers.values()) <= limit:
                continue
            if workers:
                most = max(workers, key=lambda process: workers[process])
                self._engine.end(most, f"it took the scan beyond the {format_size(limit)} that it may have")
            elif not self._over:
                self._over = True
                # sent to that thread, so that it wakes up from whatever it waits for
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
