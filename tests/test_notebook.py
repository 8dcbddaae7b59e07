"""The notebook runs as a newcomer would run it, says what the audit says, and is committed as it ran."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import provenance as pv

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "notebooks/explore_flagged_sources.ipynb"
DEMO = ROOT / "manifests/demo/data"
UNTIL_RUN = "run: python tools/build_notebook.py"


def execute(target, **env):
    command = [sys.executable, ROOT / "tools/build_notebook.py", target]
    done = subprocess.run(command, env=os.environ | env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(target.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    return execute(tmp_path_factory.mktemp("notebook") / "executed.ipynb")


@pytest.fixture(scope="module")
def audit():
    return pv.scan(DEMO, workers=1)


def outputs(notebook):
    return [output for cell in notebook["cells"] for output in cell.get("outputs", ())]


def words(notebook):
    """What each code cell shows, pictures left out: they differ from one version of matplotlib to the next."""
    shown = []
    for cell in notebook["cells"]:
        held = [
            output.get("text", output.get("data", {}).get("text/html", output.get("data", {}).get("text/markdown")))
            for output in cell.get("outputs", ())
        ]
        shown.append(["".join(each) for each in held if each])
    return shown


def test_it_runs_without_a_fault_or_a_warning(executed):
    assert all(output["output_type"] != "error" for output in outputs(executed))
    assert [output for output in outputs(executed) if output.get("name") == "stderr"] == []
    assert "image/png" in {kind for output in outputs(executed) for kind in output.get("data", {})}


def test_it_is_committed_as_it_ran(executed):
    committed = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert [cell["source"] for cell in committed["cells"]] == [cell["source"] for cell in executed["cells"]]
    assert words(committed) == words(executed), UNTIL_RUN
    assert [output["output_type"] for output in outputs(committed)] == [o["output_type"] for o in outputs(executed)]


def test_what_is_committed_names_no_folder_of_a_machine_and_no_key():
    text = NOTEBOOK.read_text(encoding="utf-8")
    picture = re.compile(r'"image/png": "[A-Za-z0-9+/=\\n]+"')
    rest = picture.sub("", text)
    assert rest != text
    for pattern in (
        r"(?<![\w.:<])/(?:tmp|home|root|Users|usr|var|opt|work|mnt)\b",
        r"[A-Z]:\\\\",
        r"SHA256:",
        r"0x[0-9a-f]{6,}",
    ):
        assert re.findall(pattern, rest) == []


def test_it_says_what_the_audit_says(executed, audit):
    told = "\n".join(text for cell in words(executed) for text in cell)
    for row in audit.findings.itertuples():
        assert row.check in told
        assert row.source in told
    skipped = audit.files[~audit.files["path"].str.contains("!/", regex=False)]["bytes_skipped"].sum()
    assert f"**{skipped:,} of " in told
    shared = audit.overlaps[
        audit.overlaps["path_a"].isna() & (audit.overlaps["source_a"] != audit.overlaps["source_b"])
    ]
    picture = next(output for output in outputs(executed) if "image/png" in output.get("data", {}))
    said = picture["metadata"]["image/png"]["alt"]
    for row in shared[shared["near"] > 0].itertuples():
        assert f"{row.near / row.records_a:.0%} of {row.view} of {row.source_a} in {row.source_b}" in said


def test_it_shows_the_words_of_both_sides_and_what_stays_when_one_is_dropped(executed, audit):
    told = "\n".join(text for cell in words(executed) for text in cell)
    one = audit.findings[audit.findings["check"] == "licence-conflict-by-content"]
    sides = re.findall(r"(\S+), record (\d+):\s*(?:<br>)?([^<]+)", told)
    assert len(sides) == 6
    assert {text for path, _, text in sides if "harbour" in path} == {text for path, _, text in sides if "quay" in path}
    left = audit.without("harbour-questions")
    assert f"Without **harbour-questions**: {len(left.findings)} findings instead of {len(audit.findings)}." in told
    assert told.count("harbour-questions is left out here") == len(one)


@pytest.mark.full
def test_it_opens_a_ledger_of_ones_own(tmp_path):
    """One source, without a manifest, without findings about pairs, and without the data at hand."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/<b>x.jsonl").write_text('{"text": "a few words that nobody has licensed"}\n', encoding="utf-8")
    pv.scan(tmp_path / "data", tmp_path / "ledger", workers=1)
    ran = execute(tmp_path / "executed.ipynb", LEDGER=str(tmp_path / "ledger"))
    assert all(output["output_type"] != "error" for output in outputs(ran))
    told = "\n".join(text for cell in words(ran) for text in cell)
    assert "No two sources share a record." in told
    assert "Set DATA to the folder that was scanned" in told
    assert "<b>" not in told
