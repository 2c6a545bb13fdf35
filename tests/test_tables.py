"""Tables: a row is never shown without its header row, nor cut, whatever is asked; and it is paid.

Contexts are read as a person would: line by line, upwards from a row.
"""

import random
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hier
from hier.asking.citations import Numbering
from hier.blocks import BlockKind, Blocks, find_blocks
from hier.candidates import pose
from hier.document import Document
from hier.places import Places
from hier.tables import read_rows

WORDS = re.compile(r"\w+|[^\w\s]")
COUNTERS = {
    "o200k_base": "o200k_base",
    "characters": len,
    "words": lambda text: len(WORDS.findall(text)),
}
FRUITS = "apple pear plum cherry quince medlar fig lime lemon orange".split()
TOOLS = "hammer saw drill file plane chisel vice clamp level rasp".split()
FRUIT_HEADER = "| Fruit | Price in dollars | Stock |\n|---|---:|---|"
FRUIT_ROWS = [f"| {fruit} {i} | {7 * i}.5 | {3 * i} |" for i in range(4) for fruit in FRUITS]
TOOL_HEADER = "| Tool | Weight | Kept in |\n|:--|--|--|"
TOOL_ROWS = [f"| {tool} {i} | {i} kg | shelf {i * i} |" for i in range(3) for tool in TOOLS]
PAY_HEADER = "Name\tRole\tPay"
PAY_ROWS = [f"Person{i}\trole of {tool}\t{100 * i}" for i, tool in enumerate(TOOLS)]
TABLES = ((FRUIT_HEADER, FRUIT_ROWS), (TOOL_HEADER, TOOL_ROWS), (PAY_HEADER, PAY_ROWS))
TEXT = "\n".join(
    [
        "# The shop\n\nWe sell fruit and tools. Prices changed last year. Ask for a discount.\n",
        "## What there is\n\nAll fruit is fresh. Our stock of fruit is counted weekly.\n",
        *[FRUIT_HEADER, *FRUIT_ROWS],
        "\nTools are sold below. Each tool has a weight and a shelf.\n",
        *[TOOL_HEADER, *TOOL_ROWS],
        "\n## Who works here\n\nThe pay is as follows.\n",
        *[PAY_HEADER, *PAY_ROWS],
        "\nThat is all. Write to us about any tool.\n",
    ]
)
QUERIES = (
    "What is the price of the quince?", "Which tool is on shelf 4, and its weight?",
    "Who is paid 300?", None, ("stock of figs", "weight of a rasp"),
)  # fmt: skip


@pytest.fixture(scope="module", params=sorted(COUNTERS))
def tree(request):
    return hier.build(TEXT, tokenizer=COUNTERS[request.param])


def shows_headers(text, tables=TABLES):
    """Follow each row upwards to its header row; return how many rows and header rows there are."""
    lines = text.split("\n")
    of_row = {row: number for number, (_, rows) in enumerate(tables) for row in rows}
    headers = [header.split("\n") for header, _ in tables]
    seen = 0
    for place, line in enumerate(lines):
        if line not in of_row:
            assert not any(row in line for row in of_row), f"no line of its own: {line}"
            assert not any(key in line for key in map(key_of, of_row)), f"a row is cut: {line}"
            continue
        seen += 1
        above = place - 1
        while of_row.get(lines[above]) == of_row[line] or lines[above] == "…":
            above -= 1
        header = headers[of_row[line]]
        assert lines[max(0, above + 1 - len(header)) : above + 1] == header, f"{line} in {text}"
    return seen, sum(text.count(header) for header, _ in tables)


def leaf_of(tree, words):
    return int(np.searchsorted(tree.leaf_start, tree.source.index(words), "right")) - 1


def key_of(row):
    """The cell that no other row or sentence has."""
    cell = row.strip("| ").split("\t")[0].split(" |")[0]
    return f"{cell} |" if "|" in row else f"{cell}\t"


def kept(tree, context):
    assert context.tokens == tree.tokenizer.count(context.text) <= context.budget
    for segment in context.segments:
        assert segment.text == tree.source[segment.start : segment.end]
    return shows_headers(context.text)


def some_options(chosen):
    """A few options at random; spans name rows."""
    options = {}
    place = TEXT.index(chosen.choice(chosen.choice(TABLES)[1]))
    if chosen.random() < 0.5:
        options |= {"headings": False, "gaps": chosen.random() < 0.5}
    if chosen.random() < 0.4:
        options["order"] = "relevance"
    if chosen.random() < 0.3:
        options["nested"] = True
    if chosen.random() < 0.3:
        options["max_segments"] = chosen.randint(1, 6)
    if chosen.random() < 0.4:
        options["must_include"] = [(place, place + 3)]
    elif chosen.random() < 0.3:
        header = TEXT.index(chosen.choice(TABLES)[0])
        options["exclude"] = [(header, header + 2)]
    return options


@pytest.mark.parametrize("seed", range(12))
def test_no_row_is_without_its_header_row_whatever_is_asked(tree, seed):
    chosen = random.Random(seed)
    total, seen = 0, []
    for _ in range(12):
        query, budget = chosen.choice(QUERIES), int(10 ** chosen.uniform(0.8, 3.3))
        try:
            context = tree.compress(query, budget, seen=seen, **some_options(chosen))
        except hier.BudgetError:
            continue
        total += kept(tree, context)[0]
        if chosen.random() < 0.2:
            seen.append(context)
    assert total > 0


def test_every_part_of_the_tree_shows_its_rows_headed(tree):
    for node in tree.nodes:
        if node.level:
            for budget in (node.tokens // 2 + 1, 2 * node.tokens + 100):
                kept(tree, tree.expand(node.id, budget, "What is the stock?"))


def test_must_rows_are_shown_headed_or_refused(tree):
    start = TEXT.index(TOOL_ROWS[17])
    for budget in range(5, 140, 9):
        try:
            context = tree.compress("fruit", budget, must_include=[(start, start + 3)])
        except hier.BudgetError:
            continue
        assert kept(tree, context)[0] >= 1
        assert TOOL_ROWS[17] in context.text


def test_pieces_with_numbers_are_headed_too(tree):
    numbering = Numbering.of(tree)
    for query in QUERIES:
        for options in ({}, {"order": "relevance"}):
            context = tree.compress(query, 600, **options)
            text = numbering.write(numbering.pieces(context, 1))
            shows_headers(re.sub(r"(?m)^\[\d+\] ", "", text))


def test_a_header_row_is_shown_once_a_table_and_under_its_headings():
    tree = hier.build(TEXT)
    context = tree.compress("price of the quince, stock of the lime", 120)
    rows, headers = shows_headers(context.text)
    assert rows > 3
    assert headers == 1
    layout, leaf = tree.layout(), leaf_of(tree, FRUIT_ROWS[9])
    assert layout.write(layout.pieces([leaf, leaf + 2])) == (
        f"# The shop > What there is\n{FRUIT_HEADER}\n{FRUIT_ROWS[9]}\n…\n{FRUIT_ROWS[11]}"
    )
    plain = tree.compress("quince 3", 45, headings=False, gaps=False).text
    assert f"{FRUIT_HEADER}\n" in plain
    assert "#" not in plain


def test_a_header_row_that_is_shown_itself_is_not_repeated():
    tree = hier.build(TEXT)
    layout = tree.layout()
    header = min(layout.header_rows)
    for rows in ([header + 1], [header + 5], [header + 2, header + 9]):
        text = layout.write(layout.pieces([header - 1, header, *rows]))
        assert text.count(FRUIT_HEADER) == 1
        shows_headers(text)


def test_relevance_reads_the_header_row_with_each_row():
    rows = "\n".join(f"| {fruit} | {i} | {i * i} |" for i, fruit in enumerate(FRUITS))
    other = "\n".join(f"| {fruit} | {i} | {i * i} |" for i, fruit in enumerate(FRUITS))
    text = f"| Name | Sugar | Acid |\n|---|---|---|\n{rows}\n\nText between.\n\n"
    text += f"| Name | Height | Width |\n|---|---|---|\n{other}\n"
    context = hier.build(text).compress("What is the height of the fig?", 32)
    assert "| Name | Height | Width |" in context.text
    assert "| fig | 6 | 36 |" in context.text
    assert "Sugar" not in context.text


def test_a_header_row_larger_than_the_budget_leaves_its_rows_out():
    header = f"| {' | '.join(f'Column number {i} of many' for i in range(30))} |\n|{'---|' * 30}"
    rows = [f"| {' | '.join(str(i * j) for j in range(30))} |" for i in range(2, 20)]
    text = "\n".join([header, *rows, ""])
    tree = hier.build(text)
    assert len(tree.leaf_start) == len(rows) + 1
    assert tree.compress("Column number 7", 150).text == ""
    shown = tree.compress("Column number 7", 500)
    assert shown.tokens <= 500
    assert shows_headers(shown.text, [(header, rows)])[0] > 0


def csv_document(columns=5, rows=80):
    header = ",".join(f"measure {chr(97 + i)}" for i in range(columns))
    lines = [",".join(str(i * 31 % 97 + j) for j in range(columns)) for i in range(1, rows)]
    text = "\n".join([header, *(f"town{i},{line}" for i, line in enumerate(lines)), ""])
    whole = np.array([0]), np.array([len(text)])
    blocks = Blocks(*whole, np.array([BlockKind.TABLE]), np.array([0]))
    return Document(text, "towns.csv", blocks=blocks), header, text.splitlines()[1:]


@pytest.mark.parametrize("budget", [40, 60, 200, 900])
def test_what_the_reader_of_a_file_knows_to_be_a_table_is_one(budget):
    document, header, rows = csv_document()
    tree = hier.build(document)
    context = tree.compress("measure c of town41", budget)
    assert context.tokens <= budget
    seen, headers = shows_headers(context.text, [(header, rows)])
    assert seen > 0
    assert headers == 1
    assert any(line.startswith("town41,") for line in context.text.splitlines())


def test_a_row_whose_cells_have_lines_is_whole_where_its_reader_knows_it():
    records = ['Town,"What is\n\nto be seen"'] + [
        f'town{i},"A tower.\n\nA {FRUITS[i]} garden, {i} wells"' for i in range(10)
    ]
    text = "\n".join(records) + "\n"
    starts = np.array([text.index(record) for record in records])
    blocks = Blocks(np.array([0]), np.array([len(text)]), np.array([3]), np.array([0]))
    places = Places.counted("row", starts)
    tree = hier.build(Document(text, "towns.csv", places, blocks))
    assert tree.leaf_start.tolist() == starts.tolist()
    context = tree.compress("lime garden", 32)
    assert context.text.startswith(records[0] + "\n")
    assert records[8] in context.text
    assert "row 9" in [segment.place for segment in context.segments]


def test_a_signature_that_a_reader_gives_stands_above_its_lines():
    parts = [
        ("class Fruit:\n", 3, 0, 1), ('    """Ripe or not."""\n', 4, 0, 0),
        ("    def ripen(self, days):\n", 0, 0, 2),
        ("".join(f"        self.step{i} = days * {i}\n" for i in range(30)), 4, 0, 0),
        ("    def rot(self):\n", 0, 0, 2), ("        return self.brown\n" * 9, 4, 0, 0),
    ]  # fmt: skip
    kinds = [0, 4, 0, 4, 0, 4]
    starts = np.cumsum([0, *(len(part[0]) for part in parts)])
    text = "".join(part[0] for part in parts)
    blocks = Blocks(starts[:-1], starts[1:], np.array(kinds), np.array([p[3] for p in parts]))
    tree = hier.build(Document(text, blocks=blocks))
    context = tree.compress("step17", 130)
    assert re.search(
        r"# (class Fruit: > )?def ripen\(self, days\):\n(.*step.*\n)*.*step17", context.text
    )
    assert "def rot" not in context.text


def test_planned_and_real_tokens_agree(tree):
    layout, count, chosen = tree.layout(), tree.tokenizer.count, random.Random(4)
    leaves = np.arange(len(tree.leaf_start))
    pairs = [(leaves, leaves, np.ones(len(leaves)))]
    problem = pose(tree, layout, leaves, (), np.ones(len(leaves)), pairs)
    for _ in range(200):
        picked = chosen.sample(range(len(leaves)), chosen.randint(4, 30))
        exact = count(layout.write(layout.pieces(picked)))
        assert abs(problem.price(picked) - exact) <= max(8, 0.05 * exact)


# Which rows are header rows.


def header_of(text, known=False):
    rows, header = read_rows(text, 0, len(text), known)
    return text[: rows[1]].strip("\n") if header else None


GRID = "+---+---+\n| a | b |\n+{0}+{0}+\n| 1 | 2 |\n+---+---+\n| 3 | 4 |\n+---+---+\n"


@pytest.mark.parametrize(
    ("table", "header"),
    [
        ("| a | b |\n|---|---|\n| 1 | 2 |\n", "| a | b |\n|---|---|"),
        ("| 1 | 2 |\n|---|---|\n| 3 | 4 |\n", "| 1 | 2 |\n|---|---|"),
        ("a | b\n:-- | --:\n1 | 2\n", "a | b\n:-- | --:"),
        ("\n\n| a | b |\n|---|---|\n| 1 | 2 |\n", "| a | b |\n|---|---|"),
        ("|   |   |\n|---|---|\n| 3 | 4 |\n", None),
        ("| a | b |\n|---|---|\n", None),
        ("| a | b |\n| 1 | 2 |\n", "| a | b |"),
        ("| 7 | 8 |\n| 1 | 2 |\n", None),
        ("Name\tRole\nAnna\tcook\n", "Name\tRole"),
        ("Quarter 1\tQuarter 2\n12\t13\n", "Quarter 1\tQuarter 2"),
        ("\t2019\t2020\nSales\t12.5\t13\n", "\t2019\t2020"),
        ("By:\tAnna Lee\nTitle:\tDirector\n", None),
        ("Anna\t12\nBob\t13\n", None),
        ("A sentence stands here.\tAnother\nAnna\t12\n", None),
        (GRID.format("==="), "+---+---+\n| a | b |\n+===+===+"),
        (GRID.format("---").replace("a", "7"), None),
        ("===  ===\na    b\n===  ===\n1    2\n3    4\n===  ===\n", "===  ===\na    b\n===  ==="),
        ("===  ===\na    b\n3    4\n===  ===\n", None),
    ],
)
def test_header_rows_are_told_from_other_rows(table, header):
    assert header_of(table) == header


def test_what_a_reader_knows_needs_no_signs():
    assert header_of("7,8\n1,2\n", known=True) == "7,8"
    assert header_of("7,8\n", known=True) is None


def test_rows_of_several_lines_are_whole():
    grid = GRID.format("===").replace("| 3 | 4 |", "| 3 | 4 |\n| 5 | 6 |")
    rows, _ = read_rows(grid, 0, len(grid))
    assert grid[rows[-1] :] == "| 3 | 4 |\n| 5 | 6 |\n+---+---+\n"
    simple = "===  ===\na    b\n===  ===\n1    2\n     more\n3    4\n===  ===\n"
    rows, _ = read_rows(simple, 0, len(simple))
    assert [simple[start:].split("\n")[0] for start in rows] == ["===  ===", "1    2", "3    4"]


def test_a_simple_table_is_found_whole():
    table = "===  ===\na    b\n===  ===\n1    2\n===  ===\n"
    blocks = find_blocks(f"Before.\n\n{table}\nAfter.\n")
    assert blocks.kind.tolist() == [BlockKind.PARAGRAPH, BlockKind.TABLE, BlockKind.PARAGRAPH]
    for broken in ("===  ===\na    b\n\nAfter.\n", "===  ===\n", "===  ===\n===  ===\n"):
        assert BlockKind.TABLE not in find_blocks(broken).kind


# Blocks that a reader gives.


@given(st.data())
def test_any_partition_is_built_and_keeps_to_its_budget(data):
    text = data.draw(st.text("ab .|\t,1\n#é", min_size=1, max_size=80).filter(str.strip))
    inner = data.draw(st.sets(st.integers(1, max(1, len(text) - 1)), max_size=6))
    starts = np.array(sorted({0, *(place for place in inner if place < len(text))}))
    kinds = data.draw(st.lists(st.integers(0, 5), min_size=len(starts), max_size=len(starts)))
    depths = np.array([1 + place % 3 if kind == 0 else 0 for place, kind in enumerate(kinds)])
    blocks = Blocks(starts, np.append(starts[1:], len(text)), np.array(kinds), depths)
    tree = hier.build(Document(text, blocks=blocks), tokenizer=len)
    assert np.isin(starts, tree.leaf_start).all()
    for budget in (1, 7, 30, 100):
        context = tree.compress("ab 1", budget)
        assert context.tokens == len(context.text) <= budget


BAD = {
    "no blocks": (lambda b: [b], "are no Blocks"),
    "a list": (lambda b: Blocks(list(b.start), b.end, b.kind, b.depth), "no array of whole"),
    "fractions": (lambda b: Blocks(b.start + 0.5, b.end, b.kind, b.depth), "no array of whole"),
    "none": (lambda b: Blocks(*(a[:0] for a in (b.start, b.end, b.kind, b.depth))), "not cover"),
    "unequal": (lambda b: Blocks(b.start, b.end, b.kind[1:], b.depth), r"kind 2, depth 3\)"),
    "a late start": (lambda b: Blocks(b.start + 1, b.end, b.kind, b.depth), "does not cover 0"),
    "a gap": (lambda b: Blocks(b.start, b.end - 1, b.kind, b.depth), "block 0 ends at"),
    "a kind": (lambda b: Blocks(b.start, b.end, b.kind + 9, b.depth), "is no BlockKind"),
    "no depth": (lambda b: Blocks(b.start, b.end, b.kind * 0, b.depth * 0), "has depth 0"),
    "a depth": (lambda b: Blocks(b.start, b.end, b.kind, b.depth - 1), "has depth -1"),
    "disorder": (
        lambda b: Blocks(b.start[[0, 2, 1]], b.end, b.kind, b.depth), "overlaps: entry 2 begins",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_blocks_that_cannot_be_are_refused_at_once(name):
    text = "One.\n\nTwo.\n\nThree.\n"
    change, message = BAD[name]
    with pytest.raises(hier.InputError, match=message) as raised:
        hier.build(Document(text, blocks=change(find_blocks(text))), embedder=object())
    assert "pass" in str(raised.value)


@given(
    st.lists(st.integers(-2, 20), max_size=4), st.lists(st.integers(-2, 20), max_size=4),
    st.lists(st.integers(-1, 7), max_size=4), st.lists(st.integers(-1, 3), max_size=4),
)  # fmt: skip
def test_blocks_are_used_or_refused(start, end, kind, depth):
    text = "One.\n\nTwo. Three.\n"
    blocks = Blocks(*(np.array(part, np.int64) for part in (start, end, kind, depth)))
    good = (
        len(start) == len(end) == len(kind) == len(depth) > 0
        and start[0] == 0 and [*start[1:], len(text)] == end
        and all(s < e for s, e in zip(start, end, strict=True))
        and all(0 <= k <= 5 and d >= (k == 0) for k, d in zip(kind, depth, strict=True))
    )  # fmt: skip
    if good:
        assert hier.build(Document(text, blocks=blocks)).compress(budget=50).text == text
    else:
        with pytest.raises(hier.InputError, match="pass"):
            hier.build(Document(text, blocks=blocks))
