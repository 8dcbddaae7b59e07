"""A family of extensions: which modules declare its members, in which order.

A member declares itself in its own file; the family's registry holds one line for that file. Whoever needs the members
looks them up here, and nobody lists them again. The file is imported when a member is first asked for.

Modules that are added to a family for a while (`Registry.extended`) are known in this process; an engine tells its
workers with each part of the work (`additions`, `set_additions`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Iterator


_ADDITIONS: dict[str, tuple[str, ...]] = {}


def additions() -> dict[str, tuple[str, ...]]:
    """Return the modules that were added to families, by the attribute that declares their members."""
    return dict(_ADDITIONS)


def set_additions(added: Mapping[str, tuple[str, ...]]) -> None:
    """Add these modules to families in this process, and no others.

    Args:
        added: from `additions` of another process.
    """
    if added != _ADDITIONS:
        _ADDITIONS.clear()
        _ADDITIONS.update(added)


class HasName(Protocol):
    """What a family declares: anything with a name."""

    @property
    def name(self) -> str:
        """Return the name by which users and tables call it."""


Declaration = TypeVar("Declaration", bound=HasName)


class Registry(Mapping[str, Declaration], Generic[Declaration]):
    """The members of a family by name, in the order of their lines.

    Args:
        attribute: what a module calls its declaration, or a tuple of several; no two families share it.
        modules: full names of the modules, one line each.
    """

    def __init__(self, attribute: str, *modules: str) -> None:
        self.attribute, self._own = attribute, modules
        self._found: tuple[tuple[str, ...], dict[str, Declaration]] = ((), {})

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules of the family: its lines, then what was added."""
        return (*self._own, *_ADDITIONS[self.attribute]) if self.attribute in _ADDITIONS else self._own

    @contextlib.contextmanager
    def extended(self, *modules: str) -> Iterator[None]:
        """Add modules to the family, in this process and in those that work for it, until the block ends.

        Args:
            modules: full names; they can be imported wherever they are asked for.
        """
        before = additions()
        set_additions(before | {self.attribute: (*before.get(self.attribute, ()), *modules)})
        try:
            yield
        finally:
            set_additions(before)

    def _members(self) -> dict[str, Declaration]:
        modules, members = self._found
        if modules != (listed := self.modules):
            modules, members = listed, {}
            for module in modules:
                declared = getattr(import_module(module), self.attribute)
                for each in declared if isinstance(declared, tuple) else (declared,):
                    if each.name in members:
                        raise ValueError(f"{module} declares {each.name!r}, which another module declares")
                    members[each.name] = cast("Declaration", each)
            self._found = modules, members
        return members

    def __getitem__(self, name: str) -> Declaration:
        return self._members()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._members())

    def __len__(self) -> int:
        return len(self._members())
