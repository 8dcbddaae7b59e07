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
from provenance.licences.terms import find_right
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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("License: MIT", [(1, "any", "MIT")]),
        ("**License**: Apache 2.0", [(1, "any", "Apache-2.0")]),
        ("## License\n\nMIT", [(3, "any", "MIT")]),
        ("## Data License\n\nCC BY-SA 4.0", [(3, "data", "CC-BY-SA-4.0")]),
        ("License: Permissive Unknown", [(1, "any", None)]),
        ("The dataset is CC BY NC 4.0 (allowing only non-commercial use).", [(1, "data", "CC-BY-NC-4.0")]),
        ("The weight diff is also CC BY NC 4.0.", [(1, "model", "CC-BY-NC-4.0")]),
        (
            "All the code and supporting tools are licensed under the Apache-2.0. The original dataset is CC BY NC 4.0.",
            [(1, "code", "Apache-2.0"), (1, "data", "CC-BY-NC-4.0")],
        ),
        ("Code and data are licensed under the Apache 2.0 license.", [(1, "data", "Apache-2.0")]),
        ("Our dataset and code are released under MIT.", [(1, "data", "MIT")]),
        (
            "This dataset is distributed under [the ODC-By license](https://opendatacommons.org/licenses/by/1-0/).",
            [(1, "data", "ODC-By-1.0")],
        ),
        (
            "[![Data License](https://img.shields.io/badge/Data%20License-CC%20By%20NC%204.0-red.svg)](x)",
            [(1, "data", "CC-BY-NC-4.0")],
        ),
        ("[![License](https://img.shields.io/badge/License-Apache_2.0-green.svg)](x)", [(1, "any", "Apache-2.0")]),
        ("本仓库的代码依照 [Apache-2.0](LICENSE) 协议开源。", [(1, "code", "Apache-2.0")]),
        ("This repository is licensed under the [Apache-2.0 License](LICENSE).", [(1, "any", "Apache-2.0")]),
        (
            "# Dolma\n\nDolma is licensed under **[ODC-BY](https://opendatacommons.org/licenses/by/1-0/)**",
            [(3, "any", "ODC-By-1.0")],
        ),
        (
            "Source code in this repository is licensed under\nthe GNU General Public License, Version 3 or later.",
            [(2, "code", "GPL-3.0-or-later")],
        ),
        ("本项目的数据仅供研究，不得用于商业用途。", [(1, "data", "LicenseRef-provenance-research-only")]),
        ("Alpaca is intended and licensed for research use only.", [(1, "any", "LicenseRef-provenance-research-only")]),
    ],
)
def test_a_notice_is_found(text, expected):
    text = text if text.startswith("#") or "Alpaca" not in text else "# Alpaca\n\n" + text
    offset = 2 if text.startswith("# Alpaca") else 0
    found = [(line, subject, licence.expression) for line, subject, licence in find_notices(text)]
    assert found == [(line + offset, subject, expression) for line, subject, expression in expected]


@pytest.mark.parametrize(
    "text",
    [
        "Please follow the model licenses to use the model weights: [BLOOM](https://x.y/license) / [Gemma](https://ai.google.dev/gemma/terms)",
        "使用模型权重时，请遵循对应的模型协议：[Gemma](https://ai.google.dev/gemma/terms)",
        "Model weights aren't part of the release for now, to respect OpenAI TOS and LLaMA license.",
        "请参考[Meta LLaMA的License](https://github.com/facebookresearch/llama/blob/main/LICENSE)，目前仅供学习交流。",
        "Unlike other datasets that are limited to non-commercial use, it may be sold.",
        "This dataset can be used for any purpose, whether academic or commercial.",
        "Chunks of it were developed at MIT with Justin Johnson.",
        "| Text classifier | [fastText](https://x.y) | MIT License | |",
        "- [Licence](#licence)",
        "- `license`: A string, one of cc0, cc-by-nc or MIT License",
        "```\nLicense: MIT\n```",
        "Visual Genome is licensed under a Creative Commons Attribution 4.0 International License.",
        "SPDX-License-Identifier: CC-BY-4.0",
        "## Limitations\n\nDataset provided for research purposes only. Please check dataset license for additional information.",
        "## Licence\n\n- PubMed Central: [MIT License](https://x.y/LICENSE)",
    ],
)
def test_what_is_said_of_others_is_no_claim(text):
    assert find_notices(text) == []


NC, BY = "CC-BY-NC-4.0", "CC-BY-4.0"

STATED = {
    "a link": ("Released under [CC BY-NC 4.0](https://creativecommons.org/licenses/by-nc/4.0/).", [(3, "any", NC)]),
    "hard line breaks": (
        "These logs may only be used\nfor research applications and are not for\ncommercial use.",
        [(3, "any", "LicenseRef-provenance-research-only")],
    ),
    "a table of properties": ("| Property | Value |\n|---|---|\n| License | CC BY-NC 4.0 |\n| Size | 3 |", [(5, "data", NC)]),
    "a table of parts": (
        "| Subset | License |\n|---|---|\n| en | CC BY 4.0 |\n| de | CC BY-NC 4.0 |",
        [(5, "data", BY), (6, "data", NC)],
    ),
    "a picture's words": ("[![CC BY-NC 4.0][shield]][link]", [(3, "any", NC)]),
    "a German heading": ("## Lizenz\n\nNamensnennung - Nicht kommerziell 4.0 International", [(5, "any", NC)]),
    "a French sentence": ("## Licence\n\nLes données sont publiées sous licence CC BY-NC 4.0.", [(5, "any", NC)]),
    "a Spanish sentence": ("Los datos se publican bajo la licencia CC BY-NC 4.0.", [(3, "any", NC)]),
    "a Portuguese heading": ("## Licença\n\nCC BY-NC 4.0", [(5, "any", NC)]),
    "a Japanese sentence": ("## ライセンス\n\n本データセットは CC BY-NC 4.0 の下で公開されています。", [(5, "any", NC)]),
    "a Chinese sentence": ("## 许可\n\n本数据集采用 CC BY-NC 4.0 协议。", [(5, "data", NC)]),
    "a heading with a line below": ("License\n-------\n\nCC BY-NC 4.0\n", [(6, "any", NC)]),
    "a part of a section on licences": (
        "## License\n\n### Speech\n\nThe license for Speech is CC BY 4.0",
        [(7, "any", BY)],
    ),
    "code and data in two sentences": ("## License\n\nThe code is MIT. The data is CC BY-NC 4.0.", [(5, "code", "MIT"), (5, "data", NC)]),
    "who downloads agrees": (
        "By downloading the data you agree to use it for non-commercial research only.",
        [(3, "data", "LicenseRef-provenance-research-only")],
    ),
    "terms of a service": (
        "Answers were written by GPT-4 and are subject to OpenAI's terms of use.",
        [(3, "data", "LicenseRef-provenance-openai-terms")],
    ),
    "all rights reserved": ("© 2020 Acme. All rights reserved.", [(3, "any", "LicenseRef-provenance-all-rights-reserved")]),
    "what models may be used for": (
        "The dataset is CC BY NC 4.0 and models trained using it should not be used outside of research purposes.",
        [(3, "data", NC), (3, "model", "LicenseRef-provenance-research-only")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", STATED)
def test_prose_states_restricts_and_reserves(case):
    text, expected = STATED[case]
    found = find_notices(f"# Harbour\n\n{text}")
    assert sorted((line, subject, licence.expression) for line, subject, licence in found) == expected


RIDERS = [
    "This dataset is released under the MIT license, except for the images.",
    "This dataset is released under the MIT license. However, commercial use is not allowed.",
    "This dataset is released under the MIT license, subject to the additional terms below.",
    "The data is licensed under MIT but redistribution requires permission of the authors.",
    "## License\n\nMIT. The audio files are not covered.",
    "Dieser Datensatz steht unter MIT-Lizenz, ausgenommen die Bilder.",
    "Este conjunto de datos se publica bajo la licencia MIT, excepto las imágenes.",
    "Ce jeu de données est publié sous licence MIT, sauf les images.",
    "本数据集采用 MIT 协议，但不得用于商业用途。",
    "This dataset is licensed under the MIT license and may not be used to train models.",
    "License: MIT - no resale, no commercial use",
    "License: MIT; songs: CC BY-NC 3.0",
    "License: MIT - mind the house rules",
    "许可证：MIT。仅供教学研究",
    "License: MIT plus house rules",
    "This dataset is released under the MIT license for personal use.",
    "This dataset is released under the MIT license to researchers.",
    "This dataset is released under the MIT license within the UK.",
    "This dataset is released under the MIT license, without the right to change it.",
    "This dataset is released under the MIT license plus a house policy.",
    "This dataset is licensed under an MIT-style licence.",
    "This dataset is licensed under a modified MIT license.",
    "This dataset is released under the MIT license; some songs are copyrighted.",
    "This dataset is released under the MIT license. Do not pass it on.",
    "This dataset is released under the MIT license. Remixes are forbidden.",
    "This dataset is released under the MIT license. The songs remain copyrighted by their singers.",
    "Dieser Datensatz steht unter MIT-Lizenz. Änderungen sind verboten.",
    "Ce jeu de données est publié sous licence MIT. Adaptations interdites.",
    "本数据集采用 MIT 协议。禁止转售。",
    "## License\n\nMIT\n\nNot for shops.",
    "## License\n\nMIT\n\nNo remixes.",
    "## License\n\nMIT\n\nAll rights reserved.",
    "- License: MIT\n- Commercial use: no",
    "License: MIT\nUsage: research only",
    "## License\n\nMIT\n\n## Restrictions\n\nNo commercial use.",
]


NONCOMMERCIAL, RESEARCH, NO_TRAINING = (
    f"LicenseRef-provenance-{each}" for each in ("noncommercial", "research-only", "no-training")
)


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("No commercial use!", NONCOMMERCIAL),
        ("Commercial use is strictly prohibited.", NONCOMMERCIAL),
        ("You are not allowed to use these songs for commercial ends.", NONCOMMERCIAL),
        ("Commercial use: forbidden", NONCOMMERCIAL),
        ("Der Korpus darf nicht kommerziell verwendet werden.", NONCOMMERCIAL),
        ("Les textes ne peuvent pas être utilisés à des fins commerciales.", NONCOMMERCIAL),
        ("Usage commercial interdit.", NONCOMMERCIAL),
        ("Los textos no pueden usarse con fines comerciales.", NONCOMMERCIAL),
        ("Os textos não podem ser usados para fins comerciais.", NONCOMMERCIAL),
        ("本语料不得用于\n商业目的。", NONCOMMERCIAL),
        ("For academic use only.", RESEARCH),
        ("Die Texte dürfen nur für Forschungszwecke verwendet werden.", RESEARCH),
        ("Solo para uso académico.", RESEARCH),
        ("Apenas para uso acadêmico.", RESEARCH),
        ("No AI training.", NO_TRAINING),
        ("Training of language models on these songs is not permitted.", NO_TRAINING),
    ],
)
def test_a_restriction_that_stands_alone_is_stated(text, expression):
    assert expression in {licence.expression for _, _, licence in find_notices(f"# Harbour\n\n{text}\n")}


@pytest.mark.parametrize("text", RIDERS)
def test_what_limits_a_licence_in_prose_is_never_dropped(text):
    found = find_notices(f"# Harbour\n\n{text}")
    assert any(licence.expression and "MIT" in licence.expression for _, _, licence in found)
    stated = [normalise(licence.raw).expression for _, _, licence in found]  # as CLAIMS has it
    assert (
        min(find_right(each, "commercial-service").rank for each in stated) < find_right("MIT", "redistribution").rank
    )


@pytest.mark.parametrize(
    "text",
    [
        "The Bay corpus is licensed under CC BY-NC 4.0. We do not use it.",
        "## Related work\n\nThe Bay corpus is licensed under CC BY-NC 4.0. This dataset by X is released under MIT.",
        "This dataset is meant for research.",
        "This dataset is intended for research on ships.",
        "MIT, BSD and Apache are permissive licences.",
        "The MIT license is a permissive license.",
        "This dataset is not licensed under the MIT license.",
        "The data is no longer released under the MIT license.",
        "The data is not restricted to non-commercial use.",
        "If you need the data under the MIT license, write to us.",
        "The data will be released under the MIT license.",
        "Can I use the data under the MIT license?",
        "## Tools\n\n| Tool | License |\n|---|---|\n| fastText | MIT |",
        "## Thanks\n\nThe code of the Bay library is licensed under the MIT license.",
        "The models were trained on text of all rights.",
        "The dataset may be released under the MIT license.",
        "We plan to release the data under the MIT license.",
        "We removed all songs licensed under GPL-3.0.",
        "We annotated with Praat, which is GPL-3.0 licensed.",
        "The logo is all rights reserved.",
        '> "This dataset is for research only" is a line we often saw.',
        "The data is useful only for research on tides.",
        "## License\n\n_e.g. CC BY-NC 4.0_",
        "## License\n\nTODO: choose a license (MIT? CC BY-NC?)",
        "<!-- License: CC BY-NC 4.0 -->",
    ],
)
def test_other_works_purposes_and_plans_are_no_statement(text):
    assert find_notices(f"# Harbour\n\n{text}") == []


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
