"""Writes the output of a real `provenance demo` into docs/read-a-report.md: run it whenever that output changes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "read-a-report.md"
BLOCK = re.compile(r"(?<=<!-- output: demo -->\n```text\n).*?(?=```\n)", re.DOTALL)


def produce() -> str:
    """Run the demo in an empty folder with new keys; what differs from run to run is replaced by dots."""
    with tempfile.TemporaryDirectory() as folder:
        env = os.environ | {"PROVENANCE_CONFIG": f"{folder}/config", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "provenance", "demo"]
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=True)
    shown = done.stdout.replace(folder, "~/.config/provenance").replace("/config/keys", "/keys")
    shown = re.sub(r"SHA256:[A-Za-z0-9+/]{43}", "SHA256:…", shown)
    return "\n".join(line.rstrip() for line in shown.splitlines()) + "\n"


if __name__ == "__main__":
    PAGE.write_text(BLOCK.sub(lambda _: produce(), PAGE.read_text(encoding="utf-8"), count=1), encoding="utf-8")
