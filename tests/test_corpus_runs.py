"""Parts of one long document: neighbours where they are joined, and none in the document."""

import json
import random

import pytest

import hier
from hier.tokens import load_tokenizer

WORDS = "alpha beta gamma delta epsilon zeta eta theta iota kappa lamda mu nu xi".split()
QUESTION = "Where was the zebra near the river?"
COUNT = load_tokenizer("o200k_base").count


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    chosen = random.Random(1)

    def sentence():
        return " ".join(chosen.choice(WORDS) for _ in range(12)).capitalize() + "."

    paragraphs = [" ".join(sentence() for _ in range(5)) for _ in range(1500)]
    paragraphs[100] = "The zebra crossed the river at dawn. The zebra was striped."
    paragraphs[1400] = "The zebra slept near the river at night. The zebra was tired."
    with hier.Corpus.create(tmp_path_factory.mktemp("long") / "long.hier") as made:
        made.add(hier.Document("\n\n".join(paragraphs), "long.txt"))
        yield made


@pytest.mark.parametrize("budget", [60, 2000, 20_000])
def test_every_segment_is_the_documents_own_text(corpus, budget):
    document = corpus.document("long.txt")
    context = corpus.compress(QUESTION, budget)
    assert len(corpus.joined([QUESTION]).placed) > 3
    place = 0
    for segment in context.segments:
        assert document.text[segment.start : segment.end] == segment.text
        assert document.place(segment.start, segment.end) == segment.place
        assert segment.tokens == COUNT(segment.text)
        assert segment.start >= place
        place = segment.end
        assert segment.text in context.text
    assert json.loads(json.dumps(context.to_dict()))["tokens"] <= budget
