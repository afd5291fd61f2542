"""How English says acronyms, Roman numerals, addresses, file names, handles and tags.

Knows no phonemes. An acronym is spelled with full stops between (L.E.D), which eSpeak reads as one
word with the stress on its last letter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .spoken_dates import ordinal
from .spoken_digits import in_halves
from .written import Token, core_after


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SPELLED = _set(
    "ACLU AFAIK AKA AMA APA ASAP AUD AVI BA BCE CE CI CLI CO COO COPD DEI DOB DOE DUI EEG EIN EMI "
    "EPA ESA ETA EUR FAA FAQ FDIC GED GIS GOP GRE HOA ICU IDE IMHO IMO IPO IUD LED MA MIA NGO NIH "
    "OEM PE POV POW PTA PTO QA QED RFID RIP ROI SAT SEO SOS TSA UAE UAV URI USA VAT VIP WASD WHO "
    "YMCA"
)
"""Those that eSpeak would read as a word, and which `_CLUSTER` does not find."""
_CLUSTER = re.compile(r"[AEIOU][B-DF-HJ-NP-TV-Z]{1,4}|[B-DF-HJ-NP-TV-Z]{2,5}")
"""Letters that make no word in English, apart from these."""
_CLUSTER_WORDS = _set(
    "ABLY ABS ABYSS ACHY ACT ACTS ADD ADDS ADS AFT AH ALL ALLY ALMS ALPS ALT AM AMP AMPS AMY AN "
    "AND ANDY ANGRY ANGST ANKH ANN ANT ANTS ANY APP APPLY APPS APT APTLY ARC ARCH ARCS ARK ARM "
    "ARMS ARMY ART ARTS ARTSY ARTY AS ASCII ASH ASHY ASK ASKS ASS AT AWRY AX BRR BY BYRD CRY "
    "CRYPT CYST DR DRY EBB EBBS EDDY EDGY EGG EGGS EGYPT EH ELF ELK ELKS ELM ELMS EMPTY END ENDS "
    "ENTRY ENVY ERNST ERR ERRS ETCH ETSY EX FLY FRY GYM GYMS HM HMM HMMM HYMN ICH ICY IDLY IDYLL "
    "IF IFFY ILK ILL ILLS IMP IMPLY IMPS IN INC INCH INDY INK INKS INKY INN INNS IRK IS ISH IT "
    "ITCH ITCHY ITS IVY JR LTD LYNN LYNX MMM MR MRS MS MY MYTH NTH ODD ODDLY ODDS OF OFF OFFS OFT "
    "OH OHM OHMS OK OLD ON ONLY ONYX OPT OPTS OR ORB ORBS OUCH OW OWL OWLS OWN OWNS OX OZ PLY PRY "
    "PSST RHYS SHH SHY SKY SLY SPRY SPY SR ST STY SYNC THY TRY UGH UGLY UH UM UMM UMP UP URN US "
    "VS WHY WHYS WRY"
)
_SMALL_WORDS = _set(
    "A AN AND ARE AS AT BE BUT BY DO FOR FROM GO HAS HE I IF IN IS IT ME MY NO NOT OF OFF ON OR "
    "OUR SO THAT THE THIS TO UP US WAS WE WHO WILL WITH YOU YOUR"
)
_WORDS_TOO = _set("AD CE CO DOE ET LED MA PE POW RIP SAT UPS VAT IMO WHO")
"""Words in a sentence that is all capitals."""
_READ = {
    "IMDB": "I.M.D.B",
    "IMDb": "I.M.D.B",
    "IEEE": "I triple E",
    "NCAA": "N C double eigh",
    "AAA": "triple eigh",
    "WWI": "world war 1",
    "WWII": "world war 2",
    "PhD": "P.H.D",
    "BSc": "B.S.C",
    "MSc": "M.S.C",
    "iOS": "I.O.S",
    "macOS": "mac O.S",
    "IoT": "I.O.T",
    "SaaS": "sass",
    "PaaS": "pass",
    "mRNA": "M.R.N.A",
    "NVMe": "N.V.M.E",
    "VRAM": "V ram",
    "LoRA": "lora",
    "CUDA": "cooda",
    "LaTeX": "lay tech",
    "nginx": "engine X",
    "kubectl": "cube control",
    "YoY": "year over year",
    "MoM": "month over month",
    "QoQ": "quarter over quarter",
    "idk": "I.D.K",
    "imo": "I.M.O",
    "aka": "A.K.A",
    "asap": "A.S.A.P",
    "faq": "F.A.Q",
}
_DIGITS_BELOW = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_LETTERS_AND_NUMBERS = re.compile(r"[A-Z]{1,3}-?\d{1,5}(?:[A-Z]{1,3}\d{0,2})*")
_INITIALS = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]?|Ph\.D|[BM]\.?Sc")
_ROMAN = re.compile(
    r"(?=[IVXLCDM])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})",
)
_PARTS = _set(
    "chapter part act scene book volume vol section article title phase stage type class level "
    "grade mark season episode appendix figure table war bowl olympiad psalm lesson unit tier "
    "factor schedule annex corps fantasy rocky gta"
)
_RULERS = _set(
    "henry louis george edward richard william james charles philip elizabeth mary anne catherine "
    "paul john pius leo gregory benedict clement innocent francis nicholas alexander peter ivan "
    "frederick napoleon ferdinand otto haakon carl gustav christian alfonso ramses ramesses "
    "ptolemy thutmose darius victor urban boniface celestine sixtus julius martin eugene"
)
_AFTER_A_RULER = ("of", "was", "is", "died", "became", "ruled", "reigned", "had")
_SURE = re.compile(r"(?:II|III|VII|VIII|XII|XIII|XIV|XVI{0,3}|XIX|XXI{0,3}|XXIV|XXV)")
"""Read as numbers anywhere: no word or acronym is written so."""
_ADDRESS = re.compile(
    r"(?:https?://|mailto:)\S+"
    r"|(?:[\w.+-]+@)?[\w-]+(?:\.[\w-]+)*\.[a-z][a-z0-9-]*(?::\d+)?(?:[/?#]\S*)?"
)
_PATH = re.compile(
    r"(?:[~.]{0,2}|[A-Z]:|[\w.-]+)(?:[/\\][\w.-]+){2,}[/\\]?|(?:~|\.{1,2})?/[\w./-]+"
    r"|[\w-]+(?:/[\w-]+)+\.[a-z]\w*"
)
_SAID_SIGNS = {
    ".": " dot ",
    "@": " at ",
    "/": " slash ",
    "\\": " backslash ",
    "-": " dash ",
    "_": " ",
    "?": " ",
    "#": " ",
    "&": " and ",
    "=": " equals ",
    ":": " ",
    "~": " tilde ",
}
_WORD_ENDINGS = ("me", "co", "to", "be", "no", "so", "go", "my")


def name(words: Sequence[Token], here: int, language: str) -> list[str] | None:
    """A name that is not read as it is written, else nothing."""
    core = words[here].core.translate(_DIGITS_BELOW)
    if _INITIALS.fullmatch(core) and "." in core:
        return [_dotted(core.replace(".", ""))]
    if number := _roman(words, here):
        return [number]
    if core in _READ:
        return [_READ[core]]
    is_cluster = _CLUSTER.fullmatch(core) and core not in _CLUSTER_WORDS
    if core in _SPELLED or is_cluster:
        return [core.lower() if core in _WORDS_TOO and _is_shouted(words, here) else _dotted(core)]
    if core in ("AM", "FM") and here and words[here - 1].core[:1].isdigit():
        return [_dotted(core)]
    if _LETTERS_AND_NUMBERS.fullmatch(core):
        parts = re.findall(r"[A-Z]+|\d+", core)
        return [" ".join(in_halves(part) if part.isdigit() else _letters(part) for part in parts)]
    if re.fullmatch(r"[A-Z]+/[A-Z]+", core):
        return [" ".join(_letters(part) if len(part) < 4 else part for part in core.split("/"))]
    if re.fullmatch("[A-Z]{2}", core) and re.fullmatch(r"\d{5}", core_after(words, here)):
        return [_dotted(core)]  # a state and its zip code
    return _tagged(core) or _shouted(words, here)


def address(words: Sequence[Token], here: int, language: str) -> list[str] | None:
    """A web or mail address, a file name or a path."""
    core = words[here].core
    if not (_ADDRESS.fullmatch(core) or _PATH.fullmatch(core)):
        return None
    if not re.search("[a-z]{2}" if core[0].isdigit() else "[a-zA-Z]", core):
        return None  # 1.5e
    bare = re.sub(r"^(https?://|mailto:)", "", core)
    signs = _SAID_SIGNS | ({"_": " underscore "} if "@" in bare else {})
    said = "".join(signs.get(c, c) for c in bare.rstrip("/"))
    said = re.sub(r"\bwww\b", "W.W.W", said)
    return [" ".join(_ending(said).split())]


def _ending(said: str) -> str:
    """Spell two letters after a dot: "dot I.O"."""

    def spelled(match: re.Match[str]) -> str:
        letters = match[1]
        return f" dot {letters if letters in _WORD_ENDINGS else _dotted(letters.upper())}"

    return re.sub(r" dot ([a-z]{2})(?![\w.])", spelled, said)


def _tagged(core: str) -> list[str] | None:
    """A @handle, a #hashtag, C#, C++, Q&A."""
    if re.fullmatch(r"@\w[\w.]*", core):
        return [f"at {core[1:].replace('_', ' underscore ').replace('.', ' dot ')}"]
    if re.fullmatch(r"#\d*[^\W\d]\w*", core):
        return [f"hashtag {re.sub('_|(?<=[0-9])(?=[A-Z])', ' ', core[1:])}"]
    if re.fullmatch(r"[A-Z]#", core):
        return [f"{core[0]} sharp"]
    if match := re.fullmatch(r"([A-Za-z]\w*?)(\++)", core):
        return [f"{'eigh' if match[1] == 'A' else match[1]}{' plus' * len(match[2])}"]
    if core == "AT&T":
        return [core]  # which eSpeak knows
    if re.fullmatch(r"[A-Z]{1,3}&[A-Z]{1,3}", core):
        return [" and ".join(_letters(part) for part in core.split("&"))]
    return None


def _shouted(words: Sequence[Token], here: int) -> list[str] | None:
    """A word in a sentence of capitals, where "US" and "IT" are no acronyms."""
    core = words[here].core
    if core.isupper() and len(core) > 1 and core.isalpha() and _is_shouted(words, here):
        return [core.lower()]
    return None


def _is_shouted(words: Sequence[Token], here: int) -> bool:
    """Whether the word stands in a run of at least four in capitals, little words among them."""
    start, end = here, here
    while start and _in_capitals(words[start - 1]):
        start -= 1
    while end + 1 < len(words) and _in_capitals(words[end + 1]):
        end += 1
    run = [token.core for token in words[start : end + 1] if token.core.isalpha()]
    small, long = sum(word in _SMALL_WORDS for word in run), sum(len(word) >= 4 for word in run)
    return len(run) >= 4 and (small >= 2 or (small == 1 and long >= 2))


def _in_capitals(token: Token) -> bool:
    return not any(c.islower() for c in token.core)


def _roman(words: Sequence[Token], here: int) -> str:
    """Read only where it is one: "Chapter IV", "Henry VIII", "World War II"; "" elsewhere."""
    core = words[here].core
    if not _ROMAN.fullmatch(core):
        return ""
    before = words[here - 1] if here else None
    named = before.core.lower() if before and before.is_capitalised else ""
    number = str(roman_value(core))
    if named in _RULERS and not (core == "I" and not _ends_name(words, here)):
        return f"the {ordinal(number)}"
    if named in _PARTS and core not in ("C", "D", "L", "M"):
        return number
    return number if _SURE.fullmatch(core) else ""


def _ends_name(words: Sequence[Token], here: int) -> bool:
    """Whether "I" belongs to the ruler before it, and is not the one who speaks."""
    if words[here].closing or here + 1 == len(words):
        return True
    return words[here + 1].core.lower() in _AFTER_A_RULER


def roman_value(roman: str) -> int:
    """Of a numeral in capitals: 4 for IV."""
    values = [{"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}[c] for c in roman]
    pairs = zip(values, [*values[1:], 0], strict=True)
    return sum(-a if a < b else a for a, b in pairs)


def _dotted(letters: str) -> str:
    return ".".join(letters.upper())


def _letters(capitals: str) -> str:
    """One or more capitals spelled; a lone A would be an article."""
    return "eigh" if capitals == "A" else _dotted(capitals)
