"""A family of extensions: which modules declare its members, in which order.

A member declares itself in its own file; the family's registry holds one line for that file. Whoever needs the members
looks them up here, and nobody lists them again. The file is imported when a member is first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Iterator


class HasName(Protocol):
    """What a family declares: anything with a name."""

    @property
    def name(self) -> str:
        """Return the name by which users and tables call it."""


Declaration = TypeVar("Declaration", bound=HasName)


class Registry(Mapping[str, Declaration], Generic[Declaration]):
    """The members of a family by name, in the order of their lines.

    Args:
        attribute: what a module calls its declaration, or a tuple of several.
        modules: full names of the modules, one line each.
    """

    def __init__(self, attribute: str, *modules: str) -> None:
        self.attribute, self.modules = attribute, modules
        self._found: tuple[tuple[str, ...], dict[str, Declaration]] = ((), {})

    def _members(self) -> dict[str, Declaration]:
        modules, members = self._found
        if modules != self.modules:
            modules, members = self.modules, {}
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
