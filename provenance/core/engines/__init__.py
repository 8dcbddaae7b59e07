"""Engines: where functions run. There are two verbs, `map(function, parts)` and `exchange(function, parts)`.

A function is module-level and takes one part; order is not promised; what fails inside it comes back as the exception
it was, what kills its process comes back as `Died`. `exchange` is `map` of functions that deal rows out to partitions,
after which the rows of each are brought together: all that it needs beside `map` is a folder that every worker sees.
To add an engine: one file and one line in ENGINES.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from provenance.core.model import Died
from provenance.core.processes.child_processes import MOST_KILLS
from provenance.core.scratch import partitions
from provenance.errors import ConfigError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from provenance.core.scratch.partitions import DealtFiles, Partition

__all__ = ["ENGINES", "Died", "Engine", "LightEngine", "Mapper", "exchange", "map_again", "prepare", "start"]

ENGINES = ("local",)
"""The engines there are, by the name of their file."""


class Mapper(Protocol):
    """What runs functions: an engine, or threads of one process."""

    @property
    def workers(self) -> int:
        """How many parts it works on at a time."""

    def map(self, function: Callable[[Any], Any], parts: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """Run a function on every part; yield the part's number and the result, or `Died`, in any order."""


class Engine(Mapper, Protocol):
    """What an engine can do."""

    def processes(self) -> list[int]:
        """Return the ids of the worker processes on this machine."""

    def end(self, process: int, reason: str) -> None:
        """End a worker process; its part has `Died` for this reason."""

    def rest(self) -> None:
        """Give back the memory of workers that are idle: nothing is asked of the engine for a while."""

    def close(self) -> None:
        """End what the engine started."""


def prepare(name: str, ready: str) -> None:
    """Begin to load what workers need, while the caller loads what it needs itself.

    Args:
        name: one of ENGINES; another is `start`'s to refuse.
        ready: the name of what is given to `start`, `module:function`: to import it is what takes long.
    """
    if name == "local":
        from provenance.core.processes import child_processes

        child_processes.prepare(ready)


def start(name: str, workers: int | None = None, ready: Callable[[], None] | None = None) -> Engine:
    """Start an engine.

    Args:
        name: one of ENGINES.
        workers: processes; None = one a core.
        ready: module-level, called once where workers come from, to load what they all need; None = nothing.

    Returns:
        The engine; close it when done.

    Raises:
        ConfigError: there is no such engine.
    """
    if name not in ENGINES:
        raise ConfigError(f"there is no engine {name!r}; there are: {', '.join(ENGINES)}")
    from provenance.core.engines.local import LocalEngine

    return LocalEngine(workers, ready)


class LightEngine:
    """This process, one part after the other; what it may not do itself it leaves to an engine that it starts then.

    Args:
        runs_here: tells whether this process may do a part.
        start_other: starts the engine for the others.
    """

    workers = 1

    def __init__(self, runs_here: Callable[[Any], bool], start_other: Callable[[], Engine]) -> None:
        self._runs_here, self._start_other = runs_here, start_other
        self._other: Engine | None = None

    def map(self, function: Callable[[Any], Any], parts: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """Run a function on every part.

        Args:
            function: takes one part; importable by its module's name.
            parts: picklable.

        Yields:
            The number of a part and its result, or `Died`; those of the other engine first.
        """
        numbers = [number for number, part in enumerate(parts) if not self._runs_here(part)]
        if numbers:
            self._other = self._other or self._start_other()
            for place, result in self._other.map(function, [parts[number] for number in numbers]):
                yield numbers[place], result
        for number in sorted(set(range(len(parts))).difference(numbers)):
            yield number, function(parts[number])

    def processes(self) -> list[int]:
        """Return the ids of the worker processes, of which there may be none."""
        return self._other.processes() if self._other else []

    def end(self, process: int, reason: str) -> None:
        """End a worker process.

        Args:
            process: its id.
            reason: why.
        """
        if self._other:
            self._other.end(process, reason)

    def rest(self) -> None:
        """End the worker processes that are idle."""
        if self._other:
            self._other.rest()

    def close(self) -> None:
        """End what was started."""
        if self._other:
            self._other.close()


def map_again(engine: Mapper, function: Callable[[Any], Any], parts: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    """Run a function on every part, anew where somebody else ended the process that worked on it.

    Args:
        engine: what runs it.
        function: takes one part, importable by its module's name, and may begin a part that was left in the middle.
        parts: picklable.

    Yields:
        The number of a part and its result, or `Died`; as they come.
    """
    numbers: Sequence[int] = range(len(parts))
    for attempt in range(1 + MOST_KILLS):
        killed = []
        for place, result in engine.map(function, [parts[number] for number in numbers]):
            if attempt < MOST_KILLS and isinstance(result, Died) and result.outside:
                killed.append(numbers[place])
            else:
                yield numbers[place], result
        if not killed:
            return
        numbers = killed


def exchange(engine: Mapper, function: Callable[[Any], DealtFiles], parts: Sequence[Any]) -> list[Partition]:
    """Deal rows out by key, and bring together those of each partition.

    Args:
        engine: what runs the function.
        function: takes one part, deals its rows out by a `partitions.PartitionWriter`, and returns what that wrote.
        parts: picklable; the files of each have names of their own.

    Returns:
        The partitions that have rows: parts for the next function.

    Raises:
        InputError: a part could not be worked on.
    """
    dealt = []
    for _, result in map_again(engine, function, parts):
        if isinstance(result, Died):
            raise InputError(f"the records could not be compared: {result.reason}; there may be too little memory")
        dealt.append(result)
    return partitions.gather_partitions(dealt)
