"""Registers that describe many data sets at once: the datasets library's, LLaMA-Factory's, the Initiative's."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from provenance.errors import ManifestError
from provenance.licences.expressions import normalise
from provenance.readers import manifests

EXAMPLES = Path(__file__).parents[3] / "manifests/examples"
SHA = "5a1d3f0c52b8a9ae7b7a24a1f8b6b1a7d3f87a0b6ce4f0f1c5f2f7d9c3b8e6a4"
FORMATS = {
    "hf-dataset-infos": "h/dataset_infos.json",
    "llama-factory": "h/dataset_info.json",
    "dpi-summary": "h/harbour.json",
}


def read(document, format_):
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return manifests.read(FORMATS[format_], data, format_)


def facts(claims, *fields):
    return [(c.scope, c.field, c.value) for c in claims if not fields or c.field in fields]


def test_the_example_of_dataset_infos():
    assert facts(read((EXAMPLES / "dataset-infos/dataset_infos.json").read_bytes(), "hf-dataset-infos")) == [
        ("h/", "source", "h"),
        ("h/", "licence", "CC BY-SA 4.0"),
        ("h/", "url", "https://example.org/harbour"),
        ("h/", "citation", "@misc{quay2024, title={Harbour Questions}}"),
        ("h/", "name", "harbour_questions"),
        ("h/", "revision", "1.1.0"),
        ("h/", "split", "train=12"),
        ("h/", "upstream-sha256", f"{SHA} https://example.org/harbour/train.jsonl"),
    ]


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        # one configuration without a name around it, as save_to_disk writes it; it says nothing of its origin
        ({"features": {}, "license": "", "splits": {}}, [("h/", "source-weak", "h")]),
        ({"features": {}, "license": "mit"}, [("h/", "source", "h"), ("h/", "licence", "mit")]),
        ({"a": {"license": "mit"}, "b": {"license": "mit"}}, [("h/", "source", "h"), ("h/", "licence", "mit")]),
        ({"a": {"version": "1.0"}}, [("h/", "source-weak", "h"), ("h/", "revision", "1.0")]),
        (
            {"a": {"download_checksums": {"u": {"checksum": "d" * 32}, "v": {"checksum": None}, "w": None}}},
            [("h/", "source-weak", "h"), ("h/", "sha256-malformed", f"{'d' * 32} u")],
        ),
        ({}, [("h/", "source-weak", "h")]),
    ],
)
def test_dataset_infos_in_both_shapes(info, expected):
    assert facts(read(info, "hf-dataset-infos")) == expected


def test_the_example_of_llama_factory():
    assert facts(read((EXAMPLES / "llama-factory/dataset_info.json").read_bytes(), "llama-factory")) == [
        ("h/", "source", "h/harbour_chat"),
        ("h/", "name", "harbour_chat"),
        ("h/", "members", "h/harbour_chat.json"),
        ("h/", "upstream", "https://huggingface.co/datasets/example/harbour_chat"),
        ("h/harbour_chat.json", "sha1", "0123456789abcdef0123456789abcdef01234567"),
        ("h/", "formatting", "sharegpt"),
        ("h/", "column", "messages=conversations"),
        ("h/", "column", "system=system"),
        ("h/", "remote", "https://huggingface.co/datasets/example/harbour_elsewhere"),
        ("h/", "remote", "https://modelscope.cn/datasets/example/harbour_elsewhere"),
    ]


def test_the_example_of_a_summary():
    claims = read((EXAMPLES / "dpi/harbour.json").read_bytes(), "dpi-summary")
    assert facts(claims, "source", "licence", "generator.name", "upstream", "licence-elsewhere") == [
        ("h/", "source", "h"),
        ("h/", "licence", "CC BY-NC 4.0"),  # the name says more than the address
        ("h/", "licence", "https://creativecommons.org/licenses/by-sa/4.0/"),  # the address says more than "Custom"
        ("h/", "licence", "Unspecified"),
        ("h/", "upstream", "Harbour Questions"),
        ("h/", "generator.name", "OpenAI GPT-4"),
        ("h/", "licence-elsewhere", "HF Yaml License: MIT License"),
    ]
    assert normalise("Unspecified").expression is None


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("document", [b"{", b"[]", b'"x"', {"a": 1, "b": {}}, b'{"a": {}, "a": {}}'])
def test_what_is_broken_is_refused(format_, document):
    if format_ == "hf-dataset-infos" and isinstance(document, dict):
        pytest.skip("that is one configuration without a name")
    with pytest.raises(ManifestError, match=f"^{FORMATS[format_]}"):
        read(document, format_)


def test_a_register_of_which_no_entry_can_be_read_is_refused():
    with pytest.raises(ManifestError, match="must stay below"):
        read({"a": {"file_name": "../../x.json"}}, "llama-factory")


@pytest.mark.parametrize("bad", [{"file_name": "../../x.json"}, {"file_name": "a\\b.json"}, 1, []])
def test_a_bad_entry_costs_itself_alone(bad):
    good = {"file_name": "y.json", "hf_hub_url": "acme/y"}
    claims = read({"bad": bad, "good": good}, "llama-factory")
    (unread,) = (claim for claim in claims if claim.field == "entry-unread")
    assert unread.pointer == "/bad"
    assert "must stay below" in unread.value or "is not an object" in unread.value
    assert [claim for claim in claims if claim is not unread] == read({"good": good}, "llama-factory")


@pytest.mark.realdata
def test_every_summary_of_the_initiative_is_read(realdata):
    """2,312 data sets; the statements that no licence answers to are those that name none."""
    sets, known, unknown = 0, 0, Counter()
    for path in sorted((realdata / "manifests/dpi").glob("*.json")):
        data = path.read_bytes()
        assert manifests.recognise(path.name, data[:65536]) == "dpi-summary", path
        sets += len(json.loads(data))
        for claim in manifests.read(path.name, data, "dpi-summary"):
            if claim.field == "licence" and normalise(claim.value).expression is None:
                unknown[claim.value[:11]] += 1
            known += claim.field == "licence"
    assert sets == 2312
    assert (known - unknown.total(), unknown) == (
        3238,  # of 177 the name and the address are two licences, such as AGPL-3.0-only and GPL-3.0-only
        {"Unspecified": 669, "No License": 104, "Custom": 67, "Various": 26, "string ('')": 1},
    )
