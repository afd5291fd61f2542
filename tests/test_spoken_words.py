"""What English says for what it writes, on real sentences: news, recipes, shops, chat, science."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myspinbot.voice.text.pronunciation import NONE
from myspinbot.voice.text.spoken_abroad import foreign_forms
from myspinbot.voice.text.spoken_words import spoken_forms
from myspinbot.voice.text.written import tokens_of


def said(text: str, language: str = "en-us") -> str:
    """The forms, one space apart. "eigh" is the letter A, "20 26" a year, "U.S" two letters."""
    forms = (spoken_forms if language.startswith("en") else foreign_forms)(
        tokens_of(text, NONE), language
    )
    return " ".join(" ".join(forms).lower().split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Smith paid $3.50", "doctor smith paid 3 dollars and 50 cents"),
        ("$1 £0.01 $0.99 ¥500 50¢", "1 dollar 1 penny 99 cents 500 yen 50 cents"),
        ("€20bn, $3.5 million", "20 billion euros 3.5 million dollars"),
        ("US$5, €1.5m, 5 EUR, EUR 20", "5 us dollars 1.5 million euros 5 euros 20 euros"),
        (
            "5,50 € and 1 250.00 EUR",
            "5 euros and 50 cents and 1250 euros",
        ),
        ("a $95.3bn package", "a 95.3 billion dollar package"),
        (
            "$5/month, $5-10, -$5, $50+",
            "5 dollars per month 5 to 10 dollars minus 5 dollars 50 dollars plus",
        ),
        ("a $20-a-month plan", "a 20 dollar a month plan"),
        ("in 2026, 2005 and 1900", "in 20 26 2005 and 19 hundred"),
        ("in 1905, in 1066", "in 19 oh 5 in 10 66"),
        ("1200 km, 1024 MB, 2048", "1200 kilometers 1024 megabytes 20 48"),
        ("the 1990s, '90s, mid-1980s", "the 19 nineties nineties mid 19 eighties"),
        ("the 2000s, 10s, 20s", "the 2 thousands 10 seconds twenties"),
        ("1914-18, between 1914-1918", "19 14 to 18 between 19 14 and 19 18"),
        ("5km at 10-20°C", "5 kilometers at 10 to 20 degrees celsius"),
        ("1kg, 1 km, 3 ms", "1 kilogram 1 kilometer 3 milliseconds"),
        (
            "10 km/h, 9.8 m/s², 5 m²",
            "10 kilometers per hour 9.8 meters per second squared 5 square meters",
        ),
        ("3 GB/s, 60 fps, 5 in.", "3 gigabytes per second 60 frames per second 5 inches"),
        ("6'2\" tall, 80kg/176lbs", "6 foot 2 tall 80 kilograms 176 pounds"),
        ("Henry VIII, Louis XIV", "henry the 8th louis the 14th"),
        ("Chapter IV of World War II", "chapter 4 of world war 2"),
        ("I MIX it; Elizabeth I was", "i mix it elizabeth the 1st was"),
        ("e.g. this, i.e. that", "for example this that is that"),
        ("U.S. and Ph.D.", "u.s and p.h.d"),
        ("NASA FBI LED USGS OK", "nasa fbi l.e.d u.s.g.s ok"),
        ("the WHO and IT for us", "the w.h.o and it for us"),
        ("IT IS UP TO US, WHO KNOWS", "it is up to us who knows"),
        ("H100 A100 RTX 4090 PS5", "h 100 eigh 100 r.t.x 40 90 p.s 5"),
        ("a@b.com", "a at b dot com"),
        (
            "example.io/a-b",
            "example dot i.o slash a dash b",
        ),
        ("**bold** ~~old~~ 😀 你好", "bold old"),
        ("5G 4K 100M 3D 7B", "5g 4k 100 million 3d 7b"),
        ("-5 and −3°C, -12%", "minus 5 and minus 3 degrees celsius minus 12%"),
        (".5 ~5 >5 <1% ≤3", "0.5 about 5 more than 5 less than 1% at most 3"),
        (
            "2+2=4, x², 10^6, E=mc²",
            "2 plus 2 equals 4 x squared 10 to the power of 6 e equals m c squared",
        ),
        ("7 - 3 = 4; 5 - 10 days", "7 minus 3 equals 4 5 to 10 days"),
        ("555-1234", "5 5 5, 1 2 3 4"),
        ("+1 (555) 123-4567", "plus 1, 5 5 5, 1 2 3, 4 5 6 7"),
        ("0800 123 4567", "0 8 0 0, 1 2 3, 4 5 6 7"),
        ("account no. 12345678", "account number 1 2 3 4 5 6 7 8"),
        ("10 000 and 1 000 000", "10000 and 1000000"),
        ("10:30-11:45", "10 30 to 11 45"),
        ("3:05 pm, 15:30, 7am, 12:00", "3 oh 5 p.m 15 30 7 a.m 12 o'clock"),
        ("Mon-Fri 9am-5pm", "monday to friday 9 a.m to 5 p.m"),
        ("5 p.m. but I am", "5 p.m but i am"),
        ("Jan. sales, Sat. isn't. He sat.", "january sales saturday isn't he sat"),
        ("Main St. in St. Paul", "main street in saint paul"),
        ("10 Downing St. Boris", "10 downing street boris"),
        ("I ate a fig. Fig. 3 shows", "i ate a fig figure 3 shows"),
        ("No. 5 is on p. 3. No.", "number 5 is on page 3 no"),
        ("½ cup, 1 1/2 cups, 3/4 lb", "one half cup 1 and a half cups three quarters pound"),
        ("8/10, 4.8/5, 24/7, 9/11", "8 out of 10 4.8 out of 5 24 7 9 11"),
        ("3:2, 16:9, 2-1, 50-50", "3 to 2 16 to 9 2 to 1 50 50"),
        ("1920x1080, 3x, 4x100m", "19 20 by 10 80 3 times 4 by 100 meters"),
        ("v2.1, 1.2.3, Python 3.11", "version 2 point 1 1 point 2 point 3 python 3 point 11"),
        ("C++, C#, A+, Q&A, AT&T", "c plus plus c sharp eigh plus q and eigh at&t"),
        ("w/ milk, w/o sugar", "with milk without sugar"),
        ("@a_b, #MeToo, #1", "at a underscore b hashtag metoo number 1"),
        ("vitamin A is, Plan A.", "vitamin eigh is plan eigh"),
        ("A man, Once Upon A Time", "a man once upon a time"),
        ("a) one (b) two", "eigh one b two"),
        ("CO₂, H₂O, H₂SO₄", "c.o 2 h 2 o h 2 s.o 4"),
        ("rock 'n' roll :D <3", "rock and roll"),
        ("Settings → Wi-Fi", "settings wi-fi"),
        ("utils/a.py ./b_c.sh", "utils slash a dot p.y slash b c dot s.h"),
        ("Requires >=3.10", "requires at least 3.10"),
    ],
)
def test_forms(text: str, expected: str) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "american", "british"),
    [
        ("2026-11-25", "november 25th, 20 26", "the 25th of november 20 26"),
        ("11/25/2026", "november 25th, 20 26", "the 25th of november 20 26"),
        ("25/11/2026", "november 25th, 20 26", "the 25th of november 20 26"),
        ("4/5/2026", "april 5th, 20 26", "the 4th of may 20 26"),
        ("25.11.2026", "november 25th, 20 26", "the 25th of november 20 26"),
        ("Nov 25", "november 25th", "november 25th"),
        ("25 Nov. 2026", "the 25th of november 20 26", "the 25th of november 20 26"),
        ("December 3rd, 1999", "december 3rd 19 99", "december 3rd 19 99"),
        ("the 4 July", "the 4th of july", "the 4th of july"),
        ("May 2026, May 5", "may 20 26 may 5th", "may 20 26 may 5th"),
        ("June 3-5", "june 3rd to 5th", "june 3rd to 5th"),
        ("31/31/2026", "31 31 2026", "31 31 2026"),
    ],
)
def test_dates(text: str, american: str, british: str) -> None:
    assert said(text) == american
    assert said(text, "en-gb") == british


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "WASHINGTON (AP) — The U.S. Senate voted 51-49 on Thursday, Nov. 30.",
            "washington a.p the u.s senate voted 51 to 49 on thursday november 30th",
        ),
        (
            "A 6.1 quake struck at 02:17 GMT, about 25 km (16 mi) NW of here.",
            "a 6.1 quake struck at 2 17 g.m.t about 25 kilometers 16 miles n.w of here",
        ),
        (
            "Shares fell 3.2% to $17.45; the S&P 500 closed at 4,594.63.",
            "shares fell 3.2% to 17 dollars and 45 cents the s and p 500 closed at 4,594.63",
        ),
        (
            "Preheat to 350°F (180°C); mix 1 tsp. salt & 3/4 lb. butter for 20-25 min.",
            "preheat to 350 degrees fahrenheit 180 degrees celsius mix 1 teaspoon salt and three "
            "quarters pound butter for 20 to 25 minutes",
        ),
        (
            "The 27″ 4K monitor, 144 Hz, 300 cd/m², costs only €349,99!",
            "the 27 inches 4k monitor 144 hertz 300 candelas per square meter costs only 349 euros "
            "and 99 cents",
        ),
        (
            "He won 6-4, 3-6, 7-5 in 2h 45min; she ran the 100 m in 10.61 s.",
            "he won 6 to 4 3 to 6 7 to 5 in 2 hours 45 minutes she ran the 100 meters in 10.61 "
            "seconds",
        ),
        (
            "Mail me at john.smith@example.com or see https://www.example.com/path.",
            "mail me at john dot smith at example dot com or see w.w.w dot example dot com slash "
            "path",
        ),
        (
            "We found an effect (p < 0.001, r = .42; 95% CI: 0.31-0.53).",
            "we found an effect p less than 0.001 r equals 0.42 95% c.i 0.31 to 0.53",
        ),
        (
            "Heated to 1,200 °C at 10 °C/min, approx. 30% more than in Fig. 3 (cf. pp. 12–15).",
            "heated to 1,200 degrees celsius at 10 degrees celsius per minute approximately 30% "
            "more than in figure 3 compare pages 12 to 15",
        ),
        (
            "Dr. Lee, Ph.D., lives at 221B Baker St., Apt. 4C, Springfield, IL 62704.",
            "doctor lee p.h.d lives at 221b baker street apartment 4c springfield i.l 6 2 7 0 4",
        ),
        (
            "Your card ending in 4242 was charged US$12.99 on 03/15/2024 at 14:05.",
            "your card ending in 4 2 4 2 was charged 12 us dollars and 99 cents on march 15th, "
            "20 24 at 14 oh 5",
        ),
        (
            "idk tbh, it's 50/50... gotta go @ 5pm w/ @TheAcademy 😂",
            "i.d.k to be honest it's 50 50 gotta go at 5 p.m with at theacademy",
        ),
        (
            "Requires Python >=3.10, CUDA 12.1+ and 8 GB of VRAM (RTX 3060).",
            "requires python at least 3 point 10 cooda 12.1 plus and 8 gigabytes of v ram "
            "r.t.x 30 60",
        ),
        (
            "WARNING: DO NOT OPEN THE BOX! Roe v. Wade; Apple Inc. vs. Samsung Co., Ltd.",
            "warning do not open the box roe versus wade apple incorporated versus samsung company "
            "ltd",
        ),
    ],
)
def test_sentences_from_the_world(text: str, expected: str) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("es", "El 25/12/2026 a 20 °C", "el 25 de diciembre de 2026 a 20 grados celsius"),
        ("es", "Sr. Paz pagó $5 y 5,50 €", "señor paz pagó 5 dólares y 5 euros con 50"),
        ("es", "1 km, 10 km/h, -5, 10-20", "1 kilómetro 10 kilómetros por hora menos 5 10 a 20"),
        ("es", "rock & roll n° 5", "rock y roll número 5"),
        ("fr", "Le 1/5/2026 à 15h30", "le premier mai 2026 à 15 heures 30"),
        ("fr", "le XXe siècle, Louis XIV", "le 20ème siècle louis 14"),
        ("fr", "M. Dupont a 5 kg & 20 €", "monsieur dupont a 5 kilos et 20 euros"),
        ("fr", "www.site.fr/a", "www point site point fr slash a"),
        ("it", "La Sig.ra Rossi, ore 15:00", "la signora rossi ore 15"),
        ("it", "5,50 € e 3 m²", "5 euro e 50 e 3 metri quadrati"),
        ("pt-br", "R$ 5, R$5,50 e 25.11.2026", "5 reais 5 reais e 50 e 25 de novembro de 2026"),
        ("pt-br", "**Sra.** Ana às 15h30", "senhora ana às 15 horas 30"),
    ],
)
def test_other_languages(language: str, text: str, expected: str) -> None:
    assert said(text, language) == expected


@given(st.text(max_size=60), st.sampled_from(["en-us", "en-gb", "es", "fr", "it", "pt-br"]))
def test_every_word_has_one_form(text: str, language: str) -> None:
    tokens = tokens_of(text, NONE)
    read = spoken_forms if language.startswith("en") else foreign_forms
    assert len(read(tokens, language)) == len(tokens)


@given(st.text(alphabet="0123456789.,-–/:+%$€°'\"²x=()½kmM ", max_size=14))
def test_every_word_with_a_digit_says_something(text: str) -> None:
    tokens = tokens_of(text, NONE)
    for token, form in zip(tokens, spoken_forms(tokens), strict=True):
        assert not any(c in "0123456789" for c in token.core) or any(c.isalnum() for c in form)
