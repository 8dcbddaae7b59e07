"""Writes the demo's report.html into tests/demo/golden: run it whenever that report changes, and look at what changed."""

from __future__ import annotations

import re
from pathlib import Path

import provenance as pv
from provenance.ledger import Seal
from provenance.reports import html

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "demo" / "golden" / "report.html"

_STYLE_AND_SCRIPT = re.compile(r"(<(style|script)>).*?(</\2>)", re.DOTALL)
_OF_THIS_RUN = re.compile(r"sha256-[A-Za-z0-9+/=]+|\d{4}-\d\d-\d\dT[\d:.]+Z|provenance [\d.]+[\w.+]*|\b[0-9a-f]{64}\b")


def produce(audit: pv.Audit) -> str:
    """Render the report of the demo, one element a line; style, script and what differs from run to run are left out."""
    page = html.render(audit.tables, audit.facts, Seal(0, "provenance.local/demo", "SHA256:…")).decode()
    page = _OF_THIS_RUN.sub("…", _STYLE_AND_SCRIPT.sub(r"\1\3", page))
    return re.sub(r">\s*<", ">\n<", page) + "\n"


if __name__ == "__main__":
    GOLDEN.write_text(produce(pv.scan(ROOT / "manifests" / "demo" / "data")), encoding="utf-8")
