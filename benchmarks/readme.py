"""Write the evidence table into the README, from the stored result file."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "evidence-static.json"
OPEN, CLOSE = "<!-- evidence -->\n", "<!-- /evidence -->"


def table(result: dict) -> str:
    """Return the macro recall as a Markdown table."""
    macro = result["macro"]
    lines = [
        "| tokens allowed | tokens saved | evidence kept |",
        "|---|---|---|",
        *(
            f"| {int(budget):,} | {cell['saved']:.1%} | {cell['recall']:.1%} |"
            for budget, cell in macro.items()
        ),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Replace what stands between the two marks."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(OPEN)
    _, after = rest.split(CLOSE)
    result = json.loads(RESULT.read_text(encoding="utf-8"))
    readme.write_text(before + OPEN + table(result) + CLOSE + after, encoding="utf-8")


if __name__ == "__main__":
    main()
