"""Personal data in what manifests say is replaced by its kind; what only looks like it stays."""

from __future__ import annotations

import pytest

from provenance.sources.privacy.masking import mask

MASKS = {
    "jane.doe@corp-x.com": "[email]", "Jane <jane.doe@corp-x.com>, ok": "Jane <[email]>, ok", "info@corp-x.com": "[email]",
    "jane (at) corp-x (dot) com": "[email]", "jane[at]corp-x.com": "[email]", "jane at corp-x dot com": "[email]",
    "jane＠corp-x.com": "[email]", "ja\u200bne@corp-x.com": "[email]", "jane&#64;corp-x.com": "[email]",
    "mailto:jane@corp-x.com": "mailto:[email]", "jöhn@corp-x.de": "[email]", "write to jane@corp-x": "write to [email]",
    "https://x.org/u?email=jane%40corp-x.com&id=3": "https://x.org/u?email=[email]&id=3",
    "https://x.org/u/jane@corp-x.com/y": "https://x.org/u/[email]/y", "+49 151 23456789": "[phone]",
    "tel:+49-151-23456789": "tel:[phone]", "+1 (415) 555-2671": "[phone]", "(415) 867-5309": "[phone]",
    "415.867.5309": "[phone]", "020 7946 0958": "[phone]", "0171/2345678": "[phone]", "030 1234567": "[phone]",
    "13812345678": "[phone]", "电话：01012345678": "电话：[phone]", "Phone: 5551234": "Phone: [phone]", "+86-10-62781234": "[phone]",
    "１３８１２３４５６７８": "[phone]", "123-45-6789": "[id]", "11010519491231002X": "[id]",
    "passport no. C01X00T47": "passport no. [id]", "GB82 WEST 1234 5698 7654 32": "[iban]", "4111 1111 1111 1111": "[card]",
    "{jane,doe}@corp-x.org": "[email]", "{a.b | c.d}@cs.corp-x.org": "[email]", "jane.doe%40corp-x.org": "[email]",
    "QQ: 123456789": "QQ: [handle]", "QQ群：123456789": "QQ群：[handle]", "wechat: janedoe99": "wechat: [handle]",
    "微信号 janedoe99": "微信号 [handle]", "telegram @janedoe": "telegram [handle]", "Telegram: @jane_doe": "Telegram: [handle]",
    "+٩٦٦٥٠١٢٣٤٥٦٧": "[phone]", "電話 +९१ ९८७६५ ४३२१०": "電話 [phone]",
    "https://orcid.org/0000-0002-1825-0097": "https://orcid.org/[orcid]",
}  # fmt: skip

STAYS = [
    "CC-BY-4.0", "BSD-3-Clause", "10.5281/zenodo.1234567", "https://doi.org/10.1000/13812345678", "arXiv:2101.00027",
    "2021-01-05", "2019-2023", "1.2.3.4", "v10.20.30", "0f" * 32, "ISBN 978-3-16-148410-0", "git@github.com:org/x.git",
    "ssh://git@github.com/org/x", "https://x.org/?id=13812345678", "https://x.org/20210105/415-867-5309", "icon@2x.png",
    "no licence in 1,234,567 of 13,912,345,678 records", "Copyright (c) 2019-2023, 2024", "train=1000000",
    "see section 3.2.1 of RFC 3986", "12,345,678 sentences in 1999-2000", "ISO 639-3", "actions/checkout@v4",
    "telegram: channels and groups", "line 12 of signal", "Discord messages", "QQ pairs", "{a,b}", "الصفحة ١٢٣",
    "https://github.com/o/r@main", "hf://datasets/o/n@refs/convert/parquet/x", "git+https://github.com/o/r@abc1234",
    "https://cdn.jsdelivr.net/gh/o/r@master/x.csv", "https://cdn.jsdelivr.net/npm/pkg@next", "https://unpkg.com/pkg@latest",
    "https://huggingface.co/datasets/o/n@main", "gs://b/x@y", "https://h.org/a@b/c", "https://github.com/o/r@1.0.dev2",
    "https://github.com/o/r.git@feature-x#egg=r", "r@main", "01-02-2020", "05 06 2020 1234", "31/12/2019 12:30",
    "ISNI 0000 0001 2103 2683", "0000-0001-2103-2683", "800-900-1000 tokens", "100 200 3000", "(100) 200-3000",
    "page 123-456-7890", "Room 0123 45678", "Table 01-2345-678", "signal: 0.1234567", "mobile 12345678 samples",
    "Cell 1234567 rows", "handy 123456", "+12345678", "+1 -1 +1000000000", "AB12CDEF3456GHIJ7890", "US123456789012345678",
    "https://medium.com/@jane/article", "305GB 1024x768", "pages 123-4567", "org/name@main", "12 345 678 words",
]  # fmt: skip


def kind(name, _value):
    return f"[{name}]"


@pytest.mark.parametrize(("text", "expected"), MASKS.items())
def test_values_are_replaced_by_their_kind(text, expected):
    assert mask(text, kind) == expected
    assert mask(expected, kind) == expected


@pytest.mark.parametrize("text", STAYS)
def test_what_only_looks_like_one_stays(text):
    assert mask(text, kind, addresses=text != "1.2.3.4") == text
