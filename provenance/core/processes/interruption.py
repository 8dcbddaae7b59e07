"""Signals that ask a process to end, what must not be cut in half by them, and what was appended before they came."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name)]

_received: list[int] = []
_appended: list[tuple[Path, int]] = []


def install_handlers() -> None:
    """Let every signal that asks this process to end raise `KeyboardInterrupt`; a second one ends it at once.

    For a process that is ours alone: the API leaves its caller's handlers as they are. What was ignored when the
    process started, as by nohup, stays ignored.
    """
    for number in _SIGNALS:
        if signal.getsignal(number) in {signal.SIG_DFL, signal.default_int_handler}:
            signal.signal(number, _interrupt)


def restore_handlers() -> None:
    """Give signals back their own effect, once there is nothing left to tidy up."""
    for number in _SIGNALS:
        if signal.getsignal(number) is _interrupt:
            signal.signal(number, signal.SIG_DFL)


def ignore() -> None:
    """Let no signal change the exit code any more: the process has said all it had to say, and ends.

    Ignored and not handled: Python gives signals that it handles their own effect back while it ends.
    """
    for number in _SIGNALS:
        if signal.getsignal(number) in {_interrupt, signal.SIG_DFL}:
            signal.signal(number, signal.SIG_IGN)


def _interrupt(number: int, _frame: object) -> None:
    restore_handlers()
    _received.append(number)
    raise KeyboardInterrupt(signal.Signals(number).name)


def is_interrupted() -> bool:
    """Tell whether a signal asked this process to end."""
    return bool(_received)


@contextlib.contextmanager
def defer_signals() -> Iterator[None]:
    """Keep signals from interrupting what must be done whole: they take effect afterwards.

    Only those whose handler is of Python, which would raise in the middle; the handlers are put back as they were.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # no handler of Python runs here
        return
    came: list[int] = []
    handlers: dict[int, Any] = {}
    try:
        for number in _SIGNALS:
            if callable(handler := signal.getsignal(number)):
                handlers[number] = handler
                signal.signal(number, lambda number, _frame: came.append(number))
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def note_append(ledger: Path, size: int) -> None:
    """Remember that a ledger has grown.

    Args:
        ledger: its folder.
        size: entries that it has now.
    """
    _appended.append((ledger, size - 1))


def list_appends() -> list[tuple[Path, int]]:
    """Return every ledger that was appended to, with the number of the entry."""
    return list(_appended)


def take_appends() -> list[tuple[Path, int]]:
    """Return every ledger that was appended to with the number of the entry, and forget them."""
    taken = list_appends()
    _appended.clear()
    return taken
