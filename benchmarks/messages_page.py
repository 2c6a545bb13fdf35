"""What `docs/messages.md` says of conversations, from the result file."""

from typing import Any

import page

Figures = dict[str, Any]
_KINDS = {
    "document": "a document, and questions about it",
    "agent": "a document read by calls of a tool",
    "sources": "a source with each question",
}
_WAYS = {
    "newest": "the newest messages that fit",
    "default": "compressed",
    "refresh 0": "`refresh=0`",
    "refresh 1": "`refresh=1`",
    "low_water 0.6": "`low_water=0.6`",
    "low_water 1": "`low_water=1`",
}


def talks(result: Figures) -> str:
    """Evidence shown and beginning kept, for each kind of conversation and each way."""
    rows = [
        [
            _WAYS[way],
            *(
                f"{found['ways'][way][figure]:.0%}"
                for found in result["found"].values()
                for figure in ("recall", "stable", "sent")
            ),
        ]
        for way in _WAYS
        if all(way in found["ways"] for found in result["found"].values())
    ]
    names = ["evidence", "beginning", "sent"]
    head = ["", *(f"{kind}: {name}" for kind in result["found"] for name in names)]
    said = "; ".join(
        f"*{kind}*, {_KINDS[kind]} ({found['talks']} conversations, "
        f"{found['ways']['default']['requests']} requests)"
        for kind, found in result["found"].items()
    )
    return (
        f"Three kinds of conversations, each request within {result['settings']['budget']:,} "
        f"tokens: {said}.\n\n{page.table(head, rows)}\n\n"
        "*evidence*: share of the evidence of the request's question that is sent, where it was "
        "said; *beginning*: share of what the request before sent, in tokens, that this one begins "
        "with; *sent*: tokens sent, of those that came. Public data sets; the model's replies are "
        "the known answers (`benchmarks/messages.py`).\n"
    )
