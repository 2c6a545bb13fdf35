"""Citations: numbers name exact spans, and what an answer cites is looked up."""

import pytest

import hier
from hier.asking.citations import Numbering

TEXT = "# Harbour\n\n" + "\n\n".join(
    f"Berth {n} was built in {1900 + n}. It takes ships of {n} metres. The quay is grey."
    for n in range(1, 120)
)
QUESTION = "When was berth 77 built?"


@pytest.fixture(scope="module")
def tree():
    return hier.build(hier.Document(TEXT, "harbour.md"))


@pytest.fixture(scope="module")
def numbering(tree):
    return Numbering.of(tree)


@pytest.fixture(scope="module")
def pieces(tree, numbering):
    return numbering.pieces(tree.compress(QUESTION, 800), 1)


def numbers(found):
    return [cited.number for cited in found[0]]


def test_pieces_are_exact_spans_of_at_most_a_passage_that_hold_all_that_is_shown(tree, numbering):
    for budget in (60, 800, 100_000):
        context = tree.compress(QUESTION, budget)
        pieces = numbering.pieces(context, 5)
        assert [piece.number for piece in pieces] == list(range(5, 5 + len(pieces)))
        assert all(tree.source[p.start : p.end] == p.text == p.text.strip() for p in pieces)
        shown = "".join("".join(segment.text.split()) for segment in context.segments)
        assert "".join("".join(piece.text.split()) for piece in pieces) == shown
        assert all(tree.tokenizer.count(piece.text) < 300 for piece in pieces)
        assert all(piece.document == "harbour.md" for piece in pieces)


def test_each_piece_is_written_behind_its_number_under_its_heading(numbering, pieces):
    written = numbering.write(pieces)
    for piece in pieces:
        assert f"[{piece.number}] {piece.text}" in written
    assert written.count("# Harbour") == 1


@pytest.mark.parametrize(
    ("answer", "cited"),
    [
        ("In 1977 [2].", [2]),
        ("In 1977 [2][1], and so [2].", [1, 2]),
        ("So [1, 3] and [ 2 ; 4 ].", [1, 2, 3, 4]),
        ("So [1-3].", [1, 2, 3]),
        ("So [1–2, 4].", [1, 2, 4]),
        ("No numbers, and no [note] or a[].", []),
    ],
)
def test_numbers_are_read_however_they_are_put(numbering, pieces, answer, cited):
    assert numbers(numbering.find(answer, pieces)) == cited
    assert numbering.find(answer, pieces)[1] == ()


def test_numbers_of_nothing_are_reported_and_kept_out(numbering, pieces):
    cited, unknown = numbering.find("So [1][99], [0], [99] and [2-999999999999].", pieces)
    assert [piece.number for piece in cited] == [1, 2]
    assert unknown == ("[99]", "[0]", "[999999999999]")


def test_quotes_are_looked_up_in_what_is_cited(numbering, pieces):
    one = pieces[0].text.split(". ")[0]
    quotes = f'It says "{one}" [1]. It says “berths are free” [2]. It stands [3].'
    cited, _ = numbering.find(quotes, pieces)
    assert [piece.quoted for piece in cited] == [True, False, None]
    # Of two citations for one quote each is looked up.
    cited, _ = numbering.find(f'As "{one}" [1][2].', pieces)
    assert [piece.quoted for piece in cited] == [True, False]


def test_a_text_with_numbers_of_its_own_is_not_taken_for_ours():
    tree = hier.build("Ships are long [7]. Quays are grey [1].\n\nThe mole [s2] is of stone.")
    numbering = Numbering.of(tree)
    assert numbering.letter not in ("", "s")
    pieces = numbering.pieces(tree.compress("mole", 100), 1)
    label = numbering.label(1)
    assert numbering.write(pieces).startswith(label)
    cited, unknown = numbering.find(f"Grey {label}, as [1] says, and [s2].", pieces)
    assert [piece.number for piece in cited] == [1]
    assert unknown == ("[1]", "[s2]")


def test_a_summary_is_said_to_be_one_and_names_its_sources():
    tree = hier.build(TEXT, summarizer=lambda text: "All the berths of the harbour, old and new.")
    numbering = Numbering.of(tree)
    for budget in (20, 40, 80, 160):
        for piece in numbering.pieces(tree.compress(None, budget), 1):
            if piece.kind == "summary":
                assert piece.sources
                assert f"[{piece.number}] (summary) {piece.text}" in numbering.write([piece])
                return
    pytest.fail("no budget shows a summary")
