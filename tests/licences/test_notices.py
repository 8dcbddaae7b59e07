from __future__ import annotations

import pytest

from provenance.licences.expressions import normalise
from provenance.licences.notices import find_notices
from provenance.licences.terms import find_right


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
    "| Field | Value |\n|---|---|\n| License | MIT |\n| Restrictions | non-commercial use |",
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
