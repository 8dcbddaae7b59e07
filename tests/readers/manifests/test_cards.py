"""What a Hugging Face card states of its licence, and of the terms that its gate asks to accept."""

import pytest

from provenance.licences.expressions import normalise
from provenance.readers import manifests


def read(path, text):
    return manifests.read(path, text.encode(), manifests.recognise(path, text.encode()))


@pytest.mark.parametrize(
    ("front", "prose", "licences", "notes"),
    [
        ("mit", "- **License:** [More Information Needed]", ["mit"], []),
        ("unknown", "This dataset is released under CC BY-NC 4.0.", ["CC BY-NC 4.0"], ["unknown"]),
        ("unknown", "Nothing is known of it.", ["unknown"], []),
        ("'[More Information Needed]'", "Nothing is known of it.", [], ["[More Information Needed]"]),
        ("other-non-commercial", "A set of logs.", ["other-non-commercial"], []),
    ],
)
def test_a_placeholder_is_no_statement_and_hides_none(front, prose, licences, notes):
    claims = read("README.md", f"---\nlicense: {front}\n---\n# Set\n\n{prose}\n")
    assert [c.value for c in claims if c.field == "licence"] == licences
    assert [c.value for c in claims if c.field == "licence-note"] == notes


def test_what_a_gate_asks_to_accept_is_a_statement():
    text = (
        "---\nlicense: cc-by-4.0\nextra_gated_prompt: 'Welcome. You agree not to use the data for commercial purposes.'\n"
        "extra_gated_fields:\n  Name: text\n  I use it for non-commercial research only: checkbox\n---\n# Set\n"
    )
    claims = read("README.md", text)
    assert [(c.pointer, normalise(c.value).expression) for c in claims if c.field == "licence"] == [
        ("/license", "CC-BY-4.0"),
        ("/extra_gated_prompt", "LicenseRef-provenance-noncommercial AND LicenseRef-provenance-unknown"),
        (
            "/extra_gated_fields/I use it for non-commercial research only",
            "LicenseRef-provenance-research-only",
        ),
    ]


@pytest.mark.parametrize(
    ("front", "stated"),
    [
        ("License: cc-by-nc-4.0", ["cc-by-nc-4.0"]),
        ("license: mit\nlicense_details: non-commercial use only", ["mit", "non-commercial use only"]),
        ("license: mit\nlicense_details: see the paper", ["mit"]),
        ("license: mit\ntags:\n- license:cc-by-nc-4.0", ["mit", "cc-by-nc-4.0"]),
        ("license: mit\ntags:\n- non-commercial", ["mit", "non-commercial"]),
        ("license: mit\ntags:\n- license:mit\n- commerce\n- research", ["mit"]),
        ("license: mit\nconfigs:\n- config_name: a\n  license: cc-by-nc-4.0", ["mit", "cc-by-nc-4.0"]),
        ("license: mit\ndataset_info:\n  license: cc-by-nc-4.0", ["mit", "cc-by-nc-4.0"]),
        ("license: mit\nextra_gated_heading: Research use only", ["mit", "Research use only"]),
        ("license: mit\nextra_gated_button_content: Send", ["mit"]),
        (
            "license: mit\nextra_gated_fields:\n  I use it only for:\n    type: select\n    options: [Research]",
            ["mit", "I use it only for research"],
        ),
    ],
)
def test_other_keys_of_a_card_state_licences(front, stated):
    claims = manifests.read("README.md", f"---\n{front}\n---\n# Tides\n".encode(), "hf-card")
    assert [claim.value for claim in claims if claim.field == "licence"] == stated


@pytest.mark.parametrize(
    ("stated", "upstream"),
    [
        ("acme/orig", ["acme/orig"]),
        ("extended|squad", ["squad"]),
        ("original", []),
        ("extended", []),
        ("extended|other-web", []),
        ("other", []),
        ("original/mine", ["original/mine"]),
        ("books that we bought", []),
    ],
)
def test_the_sets_that_a_card_is_made_from_are_its_upstream(stated, upstream):
    claims = read("README.md", f"---\nlicense: mit\nsource_datasets:\n- {stated}\n---\n# Set\n")
    assert [c.value for c in claims if c.field == "upstream"] == upstream
