"""Threads of one process as an engine: parts are worked on side by side where compiled code holds no lock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class Threads:
    """What maps functions over parts in this process.

    Args:
        workers: threads.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def map(self, function: Callable[[Any], Any], parts: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """Run a function on every part.

        Args:
            function: takes one part.
            parts: what to work on.

        Yields:
            The number of a part and its result, as they come.

        Raises:
            Exception: what the function raised, as it was.
        """
        if self.workers == 1 or len(parts) == 1:
            yield from enumerate(map(function, parts))
            return
        with ThreadPoolExecutor(self.workers) as pool:
            numbers = {pool.submit(function, part): number for number, part in enumerate(parts)}
            try:
                for done in as_completed(list(numbers)):
                    yield numbers[done], done.result()
            finally:
                pool.shutdown(cancel_futures=True)
