from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.licences.expressions import (
    find_licences,
    find_restrictions,
    fold_name,
    load_aliases,
    load_spdx,
    normalise,
)


@pytest.mark.parametrize(
    ("raw", "expression", "how"),
    [
        ("MIT", "MIT", "spdx"),
        ("mit", "MIT", "spdx"),
        ("MIT License", "MIT", "alias"),
        ("MIT, see LICENSE.", "MIT", "spdx"),
        ("MIT (see the [LICENSE](LICENSE) file)", "MIT", "spdx"),
        ("Apache-2.0, see the LICENSE file for details.", "Apache-2.0", "spdx"),
        ("The MIT License (MIT)", "MIT", "alias"),
        ("Apache-2.0 License", "Apache-2.0", "alias"),
        ("Apache License, Version 2.0", "Apache-2.0", "alias"),
        ("Apache_2.0", "Apache-2.0", "alias"),
        ("CC BY NC 4.0", "CC-BY-NC-4.0", "alias"),
        ("CC By NC 4.0", "CC-BY-NC-4.0", "alias"),
        ("CC BY- SA 4.0", "CC-BY-SA-4.0", "alias"),
        ("CC-BY-NC 4.0 (Attr Non-Commercial Inter.)", "CC-BY-NC-4.0", "alias"),
        ("Creative Common Attribution-NonCommercial-ShareAlike 4.0 International", "CC-BY-NC-SA-4.0", "alias"),
        ("Attribution 4.0 International", "CC-BY-4.0", "alias"),
        ("CC BY-NC-ND 3.0 IGO", "CC-BY-NC-ND-3.0-IGO", "alias"),
        ("CC BY-SA 3.0 ES", "LicenseRef-provenance-CC-BY-SA-3.0-ES", "alias"),
        ("CC-BY-NC", "LicenseRef-provenance-CC-BY-NC", "family"),
        ("CC0: Public Domain", "CC0-1.0", "alias"),
        ("https://creativecommons.org/licenses/by-sa/3.0/legalcode", "CC-BY-SA-3.0", "url"),
        ("http://creativecommons.org/licenses/by/2.5/za/legalcode", "LicenseRef-provenance-CC-BY-2.5-ZA", "url"),
        ("https://creativecommons.org/licenses/by/4.0/deed.ast", "CC-BY-4.0", "url"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0", "url"),
        ("https://choosealicense.com/licenses/odc-by/", "ODC-By-1.0", "url"),
        ("https://spdx.org/licenses/CC-BY-4.0.html", "CC-BY-4.0", "url"),
        ("https://opendatacommons.org/licenses/by/1-0/", "ODC-By-1.0", "url"),
        ("http://www.apache.org/licenses/LICENSE-2.0", "Apache-2.0", "url"),
        ("odc-by", "ODC-By-1.0", "alias"),
        ("gpl-3.0", "GPL-3.0-only", "alias"),
        ("GNU AGPLv3+", "AGPL-3.0-or-later", "alias"),
        ("llama3.1", "LicenseRef-scancode-llama-3.1-license-2024", "alias"),
        ("MIT OR Apache-2.0", "MIT OR Apache-2.0", "spdx"),
        ("MIT/Apache-2.0", "Apache-2.0 AND MIT", "alias"),
        ("MIT, BSD and Apache", "LicenseRef-provenance-unknown AND MIT", "family"),
        ("CUAD is licensed under the Creative Commons Attribution 4.0 (CC BY 4.0) license.", "CC-BY-4.0", "notice"),
        (
            "C3 dataset is intended for non-commercial research purpose only.",
            "LicenseRef-provenance-research-only",
            "notice",
        ),
        ("This data is for non-commercial use only.", "LicenseRef-provenance-noncommercial", "notice"),
    ],
)
def test_a_name_becomes_an_expression(raw, expression, how):
    licence = normalise(raw)
    assert (licence.expression, licence.how, licence.raw) == (expression, how, raw)


@pytest.mark.parametrize(
    "raw",
    [
        "", " ", "see LICENSE", "see LICENSE for commercial terms, MIT", "other", "unknown", "Unknwon", "Permissive Unknown", "NONE", "NOASSERTION", "None", "Public", "No License", "custom",
        "bsd", "cc", "gpl", "lgpl", "gfdl", "openrail", "Creative Commons", "Apache License", "BSD License", "((((((", "x" * 5000,
        "https://choosealicense.com/licenses/undefined/", "https://github.com/nlpdata/dialogre/blob/master/license.txt",
        "Modified MIT License", "MIT with additions: commercial", "partial text of MIT", "calls itself MIT, but its text is another",
        "The lists are not in the public domain", "404: Not Found", "Glide along", "\0", "licence",
    ],
)  # fmt: skip
def test_what_is_no_licence_has_no_expression(raw):
    assert normalise(raw).expression is None


@pytest.mark.parametrize(
    ("raw", "expression"),
    [
        (["mit"], "MIT"),
        (["cc-by-sa-3.0", "gfdl"], "CC-BY-SA-3.0 AND LicenseRef-provenance-unknown"),
        (["mit", "apache-2.0"], "Apache-2.0 AND MIT"),
        (["mit", "MIT License"], "MIT"),
        (["MIT OR GPL-3.0-only", "CC0-1.0"], "CC0-1.0 AND (MIT OR GPL-3.0-only)"),
        (["other"], None),
        ([], None),
    ],
)
def test_a_list_means_and(raw, expression):
    assert normalise(raw).expression == expression


def test_every_spdx_id_is_its_own_name_unless_it_is_a_family():
    for id_ in load_spdx().known_symbols:
        if id_.startswith("LicenseRef-") or load_spdx().known_symbols[id_].is_exception:
            continue
        assert normalise(id_).expression in {id_, None} or id_.endswith(("+", "-or-later", "-only")), id_


def test_aliases_lead_to_one_id_each_and_never_to_a_family():
    seen: dict[tuple[str, ...], str] = {}
    for id_, aliases in load_aliases()["aliases"].items():
        assert normalise(id_).expression == id_
        for alias in aliases:
            assert seen.setdefault(fold_name(alias), id_) == id_, alias
    families = {fold_name(str(name)) for key in ("families", "markers") for name in load_aliases()[key]}
    assert not families & set(seen)


@given(st.text(max_size=300))
def test_any_string_is_answered_and_the_answer_is_stable(raw):
    first = normalise(raw)
    assert first.raw == raw
    if first.expression is not None:
        assert load_spdx().parse(first.expression) is not None
        assert normalise(first.expression).expression == first.expression


@given(
    st.permutations(["BY", "NC", "SA"]), st.sampled_from([" ", "-", "_", " - "]), st.sampled_from(["4.0", "v4.0", "4"])
)
def test_parts_of_a_creative_commons_name_stand_in_any_order(parts, between, version):
    assert normalise(between.join(["CC", *parts, version])).expression == "CC-BY-NC-SA-4.0"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("released under the MIT license", ["MIT"]),
        ("MIT CSAIL and MIT Press", []),
        ("licensed under [Apache-2.0](LICENSE)", ["Apache-2.0"]),
        ("Creative Commons Attribution 4.0 International License, at https://example.org", ["CC-BY-4.0"]),
        ("It is not licensed under the MIT License", []),
        ("we used Llama 2 to write it", []),
        ("本仓库的代码依照 [Apache-2.0](LICENSE) 协议开源", ["Apache-2.0"]),
    ],
)
def test_prose_names_licences(text, expected):
    found = list(find_licences(text))
    assert [licence.expression for _, _, licence in found] == expected
    for begin, end, licence in found:
        assert text[begin:end] == licence.raw


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("for commercial and non-commercial use", []),
        ("no commercial use", ["LicenseRef-provenance-noncommercial"]),
        ("不得用于商业用途", ["LicenseRef-provenance-noncommercial"]),
        ("仅供研究使用", ["LicenseRef-provenance-research-only"]),
        ("must not be used to train models", ["LicenseRef-provenance-no-training"]),
        ("cannot be used to train a model that is then sold without a licence", []),
        ("may be used for any purpose, whether academic or commercial", []),
    ],
)
def test_restrictions_are_found(text, expected):
    assert find_restrictions(text) == expected


def test_hostile_input_costs_bounded_time():
    for text in (
        "for " * 200_000,
        "non-commercial " * 100_000,
        "(" * 100_000,
        "cc by " * 100_000,
        "http://" * 100_000,
        "a-" * 200_000,
    ):
        begin = time.perf_counter()
        normalise(text)
        assert time.perf_counter() - begin < 20  # a pattern that goes back and forth takes minutes


@pytest.mark.realdata
def test_dpi_paraphrases_never_become_more_permissive(realdata):
    """DPI groups spellings by licence; where ours differs, it must not turn a restricted class into a free one."""
    groups = json.loads((realdata / "licences/dpi_constants/license_paraphrases.json").read_text(encoding="utf-8"))
    restricted = ("CC BY-NC", "Non Commercial", "Academic R", "Unspecified", "Various", "Custom", "Request")
    for group, spellings in groups.items():
        if group.startswith(restricted):
            for spelling in (group, *spellings):
                expression = normalise(spelling).expression
                assert (
                    expression is None
                    or "-NC" in expression
                    or expression.endswith(("noncommercial", "research-only", "request-form"))
                ), spelling
