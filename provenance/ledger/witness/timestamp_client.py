"""Asking a timestamp authority over the network: nothing here runs unless a flag names its address."""

from __future__ import annotations

import urllib.error
import urllib.request
from http.client import HTTPException
from urllib.parse import urlsplit

from provenance.errors import ConfigError, InputError
from provenance.ledger.witness import timestamps

_SECONDS = 30  # for each wait of the connection


def send(url: str, query: bytes) -> bytes:
    """Send a request to an authority (RFC 3161, section 3.4).

    Args:
        url: http or https; http is usual, as the answer is signed.
        query: the request.

    Returns:
        The answer, at most timestamp.LIMIT bytes; nothing of it is checked yet.

    Raises:
        ConfigError: the address is no http or https address.
        InputError: the authority cannot be reached, refuses, or answers with something else or too much.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        raise ConfigError(f"{url} is no address of a timestamp authority: http://… or https://…")
    headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    asked = urllib.request.Request(url, query, headers, method="POST")  # noqa: S310 - http and https alone, see above
    try:
        with _opener().open(asked, timeout=_SECONDS) as answer:
            data: bytes = answer.read(timestamps.LIMIT + 1)
    except (OSError, HTTPException, ValueError) as cause:
        raise InputError(f"the timestamp authority {url} cannot be asked: {cause}") from cause
    if len(data) > timestamps.LIMIT:
        raise InputError(f"the timestamp authority {url} answers with more than {timestamps.LIMIT} bytes")
    return data


class _Stay(urllib.request.HTTPRedirectHandler):
    """Who is sent elsewhere does not go: the address was named by the user."""

    def redirect_request(self, *_: object) -> None:
        return None


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_Stay)
