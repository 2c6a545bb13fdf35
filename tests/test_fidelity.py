"""Fidelity: what is said as in the text raises no alarm, what is not there is found."""

import re
import sys
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hier.summarizers.fidelity import check, other_language, repair
from hier.summarizers.literals import literals

TEXT = """World Health Organization officials said on 3 May 1999 that Dr. John Smith and Mary Jones
of Canada ran 5 km in 30 minutes. The trial cost $5 million in 1998, about 12.5% of a budget that
rose from 20 to 40 percent. See https://example.com/a/b and `config_file` for version 1.20.

Three patients were not hurt on June 5, 1999. Retief arrived at 9:30 pm, seven days late; the
contract ran for two years and 1,983,442 people signed it in the 1850s. NASA paid both teams.
Officials met from 7 to 9 July and in March and April 2001. The committee never approved the plan.
"""
FAITHFUL = [
    "WHO officials spoke on May 3, 1999.",
    "On 1999-05-03 and 3/5/1999, on the third of May, in May 1999.",
    "Smith and Jones, Mary Jones's team, John Smith's run, Dr Smith, Jones, Mary.",
    "J. Smith ran five kilometres, 5,000 metres, in half an hour or 30 min.",
    "It cost 5,000,000 dollars, $5m, five million dollars, US$5 million.",
    "12.5 percent, 12.5 per cent, nearly 13%, twenty percent, 20%, 40 %.",
    "The contract ran 24 months; he was a week late.",
    "Almost two million people signed, about 1,980,000, more than 1.9 million.",
    "The Canadian arrived at 21:30, at 9:30 p.m.",
    "See example.com, config-file, `config_file` and version 1.20.",
    "It was signed in the 19th century, in the 1850s; both trials in the 1990s.",
    "The two teams were paid by NASA; one of them was happy.",
    "They met on 7 July, on July 9 and in March 2001.",
    "Moreover, researchers found that Canadians signed. Additionally, glaciologists agreed.",
    "# The Cost Of The Trial\n\nOfficials of the World Health Organization paid.",
    "The plan was never approved by the committee.",
    "Patients were not hurt.",
    "",
    "Nothing exact is said here.",
]
INVENTED = {
    # numbers
    "It cost $6 million.": "number $6 million",
    "It took 31 minutes.": "number 31 minutes",
    "Nine patients and 12,5 of them": "number 12",
    "About 3 million people signed.": "number 3 million",
    "More than 2 million people signed.": "number 2 million",
    "eleven patients": "number eleven",
    "in version 1.2.1": "number 1.2.1",
    "in 1997": "number 1997",
    # units
    "They ran 5 miles.": "unit 5 miles",
    "They ran for 30 hours.": "unit 30 hours",
    "It cost €5 million.": "unit €5 million",
    "It cost 12.5 dollars.": "unit 12.5 dollars",
    "seven weeks late": "unit seven weeks",
    # dates
    "On 5 May 1999 they ran.": "date 5 May 1999",
    "On 3 June 1999 they ran.": "date 3 June 1999",
    "On May 3, 1998 they ran.": "date May 3, 1998",
    "On 1999-05-30 they ran.": "date 1999-05-30",
    "They met in May 2001.": "date May 2001",
    "They met on 8 July.": "date 8 July",
    "They met in August.": "date August",
    "They met on Tuesday.": "date Tuesday",
    "in the 1860s": "identifier 1860s",
    # times, identifiers, addresses
    "He came at 9:45 pm.": "time 9:45 pm",
    "See `config_fil2`.": "identifier config_fil2",
    "See https://example.com/a/c today.": "address https://example.com/a/c",
    "Call `__inyt__` and __really__ so.": "identifier __inyt__",
    "Write to joe@example.com.": "address joe@example.com",
    # names
    "Peter Miller ran.": "name Peter Miller",
    "Then Miller ran.": "name Miller",
    "Miller ran.": "name Miller",
    "It was paid by ESA.": "name ESA",
    "In Denmark, Smith ran.": "name Denmark",
    "John Jones ran.": "name John Jones",
    "Mary Smith ran.": "name Mary Smith",
    "Mary Brown ran.": "name Brown",
    # negations
    "The three patients were hurt on June 5, 1999.": "negation hurt",
    "The committee approved the whole plan.": "negation approved",
    "Officials have not met from 7 to 9 July.": "negation not",
}


@pytest.mark.parametrize("summary", FAITHFUL)
def test_what_a_careful_writer_may_do_raises_no_alarm(summary):
    assert check(summary, TEXT).invented == ()
    assert repair(summary, TEXT) == summary


@pytest.mark.parametrize(("summary", "expected"), INVENTED.items())
def test_what_the_text_does_not_say_is_found(summary, expected):
    (claim, *others) = check(summary, TEXT).invented
    assert f"{claim.kind} {claim.text}" == expected
    assert summary[claim.start : claim.end] == claim.text
    assert others == []


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ("Revenue (in millions of dollars): 5.3 in all.", "Revenue was $5.3 million."),
        ("The share (%) was 17 and 20.", "It was 17%."),
        ("Between 5 and 10 km, $2 to 3 million.", "5 km, 2 million dollars, $3 million"),
        ("season 2019-20", "in 2020"),
        ("The EU and the U.S. agreed.", "The European Union and the United States agreed."),
        ("Food and Drug Administration", "The FDA's rules"),
        ("He was born in France; she in Spain.", "The French man, a Spanish woman."),
        ("SMITH WAS HERE", "Then Smith came."),
        ("the project manager", "She asked the Project Manager."),
        ("Smith, John", "It was John Smith."),
        ("John and Mary Jones ran. Bob Lee ran.", "It was John Jones."),
        ("Zoë Müller", "They met Zoe Muller."),
        ("Die Firma wurde gegründet und von der Stadt gefördert.", "Gegründet hat sie die Stadt."),
    ],
)
def test_spellings_of_other_texts(text, summary):
    assert check(summary, text).invented == ()


def test_how_much_is_kept_and_what_is_missing():
    found = check("It cost 7 on 5 June.", "It cost 7, not 8, on 5 June 2001.")
    assert found.missing == ("2001", "8", "not")
    assert found.kept == pytest.approx(3 / 6)
    assert found.said == 2
    assert check("", "no").kept == 0
    assert check("", "Rain fell.").kept == 1


def test_repair_drops_the_sentences_that_hold_something_invented():
    summary = "Dr. Smith ran 5 km. He then ran 77 km. Officials of the WHO spoke about it."
    assert repair(summary, TEXT) == "Dr. Smith ran 5 km. Officials of the WHO spoke about it."
    assert repair("He ran. He then ran 77 km with Peter Miller.", TEXT) == ""
    assert repair("He ran 77 km.", TEXT) == ""


# Sentences of whatever claims are made of, each begun and ended so that it cannot be cut elsewhere.
PIECES = [*re.findall(r"\S+", TEXT), *FAITHFUL, *INVENTED]
PIECES += ["no", "Mr.", "may", "$", "5", "million", "of", "and", "Ms", "MAY", "年", "-", "'s", "("]
sentences = st.lists(st.sampled_from(PIECES), min_size=1, max_size=12).map(
    lambda pieces: "So " + " ".join(" ".join(pieces).split()).rstrip(".:?! ") + "ended."
)
characters = st.text(st.characters(max_codepoint=sys.maxunicode, exclude_categories=()))


@given(st.lists(sentences, min_size=1, max_size=6), st.data())
def test_sentences_of_the_text_never_alarm(all_sentences, data):
    chosen = data.draw(st.lists(st.sampled_from(all_sentences), min_size=1, max_size=3))
    found = check(" ".join(chosen), " ".join(all_sentences))
    assert found.invented == ()


@given(st.one_of(characters, st.lists(sentences, max_size=5).map(" ".join)))
def test_a_text_is_faithful_to_itself(text):
    found = check(text, text)
    assert found.invented == ()
    assert found.kept == 1
    assert found.missing == ()
    assert repair(text, text) == text
    assert not other_language(text, text)


@given(characters, characters)
def test_claims_stand_where_they_say(summary, text):
    found = check(summary, text)
    assert all(0 <= c.start < c.end <= len(summary) for c in found.invented)
    assert set(found.missing) == literals(text) - literals(summary)
    assert len(repair(summary, text)) <= len(summary)


@given(st.lists(sentences, max_size=5).map(" ".join), st.integers(10_000_000, 10**12))
def test_a_fresh_number_is_always_found(text, number):
    assume(str(number) not in literals(text))
    for spelled in (str(number), f"{number:,}"):
        summary = f"{text} The result was {spelled} points."
        claims = [claim for claim in check(summary, text).invented if claim.kind == "number"]
        assert spelled in [claim.text for claim in claims]


LANGUAGES = {
    "en": "The report describes how the group was founded in London in 2019 and what it has done "
    "since. The authors say that revenue grew fast because there was no competition, and that the "
    "people who were asked liked what they had seen of it.",
    "de": "Der Bericht beschreibt, wie die Gruppe 2019 in London gegründet wurde und was sie "
    "seitdem getan hat. Die Autoren sagen, dass der Umsatz so schnell gestiegen ist, weil es keine "
    "Konkurrenz gab und die Leute mochten, was sie davon gesehen hatten.",
    "fr": "Le rapport décrit comment le groupe a été fondé à Londres en 2019 et ce qu'il a fait "
    "depuis. Les auteurs disent que le chiffre d'affaires a augmenté vite parce qu'il n'y avait "
    "pas de concurrence et que les gens aimaient ce qu'ils avaient vu.",
    "es": "El informe describe cómo se fundó el grupo en Londres en 2019 y lo que ha hecho desde "
    "entonces. Los autores dicen que los ingresos crecieron rápido porque no había competencia y "
    "que a la gente le gustaba lo que había visto.",
    "pt": "O relatório descreve como o grupo foi fundado em Londres em 2019 e o que fez desde "
    "então. Os autores dizem que a receita cresceu depressa porque não havia concorrência e que "
    "as pessoas gostavam do que tinham visto.",
    "nl": "Het rapport beschrijft hoe de groep in 2019 in Londen werd opgericht en wat ze "
    "sindsdien heeft gedaan. De auteurs zeggen dat de omzet snel groeide omdat er geen "
    "concurrentie was en dat de mensen hielden van wat ze hadden gezien.",
    "ru": "В отчёте описано, как группа была основана в Лондоне в 2019 году и что она сделала "
    "с тех пор. Авторы говорят, что доход вырос быстро, потому что не было конкурентов.",
    "ja": "この報告書は、グループが2019年にロンドンで設立された経緯と、"
    "その後の活動について述べている。著者によれば、競争がなかったため収入は急速に伸びた。",
    "zh": "该报告描述了该集团于2019年在伦敦成立的过程以及此后所做的事情。"
    "作者说，由于没有竞争，收入增长迅速，而且人们喜欢他们所看到的一切。",
}


@pytest.mark.parametrize("text", LANGUAGES)
@pytest.mark.parametrize("summary", LANGUAGES)
def test_another_language_is_told(summary, text):
    assert other_language(LANGUAGES[summary], LANGUAGES[text] * 2) == (summary != text)


@pytest.mark.parametrize(
    ("summary", "text"),
    [
        ("Der Bericht.", LANGUAGES["en"]),
        (LANGUAGES["de"], "The report."),
        ("Smith, Jones, Miller, Brown, White, Green and Black.", LANGUAGES["en"]),
        ("Revenue grew. Nobody competed. Customers liked it.", LANGUAGES["en"]),
        ("", ""),
    ],
)
def test_what_is_too_short_to_tell_is_no_other_language(summary, text):
    assert not other_language(summary, text)


@pytest.mark.parametrize(
    "unit",
    "a.a. 1 1_ A Abc_ A- May_ not_a_ 3_May_ 1/ 1, $1_ ._ A._ ( a' Abc_of_ Abc_and_ first_".split(),
)
def test_hostile_texts_take_linear_time(unit):
    unit = unit.replace("_", " ")

    def seconds(characters):
        text = unit * (characters // len(unit))
        began = time.process_time()
        check(text + " Zqx 77.", text)
        other_language(text, text)
        return time.process_time() - began

    short = min(seconds(4_000) for _ in range(2))
    assert min(seconds(16_000) for _ in range(3)) < 10 * short + 0.5
