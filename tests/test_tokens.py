"""Token counts: the user's tokenizer has the last word, and trouble with it is named."""

import random
import subprocess
import sys

import environment
import hostile
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hier
from hier.tokens import ENCODINGS, encodable, load_tokenizer


def fast_tokenizer():
    """A byte-level tokenizer that knows no merges: a token a byte."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({c: i for i, c in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


@given(st.text(max_size=300))
def test_sizes_add_up_to_the_count_of_the_whole(text):
    for name in ("o200k_base", "cl100k_base"):
        tokenizer = load_tokenizer(name)
        cuts = np.array([0, len(text) // 3, len(text) // 2, len(text)])
        assert tokenizer.sizes(text)(cuts[:-1], cuts[1:]).sum() == tokenizer.count(text)


@pytest.mark.parametrize("kind", sorted(hostile.TEXTS))
def test_boundaries_are_where_tokens_end(kind):
    text = hostile.TEXTS[kind](random.Random(2))[:3000]
    encoding = environment.tiktoken_encoding("o200k_base")
    boundaries = load_tokenizer("o200k_base").boundaries(text)
    # tiktoken reads lone surrogates as it likes; where they stand no two ways agree.
    ids = encoding.encode_ordinary(encodable(text))
    assert len(boundaries) == len(ids)
    assert (np.diff(boundaries) >= 0).all()
    if text.isascii():
        ends = np.cumsum([len(encoding.decode([token])) for token in ids])
        assert np.array_equal(boundaries, ends)
    if len(text):
        assert boundaries[-1] == len(text)


@pytest.mark.parametrize("name", ["o200k_base", "o200k_harmony", "cl100k_base"])
@pytest.mark.parametrize("kind", sorted(set(hostile.TEXTS) - {"surrogates", "equal_letters"}))
def test_counts_are_those_of_tiktoken(name, kind):
    text = hostile.TEXTS[kind](random.Random(8))[:4000]
    assert "\ud800" not in text
    expected = len(environment.tiktoken_encoding(name).encode(text, disallowed_special=()))
    tokenizer = load_tokenizer(name)
    assert tokenizer.count(text) == expected
    places = np.array(sorted({0, *random.Random(9).choices(range(len(text) + 1), k=50), len(text)}))
    assert tokenizer.sizes(text)(places[:-1], places[1:]).sum() == expected


@given(st.text(alphabet="aé字👩\u200d\u0301 \n", min_size=1, max_size=60))
def test_a_token_ends_behind_the_character_in_which_its_last_byte_lies(text):
    encoding = environment.tiktoken_encoding("o200k_base")
    raw = b""
    expected = []
    for token in encoding.encode_ordinary(text):
        raw += encoding.decode_single_token_bytes(token)
        whole = len(raw.decode("utf-8", "ignore"))
        expected.append(whole + (text[:whole].encode() != raw))
    assert load_tokenizer("o200k_base").boundaries(text).tolist() == expected


@pytest.mark.parametrize("text", ["\ud800", "a \udc00b\ud83d", "\ude00\ud83d " * 20])
@pytest.mark.parametrize("name", ["o200k_base", "cl100k_base"])
def test_lone_surrogates_are_counted_as_what_replaces_them(name, text):
    tokenizer = load_tokenizer(name)
    assert tokenizer.count(text) == tokenizer.count(encodable(text)) > 0
    assert len(tokenizer.boundaries(text)) == tokenizer.count(text)


@given(st.text(max_size=60), st.lists(st.integers(0, 60), max_size=6))
def test_a_counter_without_boundaries_is_asked_about_each_span(text, places):
    places = np.array(sorted({0, *(min(place, len(text)) for place in places), len(text)}))
    sizes = load_tokenizer(hostile.utf8).sizes(text)(places[:-1], places[1:])
    spans = zip(places[:-1].tolist(), places[1:].tolist(), strict=True)
    assert sizes.tolist() == [hostile.utf8(text[s:e]) for s, e in spans]


def test_long_texts_are_cut_where_no_token_is():
    line = "Rows of words, 12 of them; and a number 3.14159 at the end of each.\n"
    text = line * 12_000
    tokenizer = load_tokenizer("o200k_base")
    assert len(tokenizer.boundaries(text)) == tokenizer.count(text)


def test_special_tokens_are_counted_as_the_text_they_are():
    tokenizer = load_tokenizer("cl100k_base")
    assert tokenizer.count("<|endoftext|>") > 1
    assert hier.compress("<|endoftext|> and more. " * 40, "more", budget=30).tokens <= 30


@pytest.mark.parametrize("character", [" ", "\n", "\u3000"])
@pytest.mark.parametrize("length", [1 << 18, (1 << 18) + 1, 700_000])
def test_white_space_without_end_is_counted(character, length):
    tokenizer = load_tokenizer("o200k_base")
    text = "a" + character * length + "b"
    count = tokenizer.count(text)
    # A token holds at most 128 blanks; the run is cut into a few pieces, a token or two each.
    assert length // 128 <= count <= 3 * length
    assert abs(len(tokenizer.boundaries(text)) - count) <= 8


def test_a_hugging_face_tokenizer_counts_from_object_file_and_folder(tmp_path):
    tokenizer = fast_tokenizer()
    tokenizer.enable_truncation(5)
    (tmp_path / "tokenizer.json").write_text(tokenizer.to_str())
    for given_as in (tokenizer, str(tmp_path), tmp_path / "tokenizer.json"):
        assert load_tokenizer(given_as).count("é and more") == 11
    context = hier.compress("Some words here. " * 50, "words", budget=40, tokenizer=tokenizer)
    assert 0 < context.tokens == len(context.text.encode()) <= 40
    assert tokenizer.truncation is not None, "the user's tokenizer is left as it was"


def test_a_transformers_tokenizer_counts(tmp_path):
    from transformers import PreTrainedTokenizerFast

    (tmp_path / "tokenizer.json").write_text(fast_tokenizer().to_str())
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"))
    assert load_tokenizer(tokenizer).count("abc \ud800") == 7


@pytest.mark.parametrize("name", ["gpt-9", "", "/no/such/tokenizer.json", "a\0b", "x" * 5000])
def test_an_unknown_name_lists_the_known(name):
    with pytest.raises(hier.TokenizerError, match="known are " + ", ".join(ENCODINGS)):
        hier.build("Text.", tokenizer=name)


def test_a_file_that_is_no_tokenizer_is_refused(tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text("{}")
    with pytest.raises(hier.TokenizerError, match="is not a Hugging Face tokenizer"):
        load_tokenizer(path)


@pytest.mark.parametrize(
    "result",
    [-1, 1.5, float("nan"), "x", "a\nb" * 999, None, True, np.True_, np.ones((99, 9)), [1]],
)
def test_a_nonsense_count_is_an_error_of_one_short_line(result):
    with pytest.raises(hier.TokenizerError, match="must return a number of tokens") as raised:
        hier.build("Some text.", tokenizer=lambda text: result)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400


def test_a_count_may_be_an_integer_of_numpy():
    assert load_tokenizer(lambda text: np.int32(len(text))).count("four") == 4


def test_a_tokenizer_that_raises_is_an_error_that_says_what():
    def broken(text):
        raise RuntimeError("no more\ntokens")

    with pytest.raises(hier.TokenizerError, match="raised RuntimeError: no more tokens") as raised:
        hier.build("Some text.", tokenizer=broken)
    assert "\n" not in str(raised.value)


def test_what_cannot_count_is_refused():
    with pytest.raises(hier.TokenizerError, match="of type int cannot count"):
        hier.build("Some text.", tokenizer=42)


def test_a_table_that_is_not_there_says_what_to_use(tmp_path):
    code = "import hier; hier.build('Some text.', tokenizer='r50k_base')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"TIKTOKEN_CACHE_DIR": str(tmp_path), "https_proxy": "http://127.0.0.1:9"},
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (
        "TokenizerError: the table of tokenizer 'r50k_base' is not on this machine" in done.stderr
    )
    assert "use o200k_base or cl100k_base" in done.stderr
