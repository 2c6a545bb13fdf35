"""The arena's systems, one file a family.

A family is a module with ``SYSTEMS``, a tuple of functions that make a system each. Packages are
imported when a system reads its first text, so that one that is absent stops nothing else.
"""

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache

from systems.base import Reader, System, Unavailable


@dataclass(frozen=True)
class Missing:
    """Stands for a system that cannot even be made on this machine."""

    name: str
    message: str
    rule: str = ""
    package: str | None = None

    def read(self, text: str) -> Reader:
        """Say what is missing."""
        raise Unavailable(self.message)


def systems() -> list[System]:
    """Every system of every family, families in alphabetical order.

    Raises:
        ValueError: two systems share a name.
    """
    return [system for system, _ in _made().values()]


def named(name: str) -> System:
    """The system of a name; how a process that was started for it finds it.

    Raises:
        KeyError: there is none.
    """
    return _made()[name][0]


def family(name: str) -> str | None:
    """Module that a system of this name was made in; None for one that is not of this folder."""
    return _made()[name][1] if name in _made() else None


@cache
def _made() -> dict[str, tuple[System, str]]:
    made: dict[str, tuple[System, str]] = {}
    for found in pkgutil.iter_modules(__path__):
        module = f"{__name__}.{found.name}"
        for number, make in enumerate(getattr(importlib.import_module(module), "SYSTEMS", ())):
            try:
                system = make()
            except Unavailable as error:
                system = Missing(f"{found.name} {number + 1}", str(error))
            if system.name in made:
                raise ValueError(f"two systems are named {system.name!r}; give each its own name")
            made[system.name] = system, module
    return made
