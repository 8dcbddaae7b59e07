"""Build `provenance/data/licence-texts.npz`: hashes of word sequences of licence texts, no text.

    python tools/build_licence_index.py REALDATA

reads the SPDX licence list (XML), LicenseDB and choosealicense.com texts below REALDATA/licences. Every text of SPDX's list
is in the index, so that none passes for its neighbour; of LicenseDB those that the table of terms knows.
"""

import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import yaml

from provenance.licences import texts

ROOT = Path(__file__).parents[1]
SPDX = "{http://www.spdx.org/license}"
BREAKS = {SPDX + tag for tag in ("p", "item", "br", "titleText", "copyrightText", "bullet", "list")}
OPEN = "\ue000"
"""Stands where a text may vary: no run across it is required."""


WHOLE = 0.97
"""Share of the required runs from which on another copy of a text is whole."""


def spdx_text(element, optional, marked):
    """Return an element's text, with or without what SPDX marks as optional, and with a mark where it may vary."""
    if element.tag in {SPDX + "notes", SPDX + "crossRefs"}:
        return " " + (element.tail or "")
    leaves_out = {SPDX + tag for tag in ("optional", "titleText", "copyrightText", "bullet")}
    mark = f" {OPEN} " if marked else " "
    if element.tag in leaves_out and not optional:
        return mark + (element.tail or "")
    if marked and element.tag == SPDX + "alt" and "." in element.get("match", "."):
        return mark + (element.tail or "")
    inner = (element.text or "") + "".join(spdx_text(child, optional, marked) for child in element)
    space = " " if element.tag in BREAKS else ""
    return space + inner + space + (element.tail or "")


def runs_between(text):
    """Return the runs of the stretches between marks."""
    return {run for stretch in text.split(OPEN) for run in texts.hash_runs(texts.split_words(stretch))}


def spdx_texts(folder):
    """Yield id, required runs and allowed texts; one text has one id, and those that newer ids replace have none."""
    seen = {}
    paths = sorted(folder.glob("*.xml"), key=lambda path: ("invariants" in path.stem, path.stem))
    for path in paths:
        root = ET.parse(path).getroot()
        if root.find(f".//{SPDX}obsoletedBys") is not None or path.stem.endswith("-or-later"):
            continue
        text = root.find(f".//{SPDX}text")
        whole = spdx_text(text, True, False)
        required = runs_between(spdx_text(text, False, True))
        same = seen.setdefault(frozenset(required), path.stem)
        if same != path.stem and path.stem.startswith(same.removesuffix("-only")):  # OFL-1.1-RFN has OFL-1.1's text
            continue
        yield path.stem, required, [whole, spdx_text(text, False, False)]


def other_texts(licences):
    """Yield id, text, and whether nothing else gives the licence's text."""
    for path in sorted((licences / "licensedb/docs").glob("*.LICENSE")):
        body = re.sub(r"\A---\n.*?\n---\n", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        meta = yaml.safe_load((path.with_suffix(".json")).read_text(encoding="utf-8"))
        id_ = meta.get("spdx_license_key") or f"LicenseRef-scancode-{path.stem}"
        yield id_, body, bool(re.search(r"llama|gemma|rail|qwen|deepseek|openai|ms-data", path.stem))
    for path in sorted((licences / "choosealicense/_licenses").glob("*.txt")):
        head, body = path.read_text(encoding="utf-8").split("\n---\n", 1)
        id_ = re.search(r"spdx-id: (\S+)", head)[1]
        yield re.sub(r"^([AL]?GPL-[\d.]+|GFDL-[\d.]+)$", r"\1-only", id_), body, False


def main():
    """Write the index."""
    licences = Path(sys.argv[1]) / "licences"
    required, allowed = {}, {}
    for id_, runs, variants in spdx_texts(licences / "spdx_license_xml/src"):
        required[id_] = runs or {run for each in variants for run in texts.hash_runs(texts.split_words(each))}
        allowed[id_] = {run for each in variants for run in texts.hash_runs(texts.split_words(each))}
    for id_, body, alone in other_texts(licences):
        runs = set(texts.hash_runs(texts.split_words(body)))
        if id_ not in required and alone and id_.startswith("LicenseRef-scancode-"):
            required[id_] = runs
        if id_ in required:
            allowed.setdefault(id_, set()).update(runs)
            if len(required[id_] & runs) > WHOLE * len(
                required[id_]
            ):  # what published copies differ in is not required
                required[id_] &= runs
    names = sorted(name for name in required if required[name])
    rows = sorted(
        (run, number, run in required[name])
        for number, name in enumerate(names)
        for run in required[name] | allowed[name]
    )
    run = np.array([row[0] for row in rows], dtype=np.int64)
    target = ROOT / "provenance/data/licence-texts.npz"
    np.savez_compressed(
        target,
        step=np.diff(run, prepend=0).astype(np.uint32),
        owner=np.array([row[1] for row in rows], dtype=np.uint16),
        required=np.packbits(np.array([row[2] for row in rows])),
        names=np.array(names),
    )
    print(len(names), "licences,", len(rows), "runs,", target.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
