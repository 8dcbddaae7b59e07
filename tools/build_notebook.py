"""Runs the notebook and writes its outputs into it: run it whenever the demo's findings, or the notebook, change."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import nbclient
import nbformat

NOTEBOOK = Path(__file__).parents[1] / "notebooks/explore_flagged_sources.ipynb"
ROOT = NOTEBOOK.parents[1]


def produce(source: Path = NOTEBOOK) -> nbformat.NotebookNode:
    """Run a notebook in an empty folder on this checkout's package.

    Args:
        source: the notebook; what it needs of the environment is LEDGER and DATA, or nothing.

    Returns:
        It with outputs; without times of execution, or anything else that differs from run to run.
    """
    notebook = nbformat.read(source, as_version=4)
    found = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = f"{ROOT}{os.pathsep}{found}" if found else str(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        client = nbclient.NotebookClient(
            notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}
        )
        done = client.execute()
    for cell in done.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", ()):
            if len(output.get("data", ())) > 1:
                output["data"].pop("text/plain", None)  # an object's address, beside what it shows
    done.metadata = {"kernelspec": done.metadata["kernelspec"], "language_info": {"name": "python"}}
    return done


if __name__ == "__main__":
    nbformat.write(produce(), sys.argv[1] if len(sys.argv) > 1 else NOTEBOOK)
