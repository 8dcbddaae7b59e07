from __future__ import annotations

import pytest

from provenance.readers import manifests

CARD = b"---\nlicense: mit\n---\n# Dataset Card for X\n"


@pytest.mark.parametrize(
    ("path", "head", "format_"),
    [
        ("README.md", CARD, "hf-card"),
        ("a/README_zh.md", b"\xef\xbb\xbf---\r\npretty_name: x\r\n---\r\n", "hf-card"),
        ("README.md", b"---\nlayout: post\n---\nDataset Card for X", "hf-card"),
        ("README.md", b"---\nlayout: post\n---\n", "readme"),
        ("README.md", b"# X", "readme"),
        ("Readme.md", b"", "readme"),
        ("README", b"", "readme"),
        ("README_history.md", b"", "readme"),
        ("note.md", b"---\ntags: [x]\nlanguage: en\nlicense: mit\n---\nA note.", None),
        ("chapter1.md", b"# One", None),
        ("card.md", b"---\nsize_categories: [n<1K]\n---\n", "hf-card"),
        ("README.txt", b"", "readme"),
        ("datasheet.md", b"", "readme"),
        ("model_card.md", b"", "readme"),
        ("provenance.yaml", b"", "native"),
        ("a/provenance.yml", b"", "native"),
        ("my-provenance.yaml", b"", None),
        ("LICENSE", b"", "licence"),
        ("LICENCE.txt", b"", "licence"),
        ("LICENSE-MIT", b"", "licence"),
        ("LICENSE.md", b"", "licence"),
        ("COPYING", b"", "licence"),
        ("UNLICENSE", b"", "licence"),
        ("LICENSES/CC-BY-4.0.txt", b"", "licence"),
        ("DATA_LICENSE", b"", "data-licence"),
        ("DATA_LICENSE.txt", b"", "data-licence"),
        ("LICENSE-DATA", b"", "data-licence"),
        ("WEIGHT_DIFF_LICENSE", b"", "weights-licence"),
        ("MODEL_LICENSE.txt", b"", "weights-licence"),
        ("NOTICE", b"", "notice"),
        ("NOTICE.txt", b"", "notice"),
        ("licenses.json", b"[]", None),
        ("license_text.csv", b"a,b", None),
        ("license.py", b"", None),
        ("data.jsonl", b"{}", None),
        ("input.txt", b"License: MIT", None),
        (
            "x/metadata.json",
            b'{"@context": {"cr": "http://mlcommons.org/croissant/"}, "@type": "sc:Dataset"}',
            "croissant",
        ),
        ("datapackage.json", b'{"resources": []}', "frictionless"),
        ("x.package.yaml", b"name: x\nresources:\n- a", "frictionless"),
        ("dataset_infos.json", b"{}", "hf-dataset-infos"),
        ("dataset_info.json", b'{"a": {"file_name": "a.json"}}', "llama-factory"),
        ("dataset_info.json", b'{"features": {}}', "hf-dataset-infos"),
        ("x.spdx3.json", b'{"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"}', "spdx"),
        ("bom.json", b'{"bomFormat": "CycloneDX"}', "cyclonedx"),
        # where several could say yes: a name before any content, what is sure before what is likely, then their order
        ("license.jsonld", b'{"@context": "http://mlcommons.org/croissant/"}', "licence"),
        ("README.jsonld", b'{"@context": "http://mlcommons.org/croissant/"}', "readme"),
        ("dataset_infos.json", b'{"@context": "http://mlcommons.org/croissant/"}', "hf-dataset-infos"),
        ("dataset_info.json", b'{"@context": "http://mlcommons.org/croissant/"}', "croissant"),
        ("x.json", b'{"@context": 1, "@type": "Dataset"}', "croissant"),
        ("x.json", b'{"@context": 1, "@type": "Dataset", "dcat:version": 1}', "dcat"),
        ("x.json", b'{"@context": 1, "cr:x": 1, "dcat:version": 1}', "croissant"),
        ("x.json", b'{"bomFormat": "CycloneDX", "dcat:version": 1}', "cyclonedx"),
        ("x.xml", b"<bom xmlns='cyclonedx.org/schema/bom' xmlns:d='w3.org/ns/dcat'/>", "dcat"),
        ("x.xml", b"<package id=\"x\" xmlns='cyclonedx.org/schema/bom'/>", "cyclonedx"),
        ("LICENSES/NOTICE.txt", b"", "notice"),
        ("LICENSES/README.md", CARD, "licence"),
        ("x.dvc", b"outs:\n", "dvc"),
        ("abc.xml", b'<package id="abc" name="x"/>', "nltk-xml"),
        ("abc.xml", b"<play><title/></play>", None),
        ("catalog.ttl", b"@prefix dcat: <http://www.w3.org/ns/dcat#> .", "dcat"),
        (".zenodo.json", b"{}", "zenodo"),
        ("x.json", b'{"x": {"Unique Dataset Identifier": "x", "Licenses": []}}', "dpi-summary"),
        ("x.json", b'{"x": {"Licenses": []}}', None),
    ],
)
def test_a_manifest_is_recognised(path, head, format_):
    assert manifests.recognise(path, head) == format_
    assert format_ is None or format_ in manifests.FORMATS


@pytest.mark.parametrize(
    ("path", "format_"),
    [
        ("TERMS", "terms-of-use"),
        ("TOS.txt", "terms-of-use"),
        ("CONDITIONS.md", "terms-of-use"),
        ("TermsOfUse.txt", "licence"),
        ("EULA.txt", "licence"),
        ("data_use_agreement.txt", "data-licence"),
        ("Nutzungsbedingungen.txt", "licence"),
        ("LIZENZ.txt", "licence"),
        ("使用条款.txt", "licence"),
        ("数据许可.txt", "licence"),
        ("ACCEPTABLE_USE.md", "licence"),
        ("USAGE_POLICY.md", "licence"),
        ("LICENSE.pdf", "licence-document"),
        ("Terms of Use.pdf", "licence-document"),
        ("DATA_LICENSE.docx", "licence-document"),
        ("LICENSE.gz", "licence-document"),
        ("license_plate_07.pdf", None),
        ("license_text.csv.gz", None),
        ("medical_conditions.txt", None),
        ("search_terms.txt", None),
        ("REUSE.toml", "reuse"),
        ("songs.csv.license", "reuse-file"),
        ("texts/cc-by-4.0.LICENSE", None),
        ("CITATION.cff", "citation-cff"),
        ("codemeta.json", "codemeta"),
        ("ro-crate-metadata.json", "ro-crate"),
    ],
)
def test_names_that_state_terms(path: str, format_: str | None) -> None:
    assert manifests.recognise(path, b"") == format_
