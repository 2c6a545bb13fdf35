"""The house: what its modules import, what is sent and what is read, and what is public."""

import ast
import importlib
import inspect
import re
import sys
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import TEXT, python, run, sources

import hier

# Costly to import, and not needed before the function that uses them is called.
LATE = {
    *("aiohttp", "faiss", "httpx", "llama_index", "mcp", "nltk", "pandas", "pydantic", "requests"),
    *("rich", "scipy", "sentence_transformers", "sklearn", "sqlalchemy", "tiktoken", "tokenizers"),
    *("torch", "transformers", "typer"),
}

# Raises on what must not happen, whoever does it: the interpreter itself reports these.
GUARD = """
import sys

def guard(event, arguments):
    if event.startswith("socket.") or event == "urllib.Request":
        raise RuntimeError(f"opened a socket: {event}")
    if event == "pickle.find_class":
        raise RuntimeError(f"unpickled: {arguments}")

sys.addaudithook(guard)
"""


def imported(path: Path, module: str) -> Iterator[str]:
    """Dotted names that a file imports anywhere in it, `from a import b` as `a.b`."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            origin = ".".join([*(above if node.level else []), *filter(None, [node.module])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def inside(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


# What is imported


def test_a_users_own_folders_are_not_shadowed_and_do_not_shadow(tmp_path: Path) -> None:
    for name in ("retrieval", "summarizers", "benchmarks"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("OWNER = 'the user'\n")
    (tmp_path / "retrieval" / "__init__.py").write_text("raise OSError('the user owns this')\n")
    code = f"""
        import sys, hier, hier.retrieval, hier.summarizers
        context = hier.compress({TEXT!r}, query="What is the square of 77?", budget=200)
        assert context.text and not {{"retrieval", "summarizers"}} & set(sys.modules)
        import summarizers
        assert summarizers.OWNER == "the user"
        try:
            import retrieval
        except OSError as error:
            print(error)
    """
    assert python(code, cwd=tmp_path) == "the user owns this\n"


def test_import_is_light_and_opens_no_socket(tmp_path: Path) -> None:
    code = GUARD + "import hier\nprint(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = set(python(code, cwd=tmp_path).split())
    assert loaded & LATE == set()
    assert {"numpy", "hier"} <= loaded


def test_modules_of_text_and_arrays_know_nothing_of_the_engine() -> None:
    allowed = ("hier.errors", "hier.retrieval", "hier.summarizers")
    wrong = [
        f"{module} imports {name}"
        for module, path in sources()
        if inside(module, "hier.retrieval", "hier.summarizers")
        for name in imported(path, module)
        if inside(name, "hier") and not inside(name, *allowed)
    ]
    assert wrong == []


def test_the_engine_knows_nothing_of_what_stands_on_it() -> None:
    edges = ("hier.cli", "hier.commands", "hier.options", "hier.integrations", "hier.__main__")
    wrong = [
        f"{module} imports {name}"
        for module, path in sources()
        if not inside(module, *edges)
        for name in imported(path, module)
        if inside(name, *edges)
    ]
    assert wrong == []


# What is sent and what is read


def test_the_default_path_opens_no_socket_and_unpickles_nothing(tmp_path: Path) -> None:
    code = f"""
        import hier
        tree = hier.build({TEXT!r})
        tree.save("saved.hier")
        context = hier.load("saved.hier").compress("What is the square of 77?", budget=200)
        assert tree.compress("What is the square of 77?", budget=200).text == context.text
        print(tree.compress(budget=100).text, context.text)
    """
    assert "5929" in python(GUARD + textwrap.dedent(code), cwd=tmp_path)


@pytest.mark.parametrize(
    "act",
    [
        "import socket; socket.socket()",
        "import socket; socket.create_connection(('localhost', 9))",
        "import urllib.request; urllib.request.urlopen('http://localhost:9')",
        "import pickle; pickle.loads(pickle.dumps(print))",
    ],
)
def test_the_guard_itself_catches(act: str, tmp_path: Path) -> None:
    done = run(sys.executable, "-c", GUARD + act, cwd=tmp_path)
    assert re.search("RuntimeError: (opened a socket|unpickled)", done.stderr)


def test_no_module_can_unpickle() -> None:
    unsafe = ("pickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal")
    wrong = [
        f"{module} imports {name}"
        for module, path in sources()
        for name in imported(path, module)
        if inside(name, *unsafe) or name in ("numpy.load", "torch.load")
    ]
    for module, path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                value = node.value
                if not (isinstance(value, ast.Constant) and value.value is False):
                    wrong.append(f"{module}, line {value.lineno}: allow_pickle")
    assert wrong == []


# What is public


@pytest.mark.parametrize("name", sorted(set(hier.__all__) - {"__version__"}))
def test_every_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(hier, name)
    assert inspect.isclass(value) or inspect.isroutine(value), f"{name} is {type(value).__name__}"
    written = value.__doc__ or ""
    # A dataclass without a docstring is given its signature for one.
    assert written.strip(), f"{name} has no docstring"
    assert not written.startswith(f"{name}("), f"{name} has no docstring of its own"
    assert value.__module__.split(".")[0] == "hier"


def test_all_is_the_public_surface() -> None:
    assert len(hier.__all__) == len(set(hier.__all__))
    others = {
        name
        for name, value in vars(hier).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert others <= set(hier.__all__)
    functions = {"build", "compress", "load"}
    classes = {"Context", "Document", "HierError", "Segment", "Tree"}
    assert functions | classes <= set(hier.__all__)


def test_every_error_belongs_to_the_tree() -> None:
    errors = importlib.import_module("hier.errors")
    classes = [value for value in vars(errors).values() if inspect.isclass(value)]
    assert all(issubclass(value, hier.HierError) for value in classes)
    assert all(value.__name__ in (errors.__doc__ or "") for value in classes)


@pytest.mark.parametrize(("module", "path"), sources(), ids=[name for name, _ in sources()])
def test_every_module_says_what_it_is_for(module: str, path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
