"""Text that cannot steer a terminal or deceive: nothing is dropped, ordinary text of any script stays."""

from __future__ import annotations

import json

import pytest

from provenance.core import escaping

HOSTILE = {
    "escape": ("\x1b[31mred\x1b]8;;http://evil\x07", r"\x1b[31mred\x1b]8;;http://evil\x07"),
    "c1": ("\x9b2J\x85", r"\x9b2J\x85"),
    "newline": ("a\nOK: verified\r", r"a\nOK: verified\r"),
    "delete": ("a\x7f\x00", r"a\x7f\x00"),
    **{
        f"bidi-{code:x}": (f"a{chr(code)}b", f"a\\u{code:04x}b")
        for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
    },
    **{f"mark-{code:x}": (chr(code), f"\\u{code:04x}") for code in (0x200E, 0x200F, 0x61C)},
    "zero-width": ("a\u200bb\u200dc\u2060\ufeff\u00ad", r"a\u200bb\u200dc\u2060\ufeff\xad"),
    "lines": ("a\u2028b\u2029", r"a\u2028b\u2029"),
    "surrogate": ("a\udcff\ud800", r"a\udcff\ud800"),
    "fillers": ("\u3164\u115f\u034f", r"\u3164\u115f\u034f"),
    "tags": ("a\U000e0041", r"a\U000e0041"),
    "selector": ("a\ufe0f\U000e0101", r"a\ufe0f\U000e0101"),
    "private": ("\ue000", r"\ue000"),
    "marks": ("e" + 10 * "\u0301", "e" + 8 * "\u0301" + r"\u0301\u0301"),
}

ORDINARY = [
    "plain text, a\\b",
    "中文　数据集",
    "بيانات التدريب",
    "می‌خواهم",
    "נתונים",
    "क्‍ष",
    "👨‍👩‍👧 ❤️ 1️⃣ 👍🏽",
    "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "葛\U000e0100",
    "é é",
]


@pytest.mark.parametrize(("text", "shown"), HOSTILE.values(), ids=HOSTILE)
def test_what_cannot_be_seen_is_shown(text, shown):
    assert escaping.escape_to_line(text) == shown


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays(text):
    assert escaping.escape_to_line(text) == text


@pytest.mark.parametrize("text", [*ORDINARY, *(text for text, _ in HOSTILE.values())])
def test_json_stays_of_the_same_value(text):
    made = escaping.json_text(json.dumps({text: text}, ensure_ascii=False, indent=1))
    assert json.loads(made) == {text: text}
    assert escaping.escape(made, keep="\n") == made


def test_what_is_long_is_cut_and_counted():
    assert escaping.escape_to_line("x" * 219_032, 10) == "xxxxxxxxxx… (219,022 more characters)"


def test_text_from_the_right_is_kept_to_itself():
    assert escaping.isolate_directions("נתונים 12: 5") == "\u2068נתונים\u2069 12: 5"
