"""Small documents for tests of corpora: told apart by what they say."""

import random

from hier.document import Document

_NAMES = "Arden Bosun Cedar Delta Ember Fjord Grove Haven Inlet Jetty Knoll Larch".split()
_PLACES = "harbour mill quarry chapel market bridge tower orchard depot lighthouse".split()
_DEEDS = "repaired painted sold flooded rebuilt inspected closed opened measured moved".split()


def towns(number: int = 30, seed: int = 1) -> list[Document]:
    """Return documents of a few sections each; document i says that its code is ``code-i``."""
    chance = random.Random(seed)
    return [
        Document(_town(i, chance), f"{'north' if i % 2 else 'south'}/town{i:03}.md")
        for i in range(number)
    ]


def _town(number: int, chance: random.Random) -> str:
    name = f"{chance.choice(_NAMES)}{number}"
    parts = [f"# The town of {name}\n\n{name} has the code code-{number}. It lies by the sea.\n"]
    for place in chance.sample(_PLACES, 4):
        sentences = [
            f"The {place} of {name} was {chance.choice(_DEEDS)} in {chance.randint(1700, 1999)} "
            f"by {chance.choice(_NAMES)} and {chance.choice(_NAMES)}."
            for _ in range(chance.randint(2, 6))
        ]
        parts.append(f"## The {place}\n\n{' '.join(sentences)}\n")
    return "\n".join(parts)
