"""Builds provenance/data/shingle-v1-vectors.json and -v2- from the plain-Python definition and the reference xxHash library.

Run by hand on Python 3.11 (Unicode 14.0.0): `python tools/build_shingle_vectors.py`. The kernel has no part in it. Those
of version 1 never change again.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from pathlib import Path

import xxhash

from provenance.similarity.text.normalisation import NORMALISATION, NORMALISATION_V1
from provenance.similarity.text.reference_normalisation import normalise_reference
from provenance.similarity.text.shingles import SHINGLE, SHINGLE_V1, shingles_reference

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

INVISIBLE = [
    "ha\u200brbour qua\u200brry ma\u200brket cliff ferry", "soft\u00adhyphen\u00ads a\u00ad b", "\u200b\u200c\u200d\u2060\ufeff", "\u0640", "\u00ad",
    "مرســاة تيــار بوصلة عبارة إشارة", "e\u200d\u0301 e\u034f\u0301 \u200b\u0301a", "a\u0323\u200b\u0301 a\u0301\u200b\u0323", "\u1100\u200b\u1161\u2060\u11a8 \u115f\u1161 \u1100\u1160",
    "か\ufe00\u3099 中\ufe00文\U000e0100", "\ufe77\ufe79 \ufcf2 س\ufe77", "\u3164x\uffa0y", "one\u2063two \u202dthree\u202c four five six", "👩\u200d💻 ❤\ufe0f a",
    "line\u2028two para\u2029three \u2061f", "क\u094d\u200dष क\u094d\u200cष", "می\u200cخواهم می‌روم به خانه", "\u180ea\u180bb", "\ud834\udd73x".encode("utf-16", "surrogatepass").decode("utf-16"),
]  # fmt: skip
"""Texts with characters that version 2 leaves out."""

SENTENCES = {
    "latin": "Żaden człowiek nie jest samoistną wyspą; każdy stanowi ułamek kontynentu.",
    "vietnamese": "Trăm năm trong cõi người ta, chữ tài chữ mệnh khéo là ghét nhau.",
    "turkish": "Işık ılık ılık süzülüyordu; İzmir'in dağlarında çiçekler açar.",
    "cyrillic": "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему.",
    "greek": "Ἄνδρα μοι ἔννεπε, Μοῦσα, πολύτροπον, ὃς μάλα πολλὰ πλάγχθη.",
    "armenian": "Ես իմ անուշ Հայաստանի արևահամ բառն եմ սիրում, մեր հին սազի.",
    "georgian": "ვეფხისტყაოსანი: რომელმან შექმნა სამყარო ძალითა მით ძლიერითა.",
    "hebrew": "בְּרֵאשִׁית בָּרָא אֱלֹהִים אֵת הַשָּׁמַיִם וְאֵת הָאָרֶץ",
    "arabic": "اطْلُبُوا العِلْمَ مِنَ المَهْدِ إِلَى اللَّحْدِ، وَلَوْ فِي الصِّين",
    "persian": "بنی‌آدم اعضای یک پیکرند، که در آفرینش ز یک گوهرند",
    "devanagari": "सत्यमेव जयते नानृतं सत्येन पन्था विततो देवयानः",
    "bengali": "চিত্ত যেথা ভয়শূন্য, উচ্চ যেথা শির, জ্ঞান যেথা মুক্ত",
    "tamil": "அகர முதல எழுத்தெல்லாம் ஆதி பகவன் முதற்றே உலகு",
    "telugu": "ఉప్పు కప్పురంబు నొక్క పోలికనుండు చూడ చూడ రుచుల జాడ వేరు",
    "ethiopic": "ሰላም ለዓለም ሕዝብ ሁሉ ይሁን፤ ዛሬና ነገ።",
    "tibetan": "བཀྲ་ཤིས་བདེ་ལེགས་ཞུ། ཁྱེད་རང་སྐུ་གཟུགས་བདེ་པོ་ཡིན་པས།",
    "thai": "อันอ้อยตาลหวานลิ้นแล้วสิ้นซาก แต่ลมปากหวานหูไม่รู้หาย",
    "myanmar": "ပညာရွှေအိုး လူမခိုး ဆိုသည်မှာ မှန်ပေသည်",
    "han": "學而時習之，不亦說乎？有朋自遠方來，不亦樂乎？",
    "kana": "ゆく河の流れは絶えずして、しかももとの水にあらず。ヨドミニウカブ",
    "hangul": "나랏말싸미 듕귁에 달아 문자와로 서르 사맛디 아니할쎄",
}
"""A line of many scripts, all of them old: the letters are what matters here."""

FORMS = {
    "as it is": str,
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "in capitals, twice": lambda text: f"{text.upper()} {text}",
    "among others": lambda text: f'He said: "{text}" \u2014 and 3\u00d74 = 12.',
    "letter by letter": lambda text: " ".join(text[:24]),
    "run together": lambda text: "_".join(text.split()),
    "between marks": lambda text: f"\u0301{text}\u0323",
    "five words": lambda text: " ".join(text.split()[:5]),
}


def texts(version: int) -> list[str]:
    """Return every text once, in order."""
    made = [form(text) for form in FORMS.values() for text in SENTENCES.values()]
    return list(dict.fromkeys([*TEXTS, *made, *(INVISIBLE if version > 1 else ())]))


def build(version: int, normalisation: str, shingle: str) -> None:
    """Write the vectors of a version."""
    vectors = [
        {
            "text": text,
            "normalised": normalise_reference(text, version=version),
            "shingles": [
                f"{xxhash.xxh64_intdigest(s.encode()):016x}" for s in shingles_reference(text, version=version)
            ],
        }
        for text in texts(version)
    ]
    path = Path(__file__).parents[1] / "provenance" / "data" / f"shingle-v{version}-vectors.json"
    head = {"normalisation": normalisation, "shingle": shingle, "vectors": vectors}
    path.write_text(json.dumps(head, indent=1, ensure_ascii=True) + "\n")


def main() -> None:
    if unicodedata.unidata_version != "14.0.0":
        sys.exit(f"needs Unicode 14.0.0 (Python 3.11), not {unicodedata.unidata_version}")
    build(1, NORMALISATION_V1, SHINGLE_V1)
    build(2, NORMALISATION, SHINGLE)


if __name__ == "__main__":
    main()
