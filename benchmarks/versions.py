"""What a system's answers depend on, as one hash: while it stands, a run of it is good.

For a system that wraps a package: its adapter's source, whatever that imports of this folder and of
the engine, and the package's version. A system that knows better has an attribute ``version``.
"""

import ast
import hashlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterator
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
    modules = (type(system).__module__, systems.family(system.name) or "")
    return digest(system.name, _package(system.package), *map(_file, _closure(*modules)))


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


@cache
def _closure(*modules: str) -> tuple[Path, ...]:
    """Source files of modules and of all that they import, as far as they are ours; sorted."""
    loaded = (getattr(sys.modules.get(module), "__file__", None) for module in modules)
    waiting = [Path(file) for file in loaded if file]
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting.extend(filter(None, map(_source, _imports(path))))
    return tuple(sorted(found))


def _source(module: str) -> Path | None:
    """File of a module of this folder or of the engine; nothing is imported to find it."""
    top, *rest = module.split(".")
    root = FOLDER / top
    if top == "hier" and (engine := importlib.util.find_spec("hier")) and engine.origin:
        root = Path(engine.origin).parent
    path = root.joinpath(*rest)
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
