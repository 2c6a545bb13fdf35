"""Work with a model: a question is answered by the model that the server was started with."""

import json
from typing import Any

import hier
from hier.ledger import Ledger, Prices
from hier.serving import requests
from hier.serving.work import Desk, Done, Job, Work


def ask(desk: Desk, job: Job) -> Done:
    """Answer a question about a text or a corpus."""
    is_tree = job.told["kind"] == "tree"
    kind = requests.TreeQuestion if is_tree else requests.CorpusQuestion
    request = kind.model_validate_json(job.body)
    asked: Any = (
        desk.tree(job)
        if is_tree
        else desk.opened.corpus(job.told["path"], tuple(job.told["stamp"][:1]))
    )
    if not desk.models:
        desk.models.append(desk.settings.open(desk.model))
    only: dict[str, Any] = (
        {"where": request.where} if isinstance(request, requests.CorpusQuestion) else {}
    )
    names = ("budget", "mode", "reasoning", "steps", "price")
    answer = hier.ask(
        asked,
        request.question,
        desk.models[0],
        **{name: getattr(request, name) for name in names},
        ledger=Ledger(desk.settings.prices or Prices()),
        on_text=lambda text: job.tell({"text": text}),
        **only,
    )
    shown = sum(context.tokens for context in answer.contexts)
    return Done(json.dumps(answer.to_dict()).encode(), asked.tokens, shown)


WORK: dict[str, Work] = {"ask": ask}
"""Every job for a model, by name."""
