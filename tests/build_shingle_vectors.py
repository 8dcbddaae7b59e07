"""Builds provenance/data/shingle-v1-vectors.json from the plain-Python definition and the reference xxHash library.

Run by hand on Python 3.11 (Unicode 14.0.0): `python tests/build_shingle_vectors.py`. The kernel has no part in it.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from pathlib import Path

import xxhash

from provenance.similarity.shingles import SHINGLE, shingles_reference
from provenance.similarity.text import NORMALISATION, normalise_reference

TEXTS = [
    "", " ", "...", "_", "a", "Hello, World!", "one two three four", "one two three four five", "one two three four five six",
    "The quick brown fox jumps over the lazy dog.", "THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG", "snake_case and CamelCase x_1",
    "don't stop 3.14 1,000 50% e-mail", "tab\tnew\nline\r\nnull\x00end", "ﬁne ﬂow oﬃce", "Straße STRASSE straße ẞ",
    "Ångström Å Å A\u030a", "naïve naı\u0308ve café cafe\u0301", "İstanbul ISTANBUL ıstanbul", "ǅ ǆ Ǆ Ǳ", "①②③ ⅷ ½ ² ㎏ №",
    "ﷺ بسم الله الرحمن الرحيم", "مرحبا بالعالم، كيف حالك اليوم؟", "שלום עולם מה שלומך היום", "שָׁלוֹם",
    "Привет, мир! Как дела сегодня?", "ЁЖИК ёжик е\u0308жик", "Γειά σου Κόσμε ΣΊΣΥΦΟΣ σίσυφος", "ᾳ ᾼ αι ΐ",
    "नमस्ते दुनिया आप कैसे हैं आज", "হ্যালো বিশ্ব কেমন আছেন", "வணக்கம் உலகம் எப்படி இருக்கிறீர்கள்", "สวัสดีชาวโลก กินข้าวหรือยัง",
    "ສະບາຍດີໂລກ", "សួស្តី\u200bពិភពលោក", "မင်္ဂလာပါ ကမ္ဘာလောက", "你好，世界！今天天气怎么样？", "中文and英文mixed在一起123", "繁體中文與简体中文",
    "〇一二三 々 〆", "ｆｕｌｌｗｉｄｔｈ ＡＢＣ　１２３", "こんにちは世界、データです。", "ｶﾞｷﾞｸﾞ ガギグ か\u3099", "カタカナ ー ラーメン", "안녕하세요 세계 오늘은",
    "\u1112\u1161\u11ab\u1100\u1173\u11af 한글", "q\u0307\u0323 q\u0323\u0307", "\u0301leading mark", "👩\u200d💻 emoji 🇨🇳 only 😀", "𝒜𝓁𝓅𝒽𝒶 𝟙𝟚𝟛",
    "𠀀𠮷野家 CJK 扩展", "ᄀ가각 ᆨ", "Ω Ω K K", "a\u200bb\u200cc\u200dd\ufeffe", "x" * 100, "word " * 12, "中" * 12,
    "SELECT * FROM t WHERE a = 1 AND b <> 2;", "def f(x): return x**2  # comment", "https://example.org/path?q=1&r=2",
]  # fmt: skip


def main() -> None:
    if unicodedata.unidata_version != "14.0.0":
        sys.exit(f"needs Unicode 14.0.0 (Python 3.11), not {unicodedata.unidata_version}")
    vectors = [
        {
            "text": text,
            "normalised": normalise_reference(text),
            "shingles": [f"{xxhash.xxh64_intdigest(s.encode()):016x}" for s in shingles_reference(text)],
        }
        for text in TEXTS
    ]
    path = Path(__file__).parents[1] / "provenance" / "data" / "shingle-v1-vectors.json"
    head = {"normalisation": NORMALISATION, "shingle": SHINGLE, "vectors": vectors}
    path.write_text(json.dumps(head, indent=1, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main()
