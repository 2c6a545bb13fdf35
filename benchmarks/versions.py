"""What a system's answers depend on, as one hash: while it stands, a run of it is good.

For a system that wraps a package: its adapter's source, whatever that imports of this folder and of
the engine, and the package's version. A system that knows better has an attribute ``version``.
"""

import ast
import hashlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import systems

FOLDER = Path(__file__).resolve().parent


def digest(*parts: str) -> str:
    """A short hash of some strings."""
    joined = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(joined).hexdigest()[:16]


@cache
def installed(package: str) -> str:
    """Hash of every file of an installed package, its data too.

    Raises:
        ModuleNotFoundError: the package is not installed.
    """
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(f"no package {package!r}")
    folders = [Path(folder) for folder in found.submodule_search_locations]
    paths = (path for folder in folders for path in sorted(folder.rglob("*")))
    kept = [path for path in paths if path.is_file() and path.suffix != ".pyc"]
    return digest(*(f"{path.name} {_file(path)}" for path in kept))


def of(system: Any) -> str:
    """Version of a system: its own ``version``, else hashed from what it is made of."""
    named = getattr(system, "version", None)
    if named is not None:
        return digest(system.name, str(named))
    made = systems.family(system.name)
    sources = sorted(_closure([type(system).__module__, *filter(None, [made])]), key=str)
    return digest(system.name, _package(system.package), *map(_file, sources))


def _package(name: str | None) -> str:
    if name is None:
        return ""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


@cache
def _file(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _closure(modules: Sequence[str]) -> set[Path]:
    """Source files of modules and of all that they import, as far as they are ours."""
    waiting: list[str] = list(modules)
    found: dict[str, Path] = {}
    while waiting:
        name = waiting.pop()
        if name not in found and (path := _source(name)):
            found[name] = path
            waiting.extend(_imports(path))
    return set(found.values())


def _source(module: str) -> Path | None:
    """File of a module of this folder or of the engine."""
    loaded = getattr(sys.modules.get(module), "__file__", None)
    if loaded is None:
        try:
            found = importlib.util.find_spec(module)
        except (ImportError, ValueError):
            return None
        loaded = found.origin if found else None
    if loaded is None or not loaded.endswith(".py"):
        return None
    path = Path(loaded).resolve()
    ours = module.split(".")[0] == "hier" or path.is_relative_to(FOLDER)
    return path if ours or not _library(path) else None


def _library(path: Path) -> bool:
    return "site-packages" in path.parts or path.is_relative_to(Path(ast.__file__).parent)


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
