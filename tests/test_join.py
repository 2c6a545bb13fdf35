"""Many documents as one tree: nothing is lost, nothing is shown that is not in a document."""

import itertools

import numpy as np
import pytest
from documents import towns

import hier
from hier.corpus.join import Joined, Manner, join
from hier.corpus.lexicon import Lexicon
from hier.corpus.packing import pack, unpack
from hier.corpus.placing import Run
from hier.corpus.source import Source
from hier.document import Document
from hier.tokens import load_tokenizer

MANNER = Manner(load_tokenizer("o200k_base"), "static", "learned")


def sources(documents: list[Document], lexicon: Lexicon) -> list[Source]:
    found = []
    for document in documents:
        packed = unpack(pack(hier.build(document)))
        found.append(Source(document.name, packed, lexicon.numbers(packed.vocabulary)))
    return found


def whole(documents: list[Document], lexicon: Lexicon | None = None) -> Joined:
    lexicon = lexicon or Lexicon()
    return join(
        [Run(s, 0, len(s.leaf_start) - 1) for s in sources(documents, lexicon)], lexicon, MANNER
    )


def chapters(source: Source) -> list[tuple[int, int]]:
    first = [*source.level(3, "first_leaf").tolist(), len(source.leaf_start) - 1]
    return list(itertools.pairwise(first))


def test_every_document_stands_in_it_below_its_name():
    documents = towns(5)
    joined = whole(documents)
    for document in documents:
        ((start, end),) = joined.spans(document.name)
        assert joined.tree.source[start:end] == document.text
        assert joined.tree.source[:start].endswith(f"{document.name}\n")
    paths = [joined.tree.paths[path] for path in range(1, len(joined.tree.paths))]
    titles = {joined.tree.layout().title(path[0]) for path in paths}
    assert titles == {document.name for document in documents}


def test_words_and_sizes_are_those_of_the_documents():
    documents = towns(4)
    joined = whole(documents)
    trees = [hier.build(document) for document in documents]
    index = joined.tree.index
    shown = np.setdiff1d(np.arange(len(joined.tree.leaf_start)), joined.tree.hidden)

    def words(index, leaf):
        row = index.leaves.rows(leaf, leaf + 1)
        return {(index.vocabulary[w], int(n)) for w, n in zip(row.words, row.counts, strict=True)}

    theirs = [words(tree.index, leaf) for tree in trees for leaf in range(len(tree.leaf_start))]
    assert [words(index, int(leaf)) for leaf in shown] == theirs
    np.testing.assert_array_equal(
        joined.tree.leaf_tokens[shown], np.concatenate([tree.leaf_tokens for tree in trees])
    )
    for word, stem in zip(index.vocabulary, index.stem_of, strict=True):
        tree = next(tree for tree in trees if word in tree.index.vocabulary)
        place = tree.index.vocabulary.index(word)
        assert index.stems[stem] == tree.index.stems[tree.index.stem_of[place]]
        assert index.norms[index.vocabulary.index(word)] == tree.index.norms[place]


def test_it_does_not_depend_on_what_was_joined_before():
    documents = towns(12)
    fresh, used = Lexicon(), Lexicon()
    whole(list(reversed(documents)), used)
    one, other = (whole(documents[3:9], lexicon).tree for lexicon in (fresh, used))
    assert one.index.vocabulary == other.index.vocabulary
    for query in ("What was painted?", None):
        assert one.compress(query, 200) == other.compress(query, 200)


@pytest.mark.parametrize("order", ["document", "relevance"])
@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("query", ["Who repaired the harbour?", "code-3", None])
def test_what_is_shown_stands_below_the_name_of_its_document(query, plain, order):
    joined = whole(towns(8))
    for budget in (30, 100, 400):
        context = joined.tree.compress(
            query, budget, headings=not plain, gaps=not plain, order=order
        )
        assert context.tokens <= budget
        place = 0
        for segment in context.segments:
            place = context.text.index(segment.text, place)
            name = joined.place_of(segment.start).run.source.id
            named = [
                (context.text.rfind(f"# {each.run.source.id}", 0, place), each.run.source.id)
                for each in joined.placed
            ]
            assert max(named)[1] == name
            place += len(segment.text)


def test_a_title_is_never_shown_for_itself():
    joined = whole([Document("harbour harbour harbour.", "harbour"), *towns(3)])
    context = joined.tree.compress("harbour", 60)
    for segment in context.segments:
        placed = joined.place_of(segment.start)
        assert segment.start >= placed.body
        assert segment.end <= placed.body + len(placed.run.source.text)


def test_a_part_of_a_long_document_stands_under_the_headings_it_had():
    text = "# Book\n\n" + "\n".join(
        f"## Part {part}\n\n"
        + "\n\n".join(
            f"### Chapter {part}.{n}\n\n" + f"Word{part}x{n} is said here, and more is said. " * 30
            for n in range(6)
        )
        for part in range(6)
    )
    lexicon = Lexicon()
    (source,) = sources([Document(text, "book.md")], lexicon)
    (_, _), (first, end), *_, (late, last) = chapters(source)
    joined = join([Run(source, first, end), Run(source, late, last)], lexicon, MANNER)
    tree = hier.build(text)
    for placed in joined.placed:
        for leaf in range(placed.run.first, placed.run.end):
            here = joined.tree.paths[int(joined.tree.index.path_of[leaf + placed.shift])]
            there = tree.paths[int(tree.index.path_of[leaf])]
            titles = [joined.tree.layout().title(heading) for heading in here]
            assert titles == ["book.md", *(tree.layout().title(heading) for heading in there)]
            spans = (
                joined.tree.layout().leaf_span(leaf + placed.shift),
                tree.layout().leaf_span(leaf),
            )
            (start, stop), (begin, finish) = spans
            assert joined.tree.source[start:stop] == text[begin:finish]


def test_a_row_of_a_part_that_begins_inside_a_table_has_its_header_row():
    rows = "".join(f"| town{n} | {n * 37} |\n" for n in range(900))
    text = f"# Register\n\n| name | inhabitants |\n|---|---|\n{rows}"
    lexicon = Lexicon()
    (source,) = sources([Document(text, "register.md")], lexicon)
    inside = next(span for span in chapters(source) if span[0] > 5)
    joined = join([Run(source, *inside)], lexicon, MANNER)
    row = source.text[source.leaf_start[inside[0] + 3] :].split("\n", 1)[0]
    context = joined.tree.compress(row.split("|")[1], 60)
    assert row in context.text
    assert "| name | inhabitants |\n" in context.text
