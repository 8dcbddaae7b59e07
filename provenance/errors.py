"""What can go wrong with an audit, as opposed to with the audited data.

A fault of the data is a finding or a COVERAGE row; an exception means "could not audit". Each message is one plain
sentence that says what to do next; the command line prints it without a traceback.

    ProvenanceError
    ├ InputError         ManifestError · UnknownFormat · NothingToAudit · FileChanged · LimitExceeded · UnknownEntry
    ├ ConfigError        UnknownCheck · ProfileError · UnknownEntry
    ├ MissingExtra       names the extra to install
    ├ CheckError         wraps the cause
    ├ ProcessKilled      says nothing about what was read
    └ VerificationError  BadSignature · DigestMismatch · BrokenChain
"""

from __future__ import annotations

FOREIGN = 300
"""Characters of somebody else's text that a sentence of ours holds."""


def cut(text: object, limit: int = FOREIGN) -> str:
    """Return somebody else's text as a sentence of ours can hold it: a name or reason may be as long as a book.

    Args:
        text: what they wrote, or an exception that quotes it.
        limit: characters.

    Returns:
        The text; of a longer one the beginning, and how many characters follow.
    """
    sentence = str(text)
    more = len(sentence) - limit
    return sentence if more <= 0 else f"{sentence[:limit]}… ({more:,} character{'s' * (more != 1)} more)"


class ProvenanceError(Exception):
    """The root of every error this package raises on purpose."""


class InputError(ProvenanceError):
    """What was to be audited cannot be read at all."""


class ManifestError(InputError):
    """A manifest is not what its name says, or breaks its own format."""


class UnknownFormat(InputError):  # noqa: N818 - named by the contract
    """No reader knows this file's format."""


class NothingToAudit(InputError):  # noqa: N818 - names what it found
    """The folder holds no data file."""


class FileChanged(InputError):  # noqa: N818 - names the finding it becomes
    """A file's bytes differ from those of its first read in this scan."""


class LimitExceeded(InputError):  # noqa: N818 - names what happened
    """Reading on would cost more memory or time than the limits allow."""


class ConfigError(ProvenanceError):
    """A flag, profile, policy or waiver file asks for something that does not exist."""


class UnknownCheck(ConfigError):  # noqa: N818 - named by the contract
    """No check has this name."""


class ProfileError(ConfigError):
    """A profile is unknown, or breaks its schema."""


class UnknownEntry(ConfigError, InputError):  # noqa: N818 - as its neighbours
    """A ledger has no entry of the number that was asked for: a wrong call, and nothing to read either."""


class MissingExtra(ProvenanceError, ImportError):  # noqa: N818 - named by the contract
    """A library of an optional extra is not installed.

    Args:
        extra: name of the extra.
        purpose: what it is needed for, as the end of "... is needed to".
    """

    def __init__(self, extra: str, purpose: str) -> None:
        super().__init__(f"to {purpose}, install the extra: pip install 'provenance-auditor[{extra}]'")
        self.extra = extra


class CheckError(ProvenanceError):
    """A check failed to run; its cause is chained.

    Args:
        check: the check's name.
        cause: what it raised.
    """

    def __init__(self, check: str, cause: Exception) -> None:
        super().__init__(f"check {check} could not run: {type(cause).__name__}: {cause}")
        self.check = check


class ProcessKilled(ProvenanceError):  # noqa: N818 - names what happened
    """Somebody else killed a process of ours again and again: nothing is known of what it worked on.

    Args:
        work: what it was to do, after "a process that was to".
    """

    def __init__(self, work: str) -> None:
        super().__init__(
            f"a process that was to {work} was killed again and again; there may be too little memory: free some, and "
            "run the command again"
        )


class VerificationError(ProvenanceError):
    """A ledger or proof does not verify."""


class BadSignature(VerificationError):  # noqa: N818 - named by the contract
    """A signature does not match its bytes and key."""


class DigestMismatch(VerificationError):  # noqa: N818 - named by the contract
    """Bytes do not match the digest that binds them."""


class BrokenChain(VerificationError):  # noqa: N818 - named by the contract
    """The log's entries, root or checkpoint do not fit together."""


class Refused(ProvenanceError):  # noqa: N818 - names what happened
    """Data may not be trained on, as its audit or the data itself is not what a policy wants.

    Args:
        sentence: why.
        clearance: what the guard found, a `guard.Clearance`.
    """

    def __init__(self, sentence: str, clearance: object) -> None:
        super().__init__(sentence)
        self.clearance = clearance
