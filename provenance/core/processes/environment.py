"""What the environment holds that other processes must not have: passwords, PINs, keys, tokens."""

from __future__ import annotations

import os
import re

_SECRET = re.compile(
    r"PASSWORD|PASSWD|PASSPHRASE|SECRET|CREDENTIAL|TOKEN|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|(?:^|_)PIN$", re.IGNORECASE
)
_PEM = "PRIVATE KEY-----"

_read_secrets: set[str] = set()


def read_secret(name: str) -> str | None:
    """Read a variable that holds a secret; from then on no process that this one starts is given it.

    Args:
        name: of the variable.

    Returns:
        Its value; None where it is not set.
    """
    _read_secrets.add(name)
    return os.environ.get(name)


def environment_without_secrets() -> dict[str, str]:
    """Return this process's environment for one that it starts.

    Left out is what `read_secret` read, what is called so that it may be a secret (PASSWORD, TOKEN, ...), and what
    holds a private key: workers need none of it, and what is called wrongly is left out for nothing.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if name not in _read_secrets and not _SECRET.search(name) and _PEM not in value
    }
