"""Ordinary and hostile texts, queries and token counters, made from a seed, for the soak test.

Every generator is a function of a ``random.Random`` and nothing else, so a case that fails is made
again from its number. A new kind of trouble is one more function in ``TEXTS``, ``QUERIES`` or
``COUNTERS``.
"""

import random
import re
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import environment
import stdlib_text

Counter = Callable[[str], int]

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|fim_prefix|>", "[CLS]", "</s>", "<pad>")
EMOJI = (
    "👩\u200d👩\u200d👧\u200d👦",  # a family: one picture, seven characters
    "👨🏿\u200d🚀",
    "🏳\ufe0f\u200d🌈",
    "🇧🇷🇯🇵",
    "1\ufe0f\u20e3",
    "e\u0301\u0327\u0323",
    "Z\u0351\u036b\u0343a\u0334\u035bl\u0338\u0328g\u0336o\u0315",
)
_ARABIC = "كانت المدينة القديمة تطل على البحر؟ ثم جاء الشتاء، فسكت الناس. هل تذكر؟ نعم"
_HEBREW = "בית ספר ישן עמד ליד הים. מי גר שם? אף אחד לא ידע!"
CJK = (
    "昔々、山の中に小さな村がありました。「誰もいない」と彼は言った！"
    "公司成立于一九九八年；총액은 얼마입니까？"
)
CONTROL = ("\x00", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\ufeff", "\u200b", "\u202e", "\r")


@cache
def _words() -> list[str]:
    return sorted(set(re.findall(r"[A-Za-z]{2,}", stdlib_text.reference())))


def _sentence(rng: random.Random) -> str:
    words = rng.choices(_words(), k=rng.randint(2, 25))
    return " ".join(words).capitalize() + rng.choice([".", ".", ".", "!", "?", "...", ":"])


def _paragraph(rng: random.Random) -> str:
    return " ".join(_sentence(rng) for _ in range(rng.randint(1, 7)))


def prose(rng: random.Random) -> str:
    """Paragraphs of random words."""
    return "\n\n".join(_paragraph(rng) for _ in range(rng.randint(1, 25)))


def reference(rng: random.Random) -> str:
    """A slice of the language reference that starts and ends anywhere."""
    return _slice(rng, stdlib_text.reference(), 12_000)


def code(rng: random.Random) -> str:
    """A slice of sources and docstrings."""
    return _slice(rng, stdlib_text.text(400_000), 12_000)


def _slice(rng: random.Random, text: str, longest: int) -> str:
    start = rng.randrange(len(text) - longest)
    return text[start : start + rng.randint(1, longest)]


def markdown(rng: random.Random) -> str:
    """Headings, lists, fenced code and tables in any order."""
    blocks = (
        lambda: "#" * rng.randint(1, 6) + " " + _sentence(rng),
        lambda: "\n".join(f"{'  ' * rng.randint(0, 3)}- {_sentence(rng)}" for _ in range(5)),
        lambda: "\n".join(f"{i}. {_sentence(rng)}" for i in range(1, 6)),
        lambda: f"```python\nx = {rng.random()}\n\n    # {_sentence(rng)}\n```",
        lambda: "| a | b |\n|---|---|\n" + "\n".join(f"| {i} | {_sentence(rng)} |" for i in "xyz"),
        lambda: _sentence(rng) + "\n" + "=" * rng.randint(3, 40),
        lambda: "> " + _paragraph(rng),
        lambda: _paragraph(rng),
    )
    return "\n\n".join(rng.choice(blocks)() for _ in range(rng.randint(1, 40)))


def no_breaks(rng: random.Random) -> str:
    """Letters without a single space or line break."""
    return "".join(rng.choices("abcdefghijklmnop0123456789", k=rng.randint(1, 20_000)))


def equal_letters(rng: random.Random) -> str:
    """One character, up to 20,000 times."""
    return rng.choice(("a", "é", "字", "-", ".", "👩", "#", "\ud800")) * rng.choice(
        (1, 119, 2_000, 20_000)
    )


def surrogates(rng: random.Random) -> str:
    """Prose with lone halves of surrogate pairs in it."""
    return _sprinkled(rng, ("\ud83d", "\udc00", "\ude00\ud83d", "\ud800\udc00"))


def control(rng: random.Random) -> str:
    """Prose with NULs and other characters that are not quite text."""
    return _sprinkled(rng, CONTROL)


def special_tokens(rng: random.Random) -> str:
    """Prose with the special tokens of language models spelled out."""
    return _sprinkled(rng, SPECIAL)


def emoji(rng: random.Random) -> str:
    """Prose with joined emoji, flags and piled-up marks, which tokenizers cut apart."""
    return _sprinkled(rng, EMOJI)


def _sprinkled(rng: random.Random, trouble: tuple[str, ...]) -> str:
    pieces = re.split(r"(\s)", prose(rng))
    for _ in range(rng.randint(1, 60)):
        pieces.insert(rng.randint(0, len(pieces)), rng.choice(trouble) * rng.choice((1, 1, 1, 30)))
    return "".join(pieces)


def line_ends(rng: random.Random) -> str:
    """Markdown with the line ends of other systems, also mixed."""
    end = rng.choice(("\r\n", "\r", "\n\r"))
    lines = markdown(rng).split("\n")
    return "".join(line + (end if rng.random() < 0.95 else "\n") for line in lines)


def right_to_left(rng: random.Random) -> str:
    """Arabic and Hebrew, with direction marks."""
    letters = f"{_ARABIC} {_HEBREW}".split()
    words = rng.choices([*letters, "\u200f", "\u202b", "\n\n"], k=rng.randint(5, 1500))
    return " ".join(words)


def cjk(rng: random.Random) -> str:
    """Chinese, Japanese and Korean without spaces."""
    return "".join(rng.choices(CJK, k=rng.randint(1, 5000)))


def table(rng: random.Random) -> str:
    """A table of up to 2,000 rows."""
    separator = rng.choice((" | ", ",", "\t"))
    rows = rng.choice((3, 30, 200, 2000))
    cells = ([str(i), rng.choice(_words()), f"{rng.random() * 1e6:,.2f}"] for i in range(rows))
    return "\n".join(separator.join(row) for row in cells)


def headings(rng: random.Random) -> str:
    """Up to 1,500 headings in a row, with nothing under them."""
    count = rng.choice((2, 40, 300, 1500))
    style = rng.choice(("# {}", "{}.{} {}", "CHAPTER {}", "{}\n-----"))
    return "\n".join(style.format(i, i % 7, rng.choice(_words())) for i in range(count))


def turns(rng: random.Random) -> str:
    """A transcript."""
    names = ("Ana Lima", "PROFESSOR B", "Marketing", "Q", "A")
    return "\n".join(f"{rng.choice(names)}: {_paragraph(rng)}" for _ in range(rng.randint(1, 60)))


def blank(rng: random.Random) -> str:
    """White space with a few words lost in it."""
    spaces = " \t\n\u00a0\u3000"
    runs = ("".join(rng.choices(spaces, k=rng.randint(1, 400))) for _ in range(rng.randint(1, 20)))
    return rng.choice(_words()).join(runs) + "."


def punctuation(rng: random.Random) -> str:
    """Marks that end sentences, and no sentences."""
    return "".join(rng.choices(".!?…。？！;:,()[]{}\"'`*_~|\\/ \n", k=rng.randint(1, 6000)))


def repeated(rng: random.Random) -> str:
    """The same sentence again and again."""
    return (_sentence(rng) + rng.choice((" ", "\n", "\n\n"))) * rng.randint(2, 400)


def tiny(rng: random.Random) -> str:
    """One to five characters."""
    return "".join(rng.choices("a .\n#é👩字\x00|-", k=rng.randint(0, 4))) + rng.choice("aé字.👩")


def mixed(rng: random.Random) -> str:
    """Slices of several kinds run together."""
    kinds = [kind for name, kind in TEXTS.items() if name != "mixed"]
    return "".join(rng.choice(kinds)(rng)[-3000:] for _ in range(rng.randint(2, 6)))


TEXTS: dict[str, Callable[[random.Random], str]] = {
    kind.__name__: kind
    for kind in (
        prose, reference, code, markdown, no_breaks, equal_letters, surrogates, control,
        special_tokens, emoji, line_ends, right_to_left, cjk, table, headings, turns, blank,
        punctuation, repeated, tiny, mixed,
    )
}  # fmt: skip

QUERIES: dict[str, Callable[[random.Random, str], str | None]] = {
    "none": lambda rng, text: None,
    "blank": lambda rng, text: rng.choice(("", " ", "\n\t")),
    "question": lambda rng, text: rng.choice(stdlib_text.QUESTIONS),
    "words of the text": lambda rng, text: (
        " ".join(rng.sample(text.split(), k=1) * 3) if text.split() else "x"
    ),
    "slice of the text": lambda rng, text: text[rng.randrange(len(text)) :][:80] + "?",
    "function word": lambda rng, text: rng.choice(("the", "of", "a", "?", ".", "-")),
    "hostile": lambda rng, text: rng.choice((*SPECIAL, *EMOJI, *CONTROL[:1], "\ud800", "字")) + "!",
    "long": lambda rng, text: " ".join(rng.choices(_words(), k=1500)),
}


def superadditive(text: str) -> int:
    """A count in which the whole costs more than its parts, the more the longer it is."""
    return len(text.split()) + len(text) ** 2 // 20_000


def compressed(text: str) -> int:
    """A count in which the whole costs less than its parts: bytes after compression."""
    return len(zlib.compress(text.encode("utf-8", "surrogatepass"))) if text else 0


def wrapped(text: str) -> int:
    """A count that adds two special tokens, even to nothing."""
    return environment.token_counter("o200k_base")(text) + 2


def utf16(text: str) -> int:
    """UTF-16 code units, as JavaScript counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def utf8(text: str) -> int:
    """Bytes."""
    return len(text.encode("utf-8", "surrogatepass"))


def word_count(text: str) -> int:
    """Runs of characters between white space."""
    return len(text.split())


@cache
def hugging_face() -> Any:
    """A byte-level BPE tokenizer of the ``tokenizers`` package, trained on the reference."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=2000,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(stdlib_text.reference().splitlines(), trainer)
    return tokenizer


def hugging_face_count(text: str) -> int:
    """Tokens of `hugging_face`, which cannot be handed a lone surrogate."""
    encodable = re.sub("[\ud800-\udfff]", "\ufffd", text)
    return len(hugging_face().encode(encodable, add_special_tokens=False).ids)


# Name -> (what hier.build is given, the count that judges it), made when first asked for.
COUNTERS: dict[str, Callable[[], tuple[Any, Counter]]] = {
    "o200k_base": lambda: ("o200k_base", environment.token_counter("o200k_base")),
    "cl100k_base": lambda: ("cl100k_base", environment.token_counter("cl100k_base")),
    "characters": lambda: (len, len),
    "words": lambda: (word_count, word_count),
    "bytes": lambda: (utf8, utf8),
    "utf-16": lambda: (utf16, utf16),
    "superadditive": lambda: (superadditive, superadditive),
    "compressed": lambda: (compressed, compressed),
    "two special tokens": lambda: (wrapped, wrapped),
    "tokenizers package": lambda: (hugging_face(), hugging_face_count),
}
