"""Where the passwords of key files and the PINs of hardware come from: a variable, a file, a prompt.

Never an argument of the command line: other users of the machine can read those. No process that a scan starts is given
them (see `environment`). Yet a variable stands in the environment that this process was started with, which the same
user and root can read in /proc/PID/environ for as long as it runs; a password file does not.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from provenance.core.processes import environment
from provenance.errors import ConfigError
from provenance.readers.storage.regular_files import read_head

if TYPE_CHECKING:
    from collections.abc import Callable

PASSWORD_VARIABLE = "PROVENANCE_KEY_PASSWORD"  # noqa: S105 - the name of the variable, not a password
NO_TERMINAL = "there is no terminal to ask for the password"
PIN_VARIABLE, PIN_FILE_VARIABLE = "PROVENANCE_HSM_PIN", "PROVENANCE_HSM_PIN_FILE"
_MOST_BYTES = 4096  # bytes of a file that holds a password


@dataclass(frozen=True, slots=True)
class Secrets:
    """What knows how to get at a password. To call it is to ask the user, once for one question.

    A password file is never taken for a PIN_VARIABLE: three wrong PINs lock many a token.

    Args:
        prompt: asks the user, who answers without being seen; None where nobody can be asked.
        file: a file whose first line is the password.
    """

    prompt: Callable[[str], str] | None = None
    file: Path | None = None
    _answers: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def __call__(self, text: str) -> str:
        """Ask the user.

        Args:
            text: what for.
        """
        if self.prompt is None:
            return ""
        if text not in self._answers:
            self._answers[text] = self.prompt(text)
        return self._answers[text]

    def password(self, where: str) -> str:
        """Return the password of a key file.

        Args:
            where: how to name the file to people.

        Returns:
            What PROVENANCE_KEY_PASSWORD holds, else the first line of the password file, else what the user says.

        Raises:
            ConfigError: there is none.
        """
        line = _read_line(self.file) if self.file is not None else None
        if found := environment.read_secret(PASSWORD_VARIABLE) or line or self(f"Password of {where}"):
            return found
        if self.prompt is None:
            raise ConfigError(f"{where} is encrypted, and {NO_TERMINAL}: use --password-file or {PASSWORD_VARIABLE}")
        raise ConfigError(f"{where} is encrypted; set {PASSWORD_VARIABLE}, or name a file with --password-file")

    def new_password(self, where: str) -> str:
        """Return a password for a key that is being made.

        Args:
            where: how to name the key to people.

        Returns:
            As `password`; a user is asked twice, and once more where the first answer is empty.

        Raises:
            ConfigError: there is none, or the user said two different ones.
        """
        if found := environment.read_secret(PASSWORD_VARIABLE) or (
            _read_line(self.file) if self.file is not None else None
        ):
            return found
        if self.prompt is None:
            raise ConfigError(f"{NO_TERMINAL}: use --password-file or {PASSWORD_VARIABLE}, or say --no-password")
        first = self(f"New password for {where}") or self(f"An empty password protects nothing. Password for {where}")
        if not first:
            raise ConfigError(
                f"no password: set {PASSWORD_VARIABLE}, name a file with --password-file, or say --no-password"
            )
        if self(f"The same password again, for {where}") != first:
            raise ConfigError("the two passwords differ; nothing was written")
        return first

    def pin(self, where: str) -> str:
        """Return the PIN_VARIABLE of a hardware token.

        Args:
            where: how to name the key to people.

        Returns:
            What PROVENANCE_HSM_PIN holds, else the first line of the file that PROVENANCE_HSM_PIN_FILE names, else
            what the user says.

        Raises:
            ConfigError: there is none.
        """
        named = os.environ.get(PIN_FILE_VARIABLE)
        if (
            found := environment.read_secret(PIN_VARIABLE)
            or (_read_line(Path(named)) if named else None)
            or self(f"PIN of {where}")
        ):
            return found
        raise ConfigError(f"{where} needs a PIN; set {PIN_VARIABLE}, or {PIN_FILE_VARIABLE} to the name of a file")


def make_secrets(prompt: Callable[[str], str] | None) -> Secrets:
    """Return what gets at passwords, of what asks the user.

    Args:
        prompt: `Secrets`, a function that asks, or None.
    """
    return prompt if isinstance(prompt, Secrets) else Secrets(prompt)


def _read_line(path: Path) -> str:
    try:
        lines = read_head(path, _MOST_BYTES).decode("utf-8").splitlines()
    except (OSError, ValueError) as cause:
        raise ConfigError(f"the password file {path} cannot be read") from cause
    if not lines or not lines[0]:
        raise ConfigError(f"the first line of the password file {path} is empty")
    return lines[0]
