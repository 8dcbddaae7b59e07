"""What a detector declares of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Detector:
    """A detector: what it counts in records.

    Args:
        name: as OBSERVATIONS.detector has it.
        observe: counts in a batch of RECORDS, `observe(batch, files, **asked)`, as `detectors.observe` does.
        asks: what `observe` needs to know of the files beside their records, by names of `detectors.NOTHING_KNOWN`.
        scope: what COVERAGE says of what it looks for and what it does not; None = it looks at everything it names.
    """

    name: str
    observe: Callable[..., pa.Table]
    asks: tuple[str, ...] = ()
    scope: str | None = None
