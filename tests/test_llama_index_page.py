"""What docs/llamaindex.md shows is so: its examples run, and are short."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[1] / "docs" / "llamaindex.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
REPORT = (
    "# Agreement\n\nThis agreement is made between two parties in the year 2020.\n\n"
    "# Ending\n\nEither party may terminate with two months of notice.\n\n"
    + "The garden is kept by the landlord and watered in summer. "
    * 80
)


@pytest.fixture(autouse=True)
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("papers").mkdir()
    for name in ("report.txt", "papers/lease.txt"):
        Path(name).write_text(REPORT, encoding="utf-8")


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs(example: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(example, str(PAGE), "exec"), {})
    assert "Either party may terminate" in capsys.readouterr().out
    assert len([line for line in example.splitlines() if line.strip()]) <= 10


def test_every_public_name_is_shown() -> None:
    from hier.integrations import llama_index

    page = PAGE.read_text(encoding="utf-8")
    assert all(name in page for name in llama_index.__all__)


def test_every_file_that_is_linked_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE.read_text(encoding="utf-8")):
        assert (PAGE.parent / target).exists(), target
