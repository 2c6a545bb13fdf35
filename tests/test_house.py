"""The house as users get it: what is installed, what is imported, what is sent and what is read.

Most of it runs in `clean`, a virtual environment that holds nothing but the wheel and its base
dependencies, so that an import that leans on an extra fails here and not at a user's.
"""

import ast
import hashlib
import importlib
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import textwrap
import tomllib
import types
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import hier

REPOSITORY = Path(__file__).resolve().parents[1]
FOLDERS = {"hier": "hier", "hier.retrieval": "retrieval", "hier.summarizers": "summarizers"}
TEXT = "\n\n".join(
    f"Paragraph {n} is about the number {n}. Its square is {n * n}. The lamp is green."
    for n in range(200)
)

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


@dataclass(frozen=True)
class Environment:
    """A virtual environment that the tests made."""

    folder: Path

    @property
    def scripts(self) -> Path:
        return self.folder / ("Scripts" if os.name == "nt" else "bin")

    @property
    def packages(self) -> Path:
        variables = {"base": str(self.folder), "platbase": str(self.folder)}
        return Path(sysconfig.get_path("purelib", "venv", variables))

    def run(self, program: str, *arguments: str, **options) -> subprocess.CompletedProcess[str]:
        return run(str(self.scripts / program), *arguments, **options)


def run(*command: str, cwd: Path | None = None, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run to the end, output as text; nothing of this process's Python settings is handed on."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        command, cwd=cwd, env=kept, input=text, capture_output=True, encoding="utf-8", timeout=600
    )


def succeed(*command: str, **options) -> str:
    """Standard output of a command that must exit with 0."""
    done = run(*command, **options)
    assert done.returncode == 0, f"{' '.join(command)[:300]}\n{done.stdout}{done.stderr}"
    return done.stdout


def python(code: str, cwd: Path) -> str:
    """Standard output of code run by this Python, from a folder that is not the repository."""
    return succeed(sys.executable, "-c", textwrap.dedent(code), cwd=cwd)


def sources() -> list[tuple[str, Path]]:
    """Every module of the three packages: its dotted name and its file."""
    found = {}
    for package, folder in FOLDERS.items():
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            parts = path.relative_to(REPOSITORY / folder).with_suffix("").parts
            found[".".join([package, *(p for p in parts if p != "__init__")])] = path
    return sorted(found.items())


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


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the sources so that nothing left in build/ gets into it."""
    copy = tmp_path_factory.mktemp("sources")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, copy)
    for folder in FOLDERS.values():
        shutil.copytree(
            REPOSITORY / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    succeed(*pip, "wheel", "--no-deps", "--wheel-dir", "dist", ".", cwd=copy)
    (built,) = (copy / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="session")
def clean(wheel: Path, request: pytest.FixtureRequest) -> Environment:
    """The wheel and its base dependencies in an environment of their own.

    The dependencies are kept for the next run, until their list or Python changes; the wheel is
    installed afresh every time.
    """
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    key = hashlib.sha256(repr((project["dependencies"], sys.version)).encode())
    kept = Path(request.config.cache.mkdir("clean-environment"))
    environment = Environment(kept / key.hexdigest()[:12])
    complete = environment.folder / "complete"
    pip = ("-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    if not complete.exists():
        shutil.rmtree(kept)
        venv.create(environment.folder, with_pip=True, symlinks=os.name != "nt")
        done = environment.run("python", *pip, str(wheel))
        assert done.returncode == 0, done.stderr
        complete.touch()
    done = environment.run("python", *pip, "--no-deps", "--force-reinstall", str(wheel))
    assert done.returncode == 0, done.stderr
    return environment


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "document.md"
    path.write_text(TEXT, encoding="utf-8")
    return path


# What is installed


def test_the_wheel_installs_one_package_and_all_of_it(clean: Environment, tmp_path: Path) -> None:
    code = """
        import importlib.metadata, json
        files = importlib.metadata.files("hier-context")
        print(json.dumps([file.as_posix() for file in files]))
    """
    done = clean.run("python", "-c", textwrap.dedent(code), cwd=tmp_path)
    files = [file for file in json.loads(done.stdout) if "__pycache__" not in file]
    inside_packages = [file for file in files if not file.startswith("../")]
    outside_packages = [Path(file).stem for file in files if file.startswith("../")]

    assert {file.split("/")[0] for file in inside_packages} - {"hier"} == {
        f"hier_context-{hier.__version__}.dist-info"
    }
    assert outside_packages == ["hier"], "the console script, and nothing else"
    expected = {
        f"{package.replace('.', '/')}/{path.relative_to(REPOSITORY / folder).as_posix()}"
        for package, folder in FOLDERS.items()
        for path in (REPOSITORY / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {file for file in inside_packages if file.startswith("hier/")} == expected
    data = ("static_vectors.npy", "relevance_static.npz", "relevance_neural.npz")
    assert {"hier/py.typed", *(f"hier/retrieval/data/{name}" for name in data)} <= expected
    for name in ("hier", "retrieval", "summarizers"):
        assert (clean.packages / name).exists() is (name == "hier")


def test_licences_travel_with_the_wheel(clean: Environment) -> None:
    (information,) = clean.packages.glob("hier_context-*.dist-info")
    found = {path.name for path in information.rglob("LICENSE*")}
    assert found == {"LICENSE", "LICENSE-all-MiniLM-L6-v2"}


def test_the_version_is_said_once(clean: Environment, tmp_path: Path) -> None:
    code = (
        "import hier, importlib.metadata as m; print(hier.__version__, m.version('hier-context'))"
    )
    said, installed = clean.run("python", "-c", code, cwd=tmp_path).stdout.split()
    assert said == installed


@pytest.mark.parametrize("module", [name for name, _ in sources() if "integrations." not in name])
def test_every_module_imports_in_the_base_install(
    clean: Environment, module: str, tmp_path: Path
) -> None:
    if module.endswith("__main__"):
        module = f"importlib.util; importlib.util.find_spec({module!r})"
    done = clean.run("python", "-W", "error", "-c", f"import {module}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


# What the base install does without torch


@pytest.mark.parametrize("package", ["torch", "transformers", "sentence_transformers", "sklearn"])
def test_the_base_install_is_light(clean: Environment, package: str, tmp_path: Path) -> None:
    done = clean.run("python", "-c", f"import {package}", cwd=tmp_path)
    assert "ModuleNotFoundError" in done.stderr


def test_base_dependencies_agree_with_each_other(clean: Environment) -> None:
    done = clean.run("python", "-m", "pip", "check")
    assert done.returncode == 0, done.stdout


def test_the_base_install_compresses_from_the_shell(clean: Environment, document: Path) -> None:
    arguments = ("compress", document.name, "-q", "What is the square of 77?", "-b", "200")
    done = clean.run("hier", *arguments, cwd=document.parent)
    assert done.returncode == 0, done.stderr
    assert "5929" in done.stdout
    assert 0 < len(done.stdout) < len(TEXT) / 4

    piped = clean.run("hier", arguments[0], "-", *arguments[2:], cwd=document.parent, text=TEXT)
    assert piped.stdout == done.stdout


def test_the_base_install_compresses_from_python(clean: Environment, document: Path) -> None:
    code = """
        import pathlib, sys, hier, tiktoken
        text = pathlib.Path("document.md").read_text("utf-8")
        context = hier.compress(text, query="What is the square of 77?", budget=200)
        assert "5929" in context.text
        count = len(tiktoken.get_encoding("o200k_base").encode_ordinary(context.text))
        assert count == context.tokens <= 200, (count, context.tokens)
        assert not {"torch", "transformers", "llama_index.core"} & set(sys.modules)
    """
    done = clean.run("python", "-W", "error", "-c", textwrap.dedent(code), cwd=document.parent)
    assert done.returncode == 0, done.stderr


def test_a_missing_extra_is_one_line_with_the_remedy(clean: Environment, document: Path) -> None:
    model = "sentence-transformers/all-MiniLM-L6-v2"
    done = clean.run(
        *("hier", "compress", document.name, "-q", "lamp", "--embedder", model), cwd=document.parent
    )
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert re.search(r"pip install '?hier-context\[neural\]", done.stderr), done.stderr
    assert "Traceback" not in done.stderr


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
    edges = ("hier.cli", "hier.options", "hier.integrations", "hier.__main__")
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
