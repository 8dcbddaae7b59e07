"""Where the work runs: the options of every command that scans."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_READY = "provenance.pipeline.warm_up:compile_kernels"  # by name: to import it takes as long as to start it
_LIGHT = "provenance.pipeline.warm_up:load_modules"
_COMPILING = "provenance.pipeline.preparation:load_modules"

Command = TypeVar("Command", bound="Callable[..., object]")


def engine_options(command: Command) -> Command:
    """Add --engine, --workers and --memory to a command.

    Args:
        command: takes `engine`, `workers` and `memory`.
    """
    for option in (
        click.option("--memory", metavar="SIZE", help="What the scan and its workers may take together, such as 4GB."),
        click.option("--workers", type=click.IntRange(min=1), help="Processes; one a core if not given."),
        click.option("--engine", default="local", show_default=True, help="Where the work runs."),
    ):
        command = option(command)
    return command


def prepare_engine(data: Path, engine: str = "local", *, workers: int | None = None, memory: str | None = None) -> None:
    """Begin to load what a scan's workers need, if it needs any; then import what the command needs.

    Args:
        data: the folder that is scanned.
        engine: as the user named it.
        workers: as the user gave them.
        memory: as the user wrote it.
    """
    from provenance.core import engines, kernel_cache
    from provenance.pipeline.reading.small_data import survey_folder

    if memory is None and not kernel_cache.is_prepared():
        engines.prepare(engine, _COMPILING)
        return
    small, decoded = survey_folder(data) if workers is None and memory is None else (False, False)
    if not small or decoded:
        engines.prepare(engine, _LIGHT if small else _READY)


def memory_cap(memory: str | None) -> int | None:
    """Return the bytes that a scan may take.

    Args:
        memory: as the user wrote it; None = what it needs.
    """
    from provenance.core.processes.memory_limit import parse_size

    return parse_size(memory) if memory is not None else None
