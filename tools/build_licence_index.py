"""Build `provenance/data/licence-texts.npz`: hashes of word sequences of licence texts, no text.

    python tools/build_licence_index.py REALDATA

reads the SPDX licence list (XML), LicenseDB and choosealicense.com texts below REALDATA/licences.
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


def spdx_text(element, optional):
    """Return an element's text, with or without what SPDX marks as optional."""
    if element.tag in {SPDX + "notes", SPDX + "crossRefs"} or (
        not optional and element.tag in {SPDX + "optional", SPDX + "titleText", SPDX + "copyrightText"}
    ):
        return " " + (element.tail or "")
    inner = (element.text or "") + "".join(spdx_text(child, optional) for child in element)
    space = " " if element.tag in BREAKS else ""
    return space + inner + space + (element.tail or "")


def templates(realdata):
    """Yield id -> (required text, allowed texts)."""
    licences = realdata / "licences"
    terms = yaml.safe_load((ROOT / "provenance/data/licence-terms.yaml").read_text(encoding="utf-8"))
    aliases = yaml.safe_load((ROOT / "provenance/data/licence-aliases.yaml").read_text(encoding="utf-8"))["aliases"]
    wanted = {id_ for entry in terms["licences"] for id_ in entry["ids"]} | set(aliases)
    wanted |= {path.stem for path in (licences / "spdx_license_xml/src").glob("CC*.xml")}
    # one text, one id: "or later" is a statement about a text, not a text
    wanted = {id_ for id_ in wanted if not id_.endswith("-or-later")}
    for path in sorted((licences / "spdx_license_xml/src").glob("*.xml")):
        if path.stem in wanted:
            text = ET.parse(path).getroot().find(f".//{SPDX}text")
            yield path.stem, spdx_text(text, False), [spdx_text(text, True)]
    for path in sorted((licences / "licensedb/docs").glob("*.LICENSE")):
        body = re.sub(r"\A---\n.*?\n---\n", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        meta = yaml.safe_load((path.with_suffix(".json")).read_text(encoding="utf-8"))
        id_ = meta.get("spdx_license_key") or f"LicenseRef-scancode-{path.stem}"
        yield id_, None, [body]
        if id_.startswith("LicenseRef-scancode-") and re.search(
            r"llama|gemma|rail|qwen|deepseek|openai|ms-data", path.stem
        ):
            yield id_, body, [body]
    for path in sorted((licences / "choosealicense/_licenses").glob("*.txt")):
        head, body = path.read_text(encoding="utf-8").split("\n---\n", 1)
        id_ = re.search(r"spdx-id: (\S+)", head)[1]
        yield re.sub(r"^([AL]?GPL-[\d.]+|GFDL-[\d.]+)$", r"\1-only", id_), None, [body]


def main():
    required, allowed = {}, {}
    for id_, text, variants in templates(Path(sys.argv[1])):
        if text is not None:
            required.setdefault(id_, set()).update(texts.hash_runs(texts.split_words(text)))
        if id_ in required:
            for variant in variants:
                allowed.setdefault(id_, set()).update(texts.hash_runs(texts.split_words(variant)))
    names = sorted(required)
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
