"""PEM: DER as text, in the one form that this program writes (RFC 7468, sections 2 and 3: lines of 64 characters)."""

from __future__ import annotations

import base64

_LINE_CHARACTERS = 64  # characters


def encode(label: str, data: bytes) -> bytes:
    """Write DER as PEM.

    Args:
        label: what it is, as it is between the dashes: PUBLIC KEY, ENCRYPTED PRIVATE KEY.
        data: DER.

    Returns:
        ASCII, closed by a line feed.
    """
    text = base64.b64encode(data).decode()
    lines = [text[at : at + _LINE_CHARACTERS] for at in range(0, len(text), _LINE_CHARACTERS)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()


def decode(body: bytes) -> bytes:
    """Read the lines between the dashes of a PEM.

    Args:
        body: base64, with white space anywhere.

    Returns:
        DER; nothing where it is no base64.
    """
    try:
        return base64.b64decode(b"".join(body.split()), validate=True)
    except ValueError:
        return b""
