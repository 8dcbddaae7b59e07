"""Nearest does not hide: all that is stated of a file in its scope counts, and what is stricter around it is said."""

from __future__ import annotations

import json

import pytest

import provenance as pv
from provenance.sources.licence_scopes import decide_licence

NC, BY = "https://creativecommons.org/licenses/by-nc/4.0/", "https://creativecommons.org/licenses/by/4.0/"
ROWS = "".join(json.dumps({"text": f"entry {k} of the log tells of ships numbered {k + 17}"}) + "\n" for k in range(3))


def card(licence):
    return f"---\nlicense: {licence}\n---\n# Set\nGathered by the office.\n"


def croissant(licence, **node):
    nodes = [{"@type": "FileObject", "@id": "x", "contentUrl": "x.jsonl", "encodingFormat": "text/plain"} | node]
    context = {"@vocab": "https://schema.org/", "cr": "http://mlcommons.org/croissant/"}
    return json.dumps({"@context": context, "@type": "Dataset", "name": "n", "license": licence, "distribution": nodes})


def package(*licences):
    resources = [{"name": "x", "path": "x.jsonl"}]
    return json.dumps({"name": "n", "resources": resources, "licenses": list(licences)})


def native(licence, **more):
    return json.dumps({"provenance": 1, "sources": [{"id": "b", "licence": licence, "kind": "other"} | more]})


# files beside x.jsonl -> concluded licence, parts of the one conflict (none = no conflict)
LAYOUTS = {
    "a card is stricter than the Croissant that names the file": (
        {"README.md": card("cc-by-nc-4.0"), "croissant.json": croissant(BY)},
        "CC-BY-NC-4.0", ["CC-BY-NC-4.0 (README.md:/license)", "CC-BY-4.0 (croissant.json:/license)", "the strictest"],
    ),
    "a card is milder than it": (
        {"README.md": card("cc-by-4.0"), "croissant.json": croissant(NC)},
        "CC-BY-NC-4.0", ["CC-BY-NC-4.0 (croissant.json:/license)", "CC-BY-4.0 (README.md:/license)"],
    ),
    "both agree": ({"README.md": card("cc-by-4.0"), "croissant.json": croissant(BY)}, "CC-BY-4.0", []),
    "two packages and a card": (
        {"README.md": card("cc-by-nc-4.0"), "datapackage.json": package({"name": "MIT"})},
        "CC-BY-NC-4.0", ["MIT (datapackage.json:/licenses/0/name)"],
    ),
    "a configuration of a card's data set": (
        {"README.md": card("mit"), "dataset_infos.json": json.dumps({"default": {"license": "CC-BY-NC-4.0", "features": {}}})},
        "CC-BY-NC-4.0", ["CC-BY-NC-4.0 (dataset_infos.json:/default/license)"],
    ),
    "a name against its own address": (
        {"datapackage.json": package({"name": "CC-BY-4.0", "path": NC})},
        "CC-BY-NC-4.0", ["CC-BY-NC-4.0 (datapackage.json:/licenses/0/path)", "CC-BY-4.0 (datapackage.json:/licenses/0/name)"],
    ),
    "an entry of a register against the card of its folder": (
        {"README.md": card("cc-by-nc-4.0"), "provenance.yaml": native("MIT", files=["x.jsonl"])},
        "MIT", ["MIT (provenance.yaml:/sources/0/licence) is stated nearest", "Stricter", "CC-BY-NC-4.0 (README.md:/license)"],
    ),
    "what is milder around it is no conflict": (
        {"README.md": card("mit"), "provenance.yaml": native("CC-BY-NC-4.0", files=["x.jsonl"])}, "CC-BY-NC-4.0", [],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("beside", "concluded", "conflict"), LAYOUTS.values(), ids=LAYOUTS)
def test_all_that_is_stated_in_one_folder_counts(beside, concluded, conflict, tmp_path, in_process):
    for name, content in {"x.jsonl": ROWS, **beside}.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    audit = pv.scan(tmp_path)
    assert audit.sources["licence_concluded"].tolist() == [concluded]
    messages = audit.findings.query("check == 'licence-conflict-between-witnesses'")["message"].tolist()
    assert len(messages) == bool(conflict)
    for part in conflict:
        assert part in messages[0]


def test_a_stricter_statement_of_a_folder_around_the_data_is_said(tmp_path, in_process):
    (tmp_path / "in").mkdir()
    (tmp_path / "README.md").write_text(card("cc-by-nc-4.0"))
    (tmp_path / "in" / "LICENSE").write_text("SPDX-License-Identifier: MIT\n")
    (tmp_path / "in" / "x.jsonl").write_text(ROWS)
    audit = pv.scan(tmp_path)
    assert audit.sources["licence_concluded"].tolist() == ["MIT"], "the nearest"
    (message,) = audit.findings.query("check == 'licence-conflict-between-witnesses'")["message"]
    assert message.endswith("Stricter, and stated of a folder around it: CC-BY-NC-4.0 (README.md:/license).")


def rows(*licences):
    return "".join(
        json.dumps({"text": f"entry {k} of the log", "license": each}) + "\n" for k, each in enumerate(licences)
    )


APACHE = (
    '# Licensed under the Apache License, Version 2.0 (the "License");\n# you may not use this file but under it.\n'
)
# file beside a card -> concluded licence, whether it is a conflict, whether the purpose is withheld
WHOLE = {
    "a column is milder than the card": ("cc-by-nc-4.0", "x.jsonl", rows("mit", "mit"), "CC-BY-NC-4.0", True, True),
    "a header is milder than the card": (
        "cc-by-nc-4.0", "x.py", "# SPDX-License-Identifier: MIT\nx = 1\n", "CC-BY-NC-4.0", True, True,
    ),
    "a header drops what copyleft asks": ("gpl-3.0", "x.py", APACHE + "x = 1\n", "GPL-3.0-only", True, False),
    "a column is stricter": ("mit", "x.jsonl", rows("cc-by-nc-4.0", "cc-by-nc-4.0"), "CC-BY-NC-4.0", False, True),
    "a list covers what records state": ("[mit, cc-by-nc-4.0]", "x.jsonl", rows("mit", "mit"), "MIT", False, False),
    "the whole is under no known licence": ("other", "x.jsonl", rows("mit", "mit"), "MIT", False, False),
}  # fmt: skip


@pytest.mark.parametrize(("whole", "name", "content", "concluded", "conflict", "withheld"), WHOLE.values(), ids=WHOLE)
def test_records_never_make_milder_what_is_stated_of_the_whole(
    whole, name, content, concluded, conflict, withheld, tmp_path, in_process
):
    (tmp_path / "README.md").write_text(card(whole))
    (tmp_path / name).write_text(content)
    audit = pv.scan(tmp_path)
    assert audit.sources["licence_concluded"].tolist() == [concluded]
    checks = set(audit.findings["check"])
    assert ("licence-conflict-between-witnesses" in checks) is conflict
    assert ("licence-forbids-purpose" in checks) is withheld


def test_every_digest_that_is_declared_of_a_file_is_compared(tmp_path, in_process):
    (tmp_path / "x.jsonl").write_text(ROWS)
    (tmp_path / "datapackage.json").write_text(package({"name": "MIT"}))
    (tmp_path / "croissant.json").write_text(croissant("mit", sha256="0" * 64))
    assert "checksum-mismatch" in set(pv.scan(tmp_path).findings["check"])


@pytest.mark.parametrize(
    ("tag", "exact", "concluded"),
    [
        ("bsd", "BSD-3-Clause", "BSD-3-Clause"),
        ("cc", "CC-BY-4.0", "CC-BY-4.0"),
        ("cc", "CC-BY-NC-4.0", "CC-BY-NC-4.0"),
        ("bsd", "MIT", None),
        ("bsd", "BSD-3-Clause AND LicenseRef-provenance-unknown", None),
    ],
)
def test_a_family_beside_a_licence_of_it_says_no_more(tag, exact, concluded):
    row = {"manifest": "README.md", "pointer": "/license", "witness": "hf-card", "subject": "data", "scope": "./"}
    claims = [row | {"value": tag, "spdx": None}, row | {"value": exact, "spdx": exact, "pointer": "L9"}]

    assert decide_licence(claims, "commercial-service").expression == concluded
