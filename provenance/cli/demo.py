"""`provenance demo`."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from provenance.cli import engine_options, scan, terminal


def _copy(origin: Path, target: Path) -> None:
    """Copy the demo's data; what already stands there must be just that, and nothing is ever removed."""
    if not target.exists() and (target.parent.is_dir() or not target.parent.exists()):
        shutil.copytree(origin, target)
    elif not target.is_dir() or _files(origin) != _files(target):
        raise click.ClickException(f"{target} exists and is not the demo; give another folder: provenance demo DIR")


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@click.command(name="demo")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=Path("provenance-demo"))
def command(folder: Path) -> int:
    """Copy a small data set with planted problems to DIR and scan it.

    DIR is ./provenance-demo if not given; it gets `data` and `ledger`. Exits with 0 whatever is found.
    """
    from provenance.core.package_data import data_folder as shipped

    engine_options.prepare_engine(shipped("demo") / "data")
    from provenance.ledger.layout import ledger_around
    from provenance.ledger.log.file_writing import explain_unwritable
    from provenance.ledger.log.opening import check_free
    from provenance.pipeline import scan as scan_pipeline

    if (around := ledger_around(folder)) and around != (folder / "ledger").resolve():
        raise click.ClickException(f"{folder} lies in the ledger {around}; give another folder: provenance demo DIR")
    data, ledger = folder / "data", folder / "ledger"
    with explain_unwritable(folder):
        if ledger.is_dir():
            check_free(ledger)
        _copy(shipped("demo") / "data", data)
    with terminal.progress() as progress:
        found = scan_pipeline.scan(data, ledger, progress=progress)
    scan.print_audit(found, "text")
    scan.print_next_step(found, ledger)
    terminal.print_lines(f"Scan your own:    provenance scan ./data --ledger {scan.DEFAULT_LEDGER}")
    return 0
