"""Literals: what a text says exactly is found in any spelling, and lost by no addition."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hier.summarizers.literals import literals, share_kept


def kept(text, summary):
    return share_kept(literals(text), literals(summary))


EXAMPLES = {
    # numbers
    "1,234.50": "1234.5",
    "1234.5": "1234.5",
    "12,345,678 rows": "12345678",
    "1\u00a0234\u00a0567 Einwohner": "1234567",
    "0.50 and .5": "0.5",
    "wait...7": "7",
    "007": "7",
    "5 per cent of it, 5 percent, 5%, 5.0 %": "5",
    "-5 or −5 or +5": "5",
    "the 1st, 2nd and 3rd": "1 2 3",
    "the 1990s": "1990s",
    "5kg, 5 kg and a 5-kg bag": "5",
    "between 10 and 12": "10 12",
    "10–12 or 2019-2021": "10 12 2019 2021",
    "mid-2019, pp. 4 and p.5": "2019 4 5",
    "24/7 and 1/2": "24/7 1/2",
    "1,2345": "1 2345",
    # amounts
    "$5": "5",
    "$2m, 2 million, two million, 2,000,000, €2 mn, 2M": "2000000",
    "£1.25bn and 1,250 million": "1250000000",
    "a run of 5m": "5",
    "10k": "10000",
    "two hundred thousand": "200000",
    "a hundred, 100": "100",
    # number words
    "one two three four five six": "1 2 3 4 5 6",
    "SEVEN eight Nine ten eleven twelve": "7 8 9 10 11 12",
    "Thirty (30) days, a thirty-day term": "30",
    "twenty-five-year leases": "25",
    "one of them, no one, the one, another one, one another, one's": "not",
    "hundreds of thousands": "",
    # dates and times
    "5 March 2024": "5 march 2024",
    "Mar. 5th, 2024": "5 march 2024",
    "2024-03-05": "5 march 2024",
    "2024/3/5 and the 5th of March": "5 march 2024",
    "2024-03-05T10:00:00Z": "5 march 2024 10:00:00",
    "03/05/2024": "3/5/2024",
    "in January, by Friday": "january friday",
    "It may march on": "",
    "09:30, 9:30 a.m.": "9:30",
    "9:30 pm, 21:30": "21:30",
    "12 am, 3 PM": "0:00 15:00",
    # identifiers
    "call `snake_case` now": "snake_case",
    "the camelCase, HTTPServer": "camelcase httpserver",
    "ABC-123, COVID-19's, H2O": "abc-123 covid-19 h2o",
    "form 10-K": "10-k",
    "config.yaml in os.path": "config.yaml os.path",
    "an _emphasised_ word, __bold__, ____": "",
    "e.g. some.The end, i.e. it": "",
    "v1.20.3, version 1.20.3": "1.20.3",
    "v1.20, Version 1.20": "1.20",
    "on 10.0.0.1": "10.0.0.1",
    "550e8400-e29b-41d4": "550e8400-e29b-41d4",
    # addresses
    "See https://www.example.com/a/?q=1.": "example.com/a/?q=1",
    "(http://example.com/) or www.example.com": "example.com",
    "Ask Joe.B+x@mail.Example.org.": "joe.b+x@mail.example.org",
    # references
    "Section 3.10, § 3.10, sections 3.10": "3.10",
    "clause 4(b)(ii)": "4(b)(ii)",
    "Article IV of SCHEDULE B": "iv b",
    "Fig.2, Fig. 2, No. 2 and no.2": "2",
    "the article I read": "",
    # negations and exceptions
    "not, No, NEVER, none, neither, nor": "not",
    "without it, cannot, nothing": "not",
    "don't, can’t, WON'T, isnʼt": "not",
    "can't/won't, no-one, word--not, _not_": "not",
    "not only here, not just now": "",
    "notable northern knots": "",
    "except it, unless so, excluding that": "except",
    # other scripts
    "٣٤ and １２": "34 12",
    "在2024年1.50元": "2024 1.5",
    "noël, não, noé-x": "",
    "lone \ud800 5 \udfff": "5",
    "½ 5² 五": "5",
    "": "",
    "Plain words alone.": "",
}


@pytest.mark.parametrize(("text", "expected"), EXAMPLES.items())
def test_what_is_a_literal_and_how_it_is_spelled(text, expected):
    assert literals(text) == set(expected.split())


@pytest.mark.parametrize(
    ("text", "summary", "share"),
    [
        ("The fee is $1,234.50.", "A fee of 1234.5 dollars.", 1),
        ("The fee is $1,234.50.", "There is a fee.", 0),
        ("It doesn't apply on 5 March 2024.", "On 2024-03-05 it does not apply.", 1),
        ("It doesn't apply on 5 March 2024.", "It applies from March 2024.", 0.5),
        ("Five per cent, unless waived.", "5% except where waived.", 1),
        ("Rain fell.", "", 1),
        ("12", "123 and 1", 0),
    ],
)
def test_the_share_a_summary_keeps(text, summary, share):
    assert kept(text, summary) == share


# Whatever a token may be made of, lone surrogates and digits of other scripts among it.
PIECES = [text for example in EXAMPLES for text in example.split(" ")]
PIECES += ["one", "no", "No.", "million", "Section", "§", "$", "5", "1,1", "pm", "may", "of", "st"]
PIECES += [" ", "\n", "\t", "\u00a0", "-", "/", ".", ",", "(", "@", "'", "://", "_", "é", "年", "٣"]
characters = st.text(st.characters(max_codepoint=sys.maxunicode, exclude_categories=()))
texts = st.one_of(characters, st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
words = st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join)
any_text = st.one_of(texts, words)


@given(any_text)
def test_a_text_keeps_itself(text):
    assert kept(text, text) == 1
    assert all(literal and not literal.isspace() for literal in literals(text))


@given(any_text, any_text)
def test_paragraphs_have_their_literals_together_in_any_order(one, other):
    together = literals(one) | literals(other)
    assert literals(f"{one}\n\n{other}") == literals(f"{other}\n\n{one}") == together


@given(any_text, any_text, any_text)
def test_adding_to_a_summary_never_lowers_what_it_keeps(text, summary, more):
    before = kept(text, summary)
    assert 0 <= before <= 1
    assert kept(text, f"{summary}\n\n{more}") >= before
    assert kept(text, f"{more}\n\n{summary}") >= before


@given(st.text("aehlrs ,;!?—'é年\n", max_size=40), any_text)
def test_a_text_without_literals_is_kept_by_any_summary(text, summary):
    assert literals(text) == set()
    assert kept(text, summary) == 1


CASELESS = "5 two million not NEVER don't unless 2024-03-05 3.5 ABC-123 x_y Friday March 5".split()


@given(st.lists(st.sampled_from(CASELESS), max_size=8).map(" , ".join))
def test_case_does_not_matter(text):
    assert literals(text) == literals(text.upper()) == literals(text.lower())


@given(st.decimals(0, 10**12, places=2), st.booleans())
def test_a_number_is_one_however_it_is_grouped_and_padded(number, spaced):
    grouped = f"{number:,.2f}00"
    text = f"{number:f}".rstrip("0").rstrip(".") or "0"
    assert literals(grouped.replace(",", "\u202f") if spaced else grouped) == literals(text)
    assert len(literals(text)) == 1


@given(st.integers(1, 10**9), st.integers(0, 99))
def test_a_scale_is_its_zeros(whole, cents):
    assert literals(f"{whole}.{cents:02} million") == literals(f"{whole}{cents:02}0000")


RUNS = ["a1-", "....", "1,1,1,", "1,111,", "1(1)", "5(a)", "a+", "a@", "a.b@", "a-", "1.1", "1/1"]
RUNS += [
    "é1",
    "年1",
    "million ",
    "no'",
    "one-",
    "twenty-",
    "9:30:",
    "http://",
    "....a",
    "   …",
    "_-",
]
RUNS += ["n't ", "0", "Section I", "2024-01-01T", "\ud800", "$", "٣", "I", "v1.", "a://", "one of "]


@pytest.mark.parametrize("end", ["x", "é"])
@pytest.mark.parametrize("unit", RUNS)
def test_a_long_run_is_read_in_one_pass(unit, end):
    """A run read again from each of its parts would cost its length squared."""
    run = unit * (100_000 // len(unit)) + end
    assert literals(run) <= literals(f"7, {run}")


@pytest.mark.parametrize("unit", ["a1-", "....", "1,1,1,"])
def test_a_megabyte_is_read(unit):
    assert kept("7", f"{unit * (1_000_000 // len(unit))} 7") == 1
