"""What is loaded only when it is asked for, seen in a process of its own."""

import os
import subprocess
import sys

import pytest

OPTIONAL = (
    "gmalg",
    "rfc3161_client",
    "provenance.ledger.exports",
    "provenance.ledger.format.mldsa_signature",
    "provenance.ledger.format.sm2_signature",
    "provenance.ledger.witness.timestamp_client",
)
"""Extras, the code that needs them, and what writes other forms: CMS, SM2, SM3, ML-DSA-65."""

CASES = {
    "import provenance": "import provenance",
    "import of the ledger": "import provenance.ledger",
    "import of verify": "from provenance.ledger.verification.verify import verify",
    "--help": "from provenance import cli; assert cli.run(['--help']) == 0",
    "verify": "from provenance import cli; assert cli.run(['verify', 'ledger']) == 0",
    "pv.verify": "import pathlib, provenance as pv; assert pv.verify(pathlib.Path('ledger')).exit_code == 0",
}


def loaded(code, folder):
    """Run code in a process of its own; return the optional modules that it loaded."""
    show = f"{code}\nimport sys\nprint(*sorted(name for name in sys.modules if name.startswith({OPTIONAL!r})))"
    done = subprocess.run([sys.executable, "-c", show], cwd=folder, capture_output=True, text=True, check=False, env=dict(os.environ))  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1].split()


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=pytest.mark.full) if each == "pv.verify" else each for each in CASES]
)
def test_nothing_optional_is_loaded_unasked(world, name):
    assert loaded(CASES[name], world) == []


def test_what_is_asked_for_is_loaded(world):
    """The rule can fail: a registry of exports loads its members when one is looked up."""
    found = loaded("from provenance.ledger.exports import EXPORTS; EXPORTS['sm2']", world)
    assert {"provenance.ledger.exports.sm2", "provenance.ledger.format.sm2_signature"} <= set(found)
    assert "gmalg" not in found  # until it signs
