"""A small ledger with two scans, made once and copied for every test that harms it."""

import runpy
import shutil
import tarfile
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from provenance import ledger
from provenance.core.digests import sha256
from provenance.core.schemas import SEALED, empty, rows
from tests.conftest import SCAN_FACTS

GOLDEN = Path(__file__).parent / "golden"


class Sealed(dict):
    """The tables of a scan, by name, and the facts that go with them."""

    @staticmethod
    def facts(**changes):
        return facts(**changes)


def facts(**changes):
    return SCAN_FACTS | {"counts": {"error": 1}} | changes


def listed_file(path, sha256, **changes):
    made = {
        "path": path, "source": "./", "role": "data", "format": "jsonl", "bytes": 3, "bytes_consumed": 3, "bytes_skipped": 0,
        "records": 1, "records_unreadable": 0, "records_distinct": 1, "tokens": 1, "sha256": sha256,
    }  # fmt: skip
    return made | changes


def sealed_tables(*files):
    tables = Sealed({name: empty(schema) for name, schema in SEALED.items()})
    tables["files"] = rows(list(files), SEALED["files"])
    tables["coverage"] = rows(
        [{"check": "licence-missing", "status": "ran", "records_seen": 1, "records_unreadable": 0}], SEALED["coverage"]
    )
    tables["findings"] = rows(
        [
            {
                "fingerprint": "0" * 32, "check": "licence-missing", "severity": "error", "source": "./", "value": 0.5,
                "unit": "share", "records": 2**60, "message": 'No "licence" was found — ünïcode\n', "limits": "none",
            }
        ],
        SEALED["findings"],
    )  # fmt: skip
    assert all(isinstance(table, pa.Table) for table in tables.values())
    return tables


@pytest.fixture(scope="session")
def third_party():
    """A verifier that somebody else wrote from the specification: 0 = nothing is wrong that it looks at, 1 = something."""
    script = Path(__file__).parent / "foreign" / "peers" / "tables.py"
    return runpy.run_path(str(script))["main"]


@pytest.fixture
def file_row():
    return listed_file


@pytest.fixture
def sealed():
    return sealed_tables(listed_file("a.jsonl", sha256(b"{}\n")))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The user's configuration folder."""
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="session")
def pristine(tmp_path_factory):
    """Keys, data and a ledger of two scans: made once."""
    root = tmp_path_factory.mktemp("pristine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROVENANCE_CONFIG", str(root / "home"))
        keys = ledger.user_keys()
        data = root / "data"
        (data / "sub").mkdir(parents=True)
        listed = []
        for name, content in (("a.jsonl", b"{}\n"), ("sub/b ü.jsonl", b"[]\n")):
            (data / name).write_bytes(content)
            listed.append(listed_file(name, sha256(content)))
        documents = {"report.json": b'{"a":1}', "report.html": b"<p>report</p>\n"}
        for _ in range(2):
            ledger.append(root / "ledger", sealed_tables(*listed), documents, facts(), keys=keys)
    return root


@pytest.fixture
def world(pristine, tmp_path, monkeypatch):
    """A copy of `pristine` whose keys are this user's own."""
    root = tmp_path / "world"
    shutil.copytree(pristine, root, symlinks=True)
    monkeypatch.setenv("PROVENANCE_CONFIG", str(root / "home"))
    monkeypatch.chdir(tmp_path)
    return root


@pytest.fixture(scope="session")
def packed(tmp_path_factory):
    """The golden ledger of version 1, which has every kind of entry and file: `ledger`, `trust.yaml`, proofs, an answer."""
    root = tmp_path_factory.mktemp("golden")
    with tarfile.open(GOLDEN / "v1.tar.gz") as tar:
        tar.extractall(root, filter="data")
    for path in GOLDEN.glob("v1.*"):
        if path.suffix != ".gz":
            shutil.copy(path, root / path.name.removeprefix("v1."))
    # Of the first proofs none showed who handed the ledger to whom: the key under them must be pinned itself.
    asked = yaml.safe_load((root / "trust.yaml").read_text())
    heirs = [{"pem": path.read_text(), "roles": ["log"]} for path in (root / "ledger" / "keys").glob("log-*.pub.pem")]
    (root / "pieces.yaml").write_text(yaml.safe_dump({"keys": asked["keys"] + heirs}))
    return root


@pytest.fixture
def golden(packed, tmp_path):
    """A copy of `packed` that may be harmed."""
    shutil.copytree(packed, tmp_path / "golden", symlinks=True)
    return tmp_path / "golden"
