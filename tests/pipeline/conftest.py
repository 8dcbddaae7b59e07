"""Data that was scanned, and its ledger, for whoever asks whether it may be trained on."""

import shutil

import pytest

import provenance as pv

TEXT = '{"text": "one two three four five six seven eight nine"}\n'


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
