"""A process of ours that parses what a stranger wrote: it has little memory, one thread, no secret, and dies alone.

Both ends of the pipe to it: `ConfinedProcess` is whoever asks, `connect_requester` what the process that is asked
begins with. A message is a kind of one byte, the length and the bytes; a request has no kind.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import BinaryIO, cast

from provenance.core.processes import child_processes

LENGTH_BYTES = 8
"""Bytes of the number before each message: how long it is."""

DECODER_ENVIRONMENT = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # others set aside more than they need, which the limit would count
    "MALLOC_ARENA_MAX": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
"""What such a process has in its environment, beside what every process of ours has."""


class ConfinedProcess:
    """One such process, and the pipes to it.

    Args:
        module: what it runs; it calls `connect_requester` first.
    """

    def __init__(self, module: str) -> None:
        self.owner = os.getpid()
        self.process = child_processes.start_module(module, DECODER_ENVIRONMENT)
        self._asks, self._answers = (cast("BinaryIO", each) for each in (self.process.stdin, self.process.stdout))

    @property
    def runs(self) -> bool:
        """Whether it can be asked: it has not ended, and no fork took it over."""
        return self.owner == os.getpid() and self.process.poll() is None

    def was_killed(self) -> bool:
        """Tell, of a process that has died, whether somebody else ended it: that says nothing about what it parsed."""
        return child_processes.wait_for_end(self.process) in child_processes.KILLED_FROM_OUTSIDE

    def send(self, data: bytes) -> None:
        """Send a request, or what it asked for.

        Args:
            data: the bytes.

        Raises:
            OSError: the process has died.
        """
        self._asks.write(len(data).to_bytes(LENGTH_BYTES, "little") + data)
        self._asks.flush()

    def receive(self) -> tuple[bytes, bytes]:
        """Return the kind of the next message, and its bytes.

        Raises:
            OSError: the process has died.
        """
        head = self._read(1 + LENGTH_BYTES)
        return head[:1], self._read(int.from_bytes(head[1:], "little"))

    def _read(self, size: int) -> bytes:
        data = self._answers.read(size)
        if len(data) < size:
            raise BrokenPipeError
        return data

    def end(self) -> None:
        """End it; after a fork it is the parent's, who ends it."""
        if self.owner == os.getpid():
            self.process.kill()
            child_processes.wait_for_end(self.process)
        for pipe in (self._asks, self._answers):
            with contextlib.suppress(OSError):
                pipe.close()


class Requester:
    """Whoever asks this process.

    Args:
        asked: where requests come in.
        answers: where messages go out.
    """

    def __init__(self, requests: BinaryIO, answers: BinaryIO) -> None:
        self._asked, self._answers = requests, answers

    def receive(self) -> bytes | None:
        """Return the next request; None where whoever asks is gone."""
        head = self._asked.read(LENGTH_BYTES)
        return self._asked.read(int.from_bytes(head, "little")) if len(head) == LENGTH_BYTES else None

    def send(self, kind: bytes, data: bytes | memoryview) -> None:
        """Send one message.

        Args:
            kind: one byte.
            data: the bytes.
        """
        self._answers.write(kind + len(data).to_bytes(LENGTH_BYTES, "little"))
        self._answers.write(data)
        self._answers.flush()


def connect_requester() -> Requester:
    """Return whoever asks this process; what a library prints must not pass for an answer, nor reach a terminal."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    empty = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(empty, stream)
    for each in child_processes.CALLER_SIGNALS:  # whoever asks is told, and ends this process
        signal.signal(each, signal.SIG_IGN)
    return Requester(requests, answers)


def limit_memory(room: int) -> bool:
    """Let this process take so many bytes more than it takes now; tell whether the system limits that.

    Args:
        room: bytes.
    """
    try:
        import resource

        own = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (own + room, resource.getrlimit(resource.RLIMIT_AS)[1]))
    except (ImportError, OSError, ValueError):
        return False
    return True
