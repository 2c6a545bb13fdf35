"""Language: whether a reply is written in the language of the text it is about.

Two scripts are two languages. In one script the commonest words tell: those of a dozen languages
are listed, and where one language's words are the commonest in the reply and another's in the text,
they differ. For languages not listed the text itself says which words are common; a reply that has
next to none of them is in another. Texts too short to tell say nothing.
"""

import re
import unicodedata
from collections import Counter
from functools import cache

# No word of a list is common in another's language, but for close kin.
_COMMON = """
en: the of and to that is was with for his her it they which by from are were this have in a be
has their not an
de: der die und das den von zu mit sich des auf für ist im dem nicht ein eine als auch wird in
wurde sie war hat es so dass einer
fr: le la les des et du une dans que qui pour est par sur pas au ce avec il plus sont de en un à a
ses elle été
es: el la los las del y en que un una por con para se su es lo como más fue pero de a no al ha
pt: o a de os do da dos das e em que um uma por com para se não no na ao mais foi
it: il la gli di del della che e un una per con non si è dei nel sono più anche le i in a da ha
nl: het een van en dat op te met voor zijn niet aan er ook wordt door naar bij uit werd de in is
die hij was ze heeft
sv: och att det som på är av för med den till inte om ett har jag var från eller en i de han
da: og at det som på er af for med den til ikke en et har jeg var fra eller der i de han
pl: i w na z do się że nie jest to od przez dla jak po są za był oraz ale
cs: a v na se že je to s z do pro jako by za byl ale které od podle jsou
fi: ja on ei se että hän oli joka mutta ovat myös kun niin ole tai sen kuin
tr: ve bir bu için ile da de olarak çok daha gibi olan kadar sonra değil en
ro: și de la în a cu care pe nu din un o este pentru mai sunt că se
hu: a az és hogy nem egy is volt meg csak de el mint ez ki van már
id: yang dan di dengan untuk dari pada ini itu dalam tidak adalah ke oleh akan sebagai
vi: và của là có trong cho không được các một với những người này đã để khi
ru: и в не на что с по это как из у за от для он был а но его к
uk: і в не на що з по це як та у за від для він був а але його до
bg: и в не на че с по това как от у за се да той беше е но му са
"""
_WORD = re.compile(r"[^\W\d_]+")
_LEAST_LETTERS = 30  # of a reply that is judged by its script
_LEAST_WORDS = 12  # of a reply that is judged by its words
_LEAST_TEXT = 40  # words of a text that says which are common
_LONGEST = 4_000  # characters looked at
_CLEAR = 0.15  # of the words of a text are its language's commonest, at least
_CLEARER = 1.4  # times as many as the next language's
_NEXT_TO_NONE = 0.04


def other_language(summary: str, text: str) -> bool:
    """Say whether a summary is in another language or script than the text; False if unsure."""
    summary, text = summary[:_LONGEST], text[:_LONGEST]
    script, wanted = _script(summary), _script(text)
    if script and wanted and script != wanted:
        return True
    # Names, and nouns in German, have capitals: they pass from language to language.
    said = [word for word in _WORD.findall(summary) if word.islower()]
    words = [word for word in _WORD.findall(text) if word.islower()]
    if len(said) < _LEAST_WORDS or len(words) < _LEAST_TEXT:
        return False
    language, own = _language(said), _language(words)
    if language and own:
        return language != own
    common = {word for word, _ in Counter(words).most_common(40)}
    share = sum(word in common for word in said) / len(said)
    usual = sum(word in common for word in words) / len(words)
    return language != own and share < _NEXT_TO_NONE and usual > 2 * _CLEAR


def _language(words: list[str]) -> str:
    """Return the language whose commonest words these are made of, "" where none stands out."""
    counts: Counter[str] = Counter()
    spoken = _spoken()
    for word, times in Counter(words).items():
        for language in spoken.get(word, ()):
            counts[language] += times
    (name, most), (_, other) = [*counts.most_common(2), ("", 0), ("", 0)][:2]
    return name if most >= max(_CLEAR * len(words), _CLEARER * other, 1) else ""


@cache
def _spoken() -> dict[str, tuple[str, ...]]:
    """The languages that each of the commonest words is of."""
    rows = re.findall(r"^(\w\w): ((?:.+\n)+?)(?=\w\w:|\Z)", _COMMON, re.M)
    languages: dict[str, tuple[str, ...]] = {}
    for name, words in rows:
        for word in words.split():
            languages[word] = (*languages.get(word, ()), name)
    return languages


def _script(text: str) -> str:
    """Return the script that most letters of a text are of, "" where there are too few."""
    counts: Counter[str] = Counter()
    for character, count in Counter(text).items():
        if character.isalpha():
            counts[_script_of(character)] += count
    letters = counts.total()
    if letters < _LEAST_LETTERS:
        return ""
    if counts["HIRAGANA"] + counts["KATAKANA"] > 0.1 * letters:
        return "KANA"
    script, count = counts.most_common(1)[0]
    return script if count > 0.6 * letters else ""


@cache
def _script_of(character: str) -> str:
    """Return the first word of a letter's name: LATIN, CYRILLIC, CJK."""
    return unicodedata.name(character, "?").partition(" ")[0]
