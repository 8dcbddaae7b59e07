from __future__ import annotations

import re
import textwrap
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.core import package_data
from provenance.licences.expressions import normalise
from provenance.licences.texts import find_notices, hash_runs, identify, split_words

ROOT = Path(__file__).parents[2]
MIT = (ROOT / "manifests/examples/readme/LICENSE").read_text(encoding="utf-8")
SPDX = "{http://www.spdx.org/license}"


@pytest.mark.parametrize(
    ("text", "expressions"),
    [
        (MIT, ["MIT"]),
        ("# Licence\n\n" + "\n".join(textwrap.wrap(MIT, 40)), ["MIT"]),
        (
            "# My Data\n\nThese are my words on it.\n\n## Licence\n\n" + MIT + "\n\n## Thanks\n\nTo all who helped.\n",
            ["MIT"],
        ),
        (MIT.replace("https:", "http:"), ["MIT"]),
        ("Released under the terms of the MIT license.\n\n" + MIT, ["MIT"]),
        (
            (
                "This work is licensed under the Creative Commons Attribution-NonCommercial 4.0 International License. "
                "To view a copy of this license, visit http://creativecommons.org/licenses/by-nc/4.0/ or send a letter to "
                "Creative Commons, PO Box 1866, Mountain View, CA 94042, USA.\n"
            ),
            ["CC-BY-NC-4.0"],
        ),
        (
            "These songs are licensed under the MIT License.\nThey may be sung in our choir room alone.\n",
            ["LicenseRef-provenance-unknown AND MIT"],
        ),
        (MIT.replace("The Tide Table Authors", "Commerce Research Institute for Models"), ["MIT"]),
        ("CC BY-NC 4.0", ["CC-BY-NC-4.0"]),
        ('Copyright 2020 X\n\nLicensed under the Apache License, Version 2.0 (the "License");', ["Apache-2.0"]),
        (
            (
                "The talks in this folder are licensed under the Creative Commons Attribution 4.0 International License.\n"
                "To view a copy of this license, visit https://creativecommons.org/licenses/by/4.0/\n"
            ),
            ["CC-BY-4.0"],
        ),
        ("hello world " * 200, []),
        ("", []),
    ],
)
def test_a_text_is_identified(text, expressions):
    found = identify(text)
    assert [licence.expression for licence in found] == expressions


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (MIT + "\nNo commercial use is permitted.", "MIT with additions: commercial"),
        (
            MIT.replace("subject to", "provided it is not used to train machine learning models, subject to", 1),
            "training",
        ),
        ("Commons Clause: the grant of rights does not include the right to Sell the Software.\n" + MIT, "commercial"),
        ("Copyright 2023 X. Non-commercial use only.\n" + MIT, "commercial"),
        (MIT + "\n仅供研究使用，不得用于商业。", "commercial"),
        (MIT + "\nThe Software shall be used for Good, not Evil.", "terms"),
        (
            "MIT License\n\n" + "You may look at this data on Tuesdays and keep it in a warm place. " * 20,
            "calls itself MIT",
        ),
        (MIT[: len(MIT) // 2], "partial text of MIT"),
    ],
)
def test_a_changed_text_is_another_licence(text, note):
    (found,) = identify(text)
    assert note in found.note
    assert found.expression is None or "partial" in note
    assert normalise(found.note).expression is None  # nor may the note, written down as a claim, pass for the licence


@given(st.text(max_size=2000))
def test_any_text_is_answered(text):
    assert all(licence.expression or licence.note for licence in identify(text))
    assert all(1 <= line <= len(text) + 1 for line, _, _ in find_notices(text))


@given(st.lists(st.text("abc", min_size=1, max_size=3), max_size=40))
def test_runs_are_windows_of_five_words(some):
    assert len(hash_runs(some)) == max(0, len(some) - 4)
    assert hash_runs(split_words(" ".join(some))) == hash_runs(some)


@pytest.mark.parametrize(
    "rider",
    [
        "No commercial use is permitted.", "This may not be used for training machine learning models.", "No AI training.", "仅供研究",
        "不得用于商业用途", "Commons Clause", "The data is restricted.", "Research only.", "Images excluded.", "Nur für Forschung",
        "Data: all rights reserved, ask us.", "Usage non commercial uniquement", "Salvo las imágenes",
        "The data in this folder is licensed separately and not under this licence.",
        "You must obtain written permission from the authors before redistribution of the data.",
        "Recordings: CC BY-NC 4.0", "The songs are released under CC BY-NC-ND 3.0.", "AGPL-3.0 for server/.",
        "https://creativecommons.org/licenses/by-nc-sa/4.0/", "Maps (c) Bay Survey.", "The films are proprietary.",
        "Look into FILM_LICENSE for the films.", "Firms above 10 million guests take another licence.",
        "Les photos appartiennent à leurs auteurs.", "Die Fotos gehören dem Museum.", "As fotos pertencem ao museu.",
        "Фотографии принадлежат музею.", "사진의 저작권은 박물관에 있습니다.", "照片版权归博物馆。", "Good for ninety days.",
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["before", "behind", "between the lines", "in a sentence"])
def test_words_added_to_a_text_that_limit_are_never_dropped(rider, place):
    text = {
        "before": f"{rider}\n\n{MIT}",
        "behind": f"{MIT}\n{rider}\n",
        "between the lines": MIT.replace("\n\nTHE SOFTWARE", f"\n\n{rider}\n\nTHE SOFTWARE"),
        "in a sentence": MIT.replace("subject to", f"{rider} subject to", 1),
    }[place]
    assert text != MIT
    assert {licence.expression for licence in identify(text)} == {None}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("without restriction", "with restriction"), ("any person", "any pupil"), ("free of charge", "free of charge in May"),
        ("free of charge", "for a charge"), ("to deal in", "to look at"), ("is hereby granted", "is hereby asked"),
    ],
)  # fmt: skip
def test_one_word_that_is_changed_makes_a_text_another(old, new):
    text = " ".join(MIT.split()).replace(old, new, 1)
    assert new in text
    assert [licence.expression for licence in identify(text)] == [None]


@pytest.mark.parametrize("words", ["without restriction", "sell", "modify", "free of charge"])
def test_words_left_out_of_a_text_make_it_another(words):
    text = " ".join(MIT.split()).replace(words, "", 1)
    assert len(text) < len(" ".join(MIT.split()))
    (found,) = identify(text)
    assert found.expression is None
    assert found.raw == "MIT"


@pytest.mark.parametrize(
    "text",
    [
        "MIT License",
        "# Apache License 2.0\n",
        "MIT License\n\nYou may look at this data but not copy it, modify it, or use it for any purpose without permission.",
        "Apache License\n\nAll uses need our consent.",
        "BSD 3-Clause License\n\n本数据不得使用。",
    ],
)
def test_a_title_alone_is_no_licence_text(text):
    assert [licence.expression for licence in identify(text) if licence.expression] == []
    assert all(normalise(licence.note).expression is None for licence in identify(text))


def test_the_index_is_small():
    assert (package_data.DATA_FOLDER / "licence-texts.npz").stat().st_size < 1_500_000


def test_hostile_texts_cost_bounded_time():
    for text in (
        "a " * 1_000_000,
        "licence: " * 100_000,
        "[" * 300_000,
        "* " * 200_000,
        "# \n" * 100_000,
        "is under " * 100_000,
    ):
        begin = time.perf_counter()
        identify(text)
        find_notices(text)
        assert time.perf_counter() - begin < 20  # a pattern that goes back and forth takes minutes


# --- real texts ----------------------------------------------------------------------------------------------------


def _variants(text):
    plain = re.sub(r"\s+", " ", text)
    yield text
    yield "# License\n\nCopyright (c) 2023 Research Institute of Commerce\n\n" + "\n".join(textwrap.wrap(plain, 61))
    yield (
        "# My data\n\nSome words on how to download the files.\n\n## License\n\n"
        + text
        + "\n\n## Thanks\n\nThanks to all.\n"
    )


SAME_TEXT = re.compile(
    r"(?:-no)?(?:-invariants|-RFN)|-no-copyleft-exception|-Combined-Work-Exception|-or-later$|-only$|\+$"
)


@pytest.mark.realdata
def test_every_official_text_is_itself_or_no_exact_text(realdata):
    """Exhaustive over SPDX's list. Ids that share one text, as GPL-3.0-only and -or-later do, are one here."""
    wrong, right = [], 0
    for path in sorted((realdata / "licences/spdx_license_xml/src").rglob("*.xml")):
        root = ET.parse(path).getroot()  # noqa: S314 - a test's own data
        text = "".join(root.find(f".//{SPDX}text").itertext())
        ids = {path.stem, *(node.text for node in root.iter(f"{SPDX}obsoletedBy"))}
        for variant in (text, "\n".join(textwrap.wrap(" ".join(text.split()), 61))):
            found = {SAME_TEXT.sub("", licence.expression) for licence in identify(variant) if licence.expression}
            right += bool(found)
            if found - {SAME_TEXT.sub("", id_) for id_ in ids}:
                wrong.append((path.stem, found))
    assert not wrong
    assert right > 1300


@pytest.mark.realdata
def test_real_texts_verbatim_reflowed_and_within_a_readme(realdata):
    right = wrong = 0
    for path in sorted((realdata / "licences/choosealicense/_licenses").glob("*.txt")):
        head, text = path.read_text(encoding="utf-8").split("\n---\n", 1)
        id_ = re.search(r"spdx-id: (\S+)", head)[1]
        for variant in _variants(text):
            found = {licence.expression for licence in identify(variant)} - {None}
            assert all(each.removesuffix("-only") == id_ for each in found), (id_, found)
            right, wrong = right + bool(found), wrong + (not found)
    assert right / (right + wrong) > 0.85


@pytest.mark.realdata
def test_no_text_of_another_licence_passes_for_a_permissive_one(realdata):
    """Near relatives with a clause more: JSON, No-Nuclear, SSPL, Pixar."""
    for name in (
        "JSON",
        "BSD-3-Clause-No-Nuclear-License",
        "BSD-3-Clause-No-Military-License",
        "SSPL-1.0",
        "Pixar",
        "MITNFA",
        "PolyForm-Noncommercial-1.0.0",
    ):
        root = ET.parse(realdata / f"licences/spdx_license_xml/src/{name}.xml").getroot()  # noqa: S314 - a test's own data
        text = " ".join(root.find(f".//{SPDX}text").itertext())
        assert {licence.expression for licence in identify(text)} <= {
            None,
            name,
            "LicenseRef-provenance-noncommercial",
        }, name


@pytest.mark.realdata
def test_two_texts_in_one_file_both_apply(realdata):
    apache = (realdata / "data/instruct/stanford_alpaca/LICENSE").read_text(encoding="utf-8")
    assert {licence.expression for licence in identify(MIT + "\n-----\n" + apache)} == {"Apache-2.0", "MIT"}
    assert identify(apache[: len(apache) // 2])[0].note == "partial text of Apache-2.0"


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("path", "expressions"),
    [
        ("instruct/stanford_alpaca/DATA_LICENSE", ["CC-BY-NC-4.0"]),
        ("instruct/stanford_alpaca/LICENSE", ["Apache-2.0"]),
        ("instruct/belle_eval/LICENSE", ["Apache-2.0"]),
        ("instruct/gpteacher/LICENSE", ["MIT"]),
        ("web/data_juicer_demos/LICENSE", ["Apache-2.0", "BSD-3-Clause"]),
        ("spdx_examples/COPYING", ["GPL-3.0-only"]),
        ("spdx_examples/ai/example02/content/LICENSE", ["CC0-1.0"]),
    ],
)
def test_real_licence_files(realdata, path, expressions):
    text = (realdata / "data" / path).read_text(encoding="utf-8")
    assert [licence.expression for licence in identify(text)] == expressions
