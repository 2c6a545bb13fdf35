"""The wheel as users get it: what is installed, and what the base install does without extras.

All of it runs in `clean`, a virtual environment that holds nothing but the wheel and its base
dependencies, so that an import that leans on an extra fails here and not at a user's.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import textwrap
import tomllib
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest
from house import FOLDERS, REPOSITORY, TEXT, run, sources, succeed

import hier


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


@pytest.mark.parametrize(
    "module",
    [name for name, _ in sources() if not re.search(r"integrations\.|serving\.", name)],
)
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
