"""The house for its tests: the three packages, their modules, and commands run outside of it."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
FOLDERS = {"hier": "hier", "hier.retrieval": "retrieval", "hier.summarizers": "summarizers"}
TEXT = "\n\n".join(
    f"Paragraph {n} is about the number {n}. Its square is {n * n}. The lamp is green."
    for n in range(200)
)


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
