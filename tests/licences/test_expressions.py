from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.core.model import PURPOSES
from provenance.licences.expressions import (
    UNKNOWN,
    find_licences,
    find_restrictions,
    fold_name,
    load_aliases,
    load_spdx,
    normalise,
    split_statement,
)
from provenance.licences.names import load_official
from provenance.licences.terms import find_right


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
        ("MIT, BSD and Apache", "LicenseRef-provenance-unknown AND MIT", "part"),
        ("CUAD is licensed under the Creative Commons Attribution 4.0 (CC BY 4.0) license.", "CC-BY-4.0", "alias"),
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
        "", " ", "see LICENSE", "other", "unknown", "Unknwon", "Permissive Unknown", "NONE", "NOASSERTION", "None", "Public", "No License", "custom",
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


# --- the law of this room: nothing is milder than a part of what is written ------------------------------------------

NOTHING_MILDER = {
    # a name understood in part
    "CC-BY-NCSA-4.0": "CC-BY-NC-SA-4.0",
    "cc-by-ncnd-4.0": "CC-BY-NC-ND-4.0",
    "CCBYNC 4.0": "CC-BY-NC-4.0",
    "CC BY NonCom 4.0": "CC-BY-NC-4.0",
    "CC BY Non-Commerical 4.0": "CC-BY-NC-4.0",
    "Apache-2.0 (non-commercial)": "Apache-2.0 AND LicenseRef-provenance-noncommercial",
    "Creative Commons Attribution 3.0 for non commercial": "CC-BY-3.0 AND LicenseRef-provenance-noncommercial",
    "Attribution-NonCommercial-NoDerivativeWorks 3.0": "CC-BY-NC-ND-3.0",
    "CC BY-SA-ND 4.0": None,
    "CC BY 5.0": None,
    # riders
    "Apache 2.0 with Commons Clause": "Apache-2.0 AND LicenseRef-scancode-commons-clause",
    "CC BY 4.0, except images": "CC-BY-4.0 AND LicenseRef-provenance-unknown",
    "Apache 2.0 with additional terms": "Apache-2.0 AND LicenseRef-provenance-unknown",
    "MIT (academics)": "LicenseRef-provenance-unknown AND MIT",
    "CC BY 4.0; contact us for profit-making use": "CC-BY-4.0 AND LicenseRef-provenance-unknown",
    "MIT https://example.org/terms": "LicenseRef-provenance-unknown AND MIT",
    "MIT 但不得商用": "LicenseRef-provenance-noncommercial AND MIT",
    "CC BY 4.0, ausgenommen Bilder": "CC-BY-4.0 AND LicenseRef-provenance-unknown",
    "CC BY 4.0 sauf les images": None,
    # another's name
    "Orange MIT License": None,
    "Modified MIT": None,
    "MIT-style": None,
    "not MIT": None,
    "mostly MIT": None,
    "GPL-4.0": None,
    # a half that is not understood
    "MIT and a letter from the authors": "LicenseRef-provenance-unknown AND MIT",
    "MIT or something else": "LicenseRef-provenance-unknown AND MIT",
    "MIT or Apache-2.0 depending on the subset": "LicenseRef-provenance-unknown AND MIT",
    # words behind "other"
    "other-non-commercial": "LicenseRef-provenance-noncommercial",
    "other (research only)": "LicenseRef-provenance-research-only",
    "custom: MIT": "LicenseRef-provenance-unknown AND MIT",
}


@pytest.mark.parametrize(("raw", "expression"), NOTHING_MILDER.items())
def test_words_left_over_make_a_statement_stricter(raw, expression):
    assert normalise(raw).expression == expression


PARTS = {
    "Database: Open Database, Contents: © Original Authors": {
        "database": "ODbL-1.0",
        "content": "LicenseRef-provenance-all-rights-reserved",
    },
    "Database: Open Database, Contents: Database Contents": {"database": "ODbL-1.0", "content": "DbCL-1.0"},
    "Apache 2.0 for code, non-commercial for data": {
        "code": "Apache-2.0",
        "data": "LicenseRef-provenance-noncommercial",
    },
    "MIT License for code; data restricted": {"code": "MIT", "data": None},
    "CC BY 4.0 (data), MIT (code)": {"data": "CC-BY-4.0", "code": "MIT"},
    "MIT (code), data: ask": {"code": "MIT", "data": None},
    "code and data: MIT": {"data": "MIT"},
    "MIT for code and data": {"data": "MIT"},
    "MIT for code and CC BY-NC 4.0 for data": {"code": "MIT", "data": "CC-BY-NC-4.0"},
    "Code: MIT. Data: CC BY-NC 4.0.": {"code": "MIT", "data": "CC-BY-NC-4.0"},
    "Data: ODbL; Code: MIT; Weights: Gemma": {
        "data": "ODbL-1.0",
        "code": "MIT",
        "model": "LicenseRef-provenance-gemma",
    },
    "MIT License for code but dataset not for commercial use": {
        "code": "MIT",
        "data": "LicenseRef-provenance-noncommercial",
    },
    "代码MIT，数据仅供研究": {"code": "MIT", "data": "LicenseRef-provenance-research-only"},
    "Code: MIT, Daten: CC BY-NC 4.0": {"code": "MIT", "data": "CC-BY-NC-4.0"},
    "Code sous MIT, données sous CC BY-NC-SA 4.0": {"code": "MIT", "data": "CC-BY-NC-SA-4.0"},
    "Código: MIT; datos: CC BY-NC 4.0": {"code": "MIT", "data": "CC-BY-NC-4.0"},
    "コード: MIT、データ: CC BY-NC 4.0": {"code": "MIT", "data": "CC-BY-NC-4.0"},
    "Text: CC BY-SA 3.0; images: all rights reserved": {
        "data": "CC-BY-SA-3.0 AND LicenseRef-provenance-all-rights-reserved"
    },
}


@pytest.mark.parametrize(("raw", "parts"), PARTS.items())
def test_each_part_of_a_statement_keeps_what_it_speaks_of(raw, parts):
    assert {part.subject: part.licence.expression for part in split_statement(raw)} == parts


TRANSLATED = {
    "知识共享署名-非商业性使用-相同方式共享 4.0 国际许可协议": "CC-BY-NC-SA-4.0",
    "創用CC 姓名標示-非商業性-禁止改作 3.0 台灣": "LicenseRef-provenance-CC-BY-NC-ND-3.0-TW",
    "クリエイティブ・コモンズ 表示-非営利-継承 4.0 国際": "CC-BY-NC-SA-4.0",
    "Creative Commons Namensnennung – Nicht kommerziell – Keine Bearbeitungen 4.0 International": "CC-BY-NC-ND-4.0",
    "Namensnennung - Weitergabe unter gleichen Bedingungen 3.0 Deutschland": "CC-BY-SA-3.0-DE",
    "Licence Creative Commons Attribution - Pas d’Utilisation Commerciale - Partage dans les Mêmes Conditions 4.0": "CC-BY-NC-SA-4.0",
    "Creative Commons Reconocimiento-NoComercial-SinObraDerivada 4.0 Internacional": "CC-BY-NC-ND-4.0",
    "Atribuição-NãoComercial-CompartilhaIgual 4.0 Internacional": "CC-BY-NC-SA-4.0",
    "CC-BY-2.5-ZA": "LicenseRef-provenance-CC-BY-2.5-ZA",
    "Creative Commons Attribution 3.0 Austria": "CC-BY-3.0-AT",
    "https://creativecommons.org/licenses/by-nc-sa/4.0/deed.de": "CC-BY-NC-SA-4.0",
    "https://creativecommons.org/licenses/by-nc/2.0/jp/": "LicenseRef-provenance-CC-BY-NC-2.0-JP",
    "http://creativecommons.org/licenses/by-nc/4.0legalcode": "CC-BY-NC-4.0",
    "https://creativecommons.org/licenses/by-foo/4.0/": None,
    "https://licensebuttons.net/l/by-nc/4.0/88x31.png": "CC-BY-NC-4.0",
    "http://publications.europa.eu/resource/authority/licence/CC_BYNCSA_4_0": "CC-BY-NC-SA-4.0",
    "木兰宽松许可证第2版": "MulanPSL-2.0",
    "Apache许可证2.0": "Apache-2.0",
    "公共领域": "LicenseRef-provenance-public-domain",
    "Open Government License 2.0 (Canada)": "OGL-Canada-2.0",
    "Apple MIT License": "AML",
    "GNU GPL v2 or any later version": "GPL-2.0-or-later",
    "GPL-2.0 WITH Classpath-exception-2.0": "GPL-2.0-only WITH Classpath-exception-2.0",
    '<a href="https://creativecommons.org/licenses/by-nc/4.0/">CC BY-NC 4.0</a>': "CC-BY-NC-4.0",
    "Released under [CC BY-NC 4.0](https://creativecommons.org/licenses/by-nc/4.0/)": "CC-BY-NC-4.0",
    "[More Information Needed]": None,
}


@pytest.mark.parametrize(("raw", "expression"), TRANSLATED.items())
def test_names_in_other_languages_addresses_and_ports(raw, expression):
    assert normalise(raw).expression == expression


def test_every_official_name_is_its_own_licence():
    """Exhaustive over SPDX's list, as ids and names, also in lower case and with a word that says nothing."""
    wrong = []
    for id_, name in load_official().items():
        right = str(load_spdx().parse(id_))
        for spelling in (id_, id_.lower(), name, name.lower(), f"the {name}", f"{name} License"):
            expression = normalise(spelling).expression
            if expression != right:
                wrong.append((spelling, expression))
    assert not wrong
    assert len(load_official()) > 700


HUB_TAGS = """
    apache-2.0 mit bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0 bigcode-openrail-m afl-3.0 artistic-2.0
    bsl-1.0 bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0
    cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0
    cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0
    etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gpl-2.0 gpl-3.0 lgpl-2.1 lgpl-3.0 isc h-research intel-research lppl-1.3c ms-pl
    apple-ascl apple-amlr mpl-2.0 odc-by odbl openmdw-1.0 openmdw-1.1 openrail++ osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib pddl
    lgpl-lr deepfloyd-if-license fair-noncommercial-research-license llama2 llama3 llama3.1 llama3.2 llama3.3 llama4
    grok2-community gemma
"""


def test_tags_of_the_hub_are_licences_and_its_families_are_none():
    unread = [tag for tag in HUB_TAGS.split() if (normalise(tag).expression or UNKNOWN) == UNKNOWN]
    assert not unread
    families = ("bsd", "cc", "gfdl", "gpl", "lgpl", "openrail", "other", "unknown")
    assert [tag for tag in families if normalise(tag).expression is not None] == []


_NAMES = ["MIT", "Apache 2.0", "CC BY 4.0", "CC BY-NC 4.0", "CC-BY-SA-3.0", "GPL-3.0", "ODC-By", "CC0", "BSD 3-Clause"]
_RIDERS = [
    "for research use only", "except images", "with additional terms", "non-commercial", "no commercial use", "(restricted)",
    "unless stated otherwise", "upon request", "模型除外", "仅供研究", "不得用于商业用途", "nur für Forschung", "ausgenommen Bilder",
    "usage non commercial", "sauf mention contraire", "solo para investigación", "uso no comercial", "apenas para pesquisa",
    "não comercial", "非営利", "ただし画像を除く", "plus the Zork addendum", "but not for training", "style", "lite",
]  # fmt: skip
_LINKS = [" ", ", ", "; ", " - ", " (", ": ", "\n", " and ", " / "]
_SCOPES = [
    "{}",
    "{} for data",
    "data: {}",
    "dataset under {}",
    "{} (data)",
    "数据: {}",
    "Daten: {}",
    "données: {}",
    "datos: {}",
    "データ: {}",
]


def _ranks(expression):
    return [find_right(expression, purpose).rank for purpose in PURPOSES]


@given(
    st.sampled_from(_NAMES), st.sampled_from(_LINKS), st.sampled_from(_RIDERS), st.sampled_from(_SCOPES), st.booleans()
)
def test_nothing_that_stands_beside_a_name_makes_it_milder_or_leaves_it_free(name, link, rider, scope, first):
    """An oracle of its own: the bare name's rights, of which no one grows, and commerce is not granted beside a rider."""
    statement = scope.format(f"{rider}{link}{name}" if first else f"{name}{link}{rider}")
    conclusion = normalise(statement).expression
    assert all(
        found <= bare for found, bare in zip(_ranks(conclusion), _ranks(normalise(name).expression), strict=True)
    )
    assert find_right(conclusion, "commercial-service").value not in {"yes", "conditional"}, (statement, conclusion)


@given(
    st.sampled_from(_NAMES), st.sampled_from(_NAMES), st.sampled_from([", ", "; ", " / ", " & ", " and ", "\n", " + "])
)
def test_two_names_are_as_strict_as_either(one, other, link):
    both = _ranks(normalise(f"{one}{link}{other}").expression)
    for name in (one, other):
        assert all(found <= single for found, single in zip(both, _ranks(normalise(name).expression), strict=True))


@given(
    st.sampled_from(_NAMES),
    st.sampled_from(["MIT", "Apache 2.0"]),
    st.sampled_from([", ", "; ", ". ", "\n", " and ", " | "]),
    st.booleans(),
)
def test_the_data_half_decides_for_data(data, code, link, first):
    halves = [f"code: {code}", f"data: {data}"] if first else [f"data: {data}", f"code: {code}"]
    parts = {part.subject: part.licence.expression for part in split_statement(link.join(halves))}
    assert parts == {"code": normalise(code).expression, "data": normalise(data).expression}


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


@pytest.mark.parametrize(
    "raw",
    [
        "CC BY 4.0 plus terms of use", "CC BY 4.0 with conditions", "MIT and agreement", "MIT (?)", "metadata CC0",
        "the paper is CC BY 4.0", "MIT 及使用条款", "MIT and/or CC BY-NC 4.0",
    ],
)  # fmt: skip
def test_terms_doubt_and_other_works_beside_a_name_are_no_licence_of_the_data(raw):
    stated = {part for each in split_statement(raw) for part in (each.licence.expression or UNKNOWN).split(" AND ")}
    assert stated & {UNKNOWN, "CC-BY-NC-4.0"}
    assert not any(" OR " in each for each in stated)
