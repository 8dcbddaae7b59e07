"""What an excerpt never shows: personal data that the detector knows, and whatever else looks like it.

The detector is made not to accuse, so it leaves what may be something else; an excerpt hides that too.
"""

from __future__ import annotations

import re

from provenance.detectors import personal_data

_PATTERNS = (
    ("[email]", re.compile(r"[^\s@<>()\[\]]{1,64}\s?(?:@|＠|\(at\)|\[at\])\s?[^\s@<>()\[\]]{1,255}")),
    ("[iban]", re.compile(r"\b[A-Z]{2}\d{2}(?:\s?[A-Z0-9]{2,4}){3,8}\b")),
    ("[ip]", re.compile(r"\b(?:[0-9a-fA-F]{1,4}:){2,7}[0-9a-fA-F:.]{0,39}|\b\d{1,3}(?:\.\d{1,3}){3}\b")),
    ("[number]", re.compile(r"\+?\d(?:[\s().\-/–]{0,3}\d){5,}[\dXx]?")),
)


MASKS = re.compile("|".join(re.escape(f"[{kind}]") for kind in (*personal_data.KINDS, "number")))
"""What stands in place of a value."""


def mask_personal_data(text: str) -> str:
    """Put the name of its kind in place of every value that looks like an address, an account or a long number.

    Args:
        text: any text.
    """
    text = personal_data.mask_values(text)
    for kind, pattern in _PATTERNS:
        text = pattern.sub(kind, text)
    return text
