"""Data that was scanned, and its ledger, for whoever asks whether it may be trained on."""

import io
import json
import shutil
import zipfile

import pyarrow as pa
import pytest

import provenance as pv
from provenance.core import schemas
from provenance.core.digests import sha256

TEXT = '{"text": "one two three four five six seven eight nine"}\n'
LINE = '{"text": "the quick brown fox jumps over the lazy dog every single morning"}\n'
CARD = "---\nlicense: mit\n---\n# A set\n"


def lay(root, layout):
    for name, content in layout.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def digests(audit):
    """A digest of every sealed table of an audit."""

    def digest(table):
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table.combine_chunks(), max_chunksize=1 << 20)
        return sha256(sink.getvalue())

    return {name: digest(audit.tables[name]) for name in schemas.SEALED}


def lines(*texts):
    return "".join(json.dumps({"text": text}) + "\n" for text in texts)


def zipped(**members):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return held.getvalue()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two folders that were scanned once: a clean one, and one that has no licence."""
    root = tmp_path_factory.mktemp("guarded")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROVENANCE_CONFIG", str(root / "home"))
        for name, card in (("clean", "---\nlicense: cc0-1.0\n---\n# A\nhttps://example.org/a\n"), ("bare", "# A\n")):
            folder = root / name / "data" / "a"
            folder.mkdir(parents=True)
            (folder / "README.md").write_text(card)
            (folder / "x.jsonl").write_text(TEXT)
            (folder / "y.jsonl").write_text(TEXT.replace("one", "ten"))
            pv.scan(root / name / "data", root / name / "ledger", workers=1)
    return root


@pytest.fixture
def world(made, tmp_path, monkeypatch):
    shutil.copytree(made, tmp_path / "w", symlinks=True)
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "w" / "home"))
    return tmp_path / "w"
