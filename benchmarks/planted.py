"""Planted facts: documents with exact evidence, made of nothing but what every Python carries.

Made-up facts are hidden between the sentences of real text, so no other sentence can answer, and
where they stand is known to the character. Three sets: ``planted_fact`` (one sentence, asked in
other words than it is told), ``planted_hop`` (two sentences far apart, the second found only by way
of the first), ``planted_code`` (facts among source code). A seed gives the same documents again.
"""

import random
import re
from dataclasses import dataclass

import data
import stdlib_text

NAME = "planted"
SEED = 11
CHARACTERS = (40_000, 160_000)  # shortest and longest document
MOST = 50  # questions of a document: there are no more places to name

FIRST_NAMES = """
Odile Tamsin Anders Ferenc Isaura Bram Mirela Caspian Yusra Leopold Greta Idris Wilma Noor Petra
""".split()
LAST_NAMES = """
Brask Okoro Vik Halloran Lindqvist Oduya Stroud Rook Pelham Ansah Zamora Thorne Castellan Marsh
""".split()
PLACE_STARTS = "Varn Skar Dell Mire Cor Tarn Galt Ilve Jor Quil Fenn Harro Astel Brack".split()
PLACE_ENDS = "holm water gate field vane side by moor".split()


@dataclass(frozen=True)
class Kind:
    """A sort of fact: how it is told, asked and answered, by fields filled at random."""

    told: tuple[str, ...]
    asked: str
    answer: str


FACTS = (
    Kind(
        ("The lighthouse at {place} was built by {person} in {year}.",),
        "Who put up the lighthouse of {place}?",
        "{person}",
    ),
    Kind(
        ("{person} keeps {number} goats behind the observatory of {place}.",),
        "How many goats does {person} own?",
        "{number}",
    ),
    Kind(
        ("The ferry to {place} leaves from pier {number} at dawn.",),
        "Which pier does the boat to {place} start from?",
        "{number}",
    ),
    Kind(
        ("The winning pumpkin in {place} weighed {number} kilograms.",),
        "How heavy was the prize pumpkin of {place}?",
        "{number}",
    ),
    Kind(
        ("{person} signed the treaty of {place} on a rainy morning in {year}.",),
        "In which year was the {place} treaty agreed?",
        "{year}",
    ),
    Kind(
        ("A violin by {person} was sold in {place} for {number} crowns.",),
        "What did the violin that {person} made cost?",
        "{number}",
    ),
    Kind(
        ("Snow closed the mountain road to {place} for {number} days.",),
        "How long could nobody drive up to {place}?",
        "{number}",
    ),
    Kind(
        ("Doctor {person} treated the fever in {place} with willow bark.",),
        "What remedy did {person} give to patients?",
        "willow bark",
    ),
    Kind(
        ("The bakery that {person} runs in {place} is known for rye bread with caraway.",),
        "What does {person} bake?",
        "rye bread with caraway",
    ),
    Kind(
        ("The village band of {place} rehearses in a disused cinema.",),
        "Where do the musicians of {place} practise?",
        "disused cinema",
    ),
    Kind(
        ("The comet was first seen from {place}, by {person}, in a photograph of {year}.",),
        "Who discovered the comet over {place}?",
        "{person}",
    ),
    Kind(
        ("The mayor of {place} is allergic to strawberries.",),
        "Which fruit must not be served to the mayor of {place}?",
        "strawberries",
    ),
)
HOPS = (
    Kind(
        (
            "The key of the archive in {place} is kept by {person}.",
            "{person} was born in {other} in {year}.",
        ),
        "In which town was the keeper of the {place} archive key born?",
        "{other}",
    ),
    Kind(
        (
            "The bridge of {place} was designed by {person}.",
            "{person} studied medicine before turning to drawing, and died in {year}.",
        ),
        "When did the designer of the bridge at {place} die?",
        "{year}",
    ),
    Kind(
        (
            "The orchard of {place} belongs to {person}.",
            "Every autumn {person} presses {number} barrels of cider.",
        ),
        "How many barrels of cider does the owner of the {place} orchard make?",
        "{number}",
    ),
    Kind(
        (
            "The map of {place} was drawn by {person}.",
            "{person} lost an eye in a storm off {other}.",
        ),
        "Off which coast was the maker of the {place} map injured?",
        "{other}",
    ),
)
SETS = {"planted_fact": FACTS, "planted_hop": HOPS, "planted_code": FACTS}


def suite(documents: int = 6, questions: int = 12, seed: int = SEED) -> list[data.Document]:
    """Documents of every planted set, in text of rising length, with at most 50 questions each."""
    shortest, longest = CHARACTERS
    made = []
    for name, kinds in SETS.items():
        for number in range(documents):
            length = shortest + (longest - shortest) * number // max(1, documents - 1)
            draw = random.Random(f"{seed} {name} {number}")
            text = _filler(name, length, number)
            made.append(_document(name, number, text, kinds, min(questions, MOST), draw))
    return made


def _filler(name: str, length: int, number: int) -> str:
    """Real text: the language reference from another page on, or prose and code mixed."""
    if name == "planted_code":
        return stdlib_text.text(length, seed=number)
    whole = stdlib_text.reference()
    start = whole.index("\n# ", number * (len(whole) - length) // 7) + 1
    return whole[start : start + length]


def _document(
    name: str, number: int, text: str, kinds: tuple[Kind, ...], count: int, draw: random.Random
) -> data.Document:
    filled = [_fill(kinds[i % len(kinds)], fields) for i, fields in enumerate(_fields(count, draw))]
    sentences = [(i, told) for i, kind in enumerate(filled) for told in kind.told]
    draw.shuffle(sentences)
    text, spans = _plant(text, [told for _, told in sentences])
    evidence: dict[int, list[data.Span]] = {}
    for (i, _), span in zip(sentences, spans, strict=True):
        evidence.setdefault(i, []).append(span)
    return data.Document(
        dataset=name,
        doc_id=f"{name}-{number}",
        text=text,
        questions=tuple(
            data.Question(
                id=f"{name}-{number}-{i}",
                question=kind.asked,
                evidence=data.merge(evidence[i]),
                references=(),
                answers=(kind.answer,),
            )
            for i, kind in enumerate(filled)
        ),
    )


def _fields(count: int, draw: random.Random) -> list[dict[str, str]]:
    """Names, places and numbers for each fact; no name and no place serves two."""
    people = draw.sample([f"{a} {b}" for a in FIRST_NAMES for b in LAST_NAMES], count)
    places = draw.sample([f"{a}{b}" for a in PLACE_STARTS for b in PLACE_ENDS], 2 * count)
    return [
        {
            "person": people[i],
            "place": places[2 * i],
            "other": places[2 * i + 1],
            "year": str(draw.randrange(1640, 1930)),
            "number": f"{draw.randrange(13, 9800):,}",
        }
        for i in range(count)
    ]


def _fill(kind: Kind, fields: dict[str, str]) -> Kind:
    told = tuple(sentence.format(**fields) for sentence in kind.told)
    return Kind(told, kind.asked.format(**fields), kind.answer.format(**fields))


def _plant(text: str, sentences: list[str]) -> tuple[str, list[data.Span]]:
    """Put a sentence into each equal part of a text, where a sentence or a paragraph ends."""
    parts, spans, done, length = [], [], 0, 0
    for number, sentence in enumerate(sentences):
        part = len(text) * number // len(sentences)
        gap = re.compile(r"(?<=[a-z][.:] )|(?<=\n\n)(?=\S)|(?<=[.]\n)").search(text, part + 200)
        at = gap.start() if gap else len(text)
        before = text[done:at]
        start = length + len(before)
        spans.append((start, start + len(sentence)))
        after = "\n\n" if before.endswith("\n\n") else " "
        parts += [before, sentence, after]
        length, done = start + len(sentence) + len(after), at
    return "".join((*parts, text[done:])), spans
