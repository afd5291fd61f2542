"""How English says abbreviations and letters that mean more than they write. Knows no phonemes."""

from __future__ import annotations

from collections.abc import Sequence

from .written import Token

_ABBREVIATIONS = {
    "dr": "doctor",
    "mr": "mister",
    "mrs": "missus",
    "ms": "miz",
    "prof": "professor",
    "jr": "junior",
    "sr": "senior",
    "vs": "versus",
    "etc": "et cetera",
    "approx": "approximately",
    "incl": "including",
    "excl": "excluding",
    "avg": "average",
    "ref": "reference",
    "dept": "department",
    "inc": "incorporated",
    "corp": "corporation",
    "co": "company",
    "bros": "brothers",
    "ave": "avenue",
    "blvd": "boulevard",
    "hwy": "highway",
    "rd": "road",
    "apt": "apartment",
    "cf": "compare",
    "govt": "government",
    "est": "established",
    "tel": "telephone",
    "ext": "extension",
}
_ALWAYS = ("dr", "mr", "mrs", "vs", "etc", "prof", "approx", "dept", "blvd", "hwy", "govt")
"""Written without a full stop too (the others could be words)."""
_ONLY_CAPITAL = ("ref", "inc", "corp", "co", "ave", "rd", "apt", "est", "tel", "bros")
_BEFORE_A_NAME = {
    "rev": "reverend",
    "gen": "general",
    "lt": "lieutenant",
    "col": "colonel",
    "sgt": "sergeant",
    "capt": "captain",
    "gov": "governor",
    "sen": "senator",
    "rep": "representative",
    "mt": "mount",
    "ft": "fort",
    "st": "saint",
}
_BEFORE_A_NUMBER = {
    "no": "number",
    "nos": "numbers",
    "fig": "figure",
    "figs": "figures",
    "vol": "volume",
    "ch": "chapter",
    "sec": "section",
    "eq": "equation",
    "p": "page",
    "pp": "pages",
    "c": "circa",
    "ca": "circa",
    "art": "article",
}
_LATIN = {"e.g": "for example", "i.e": "that is", "a.k.a": "also known as", "v": "versus"} | {
    "p.a": "per annum"
}
_SHORTENED = {
    "w/": "with",
    "w/o": "without",
    "b/c": "because",
    "n/a": "N.A",
    "c/o": "care of",
    "w/e": "whatever",
    "btw": "by the way",
    "thx": "thanks",
    "pls": "please",
    "plz": "please",
    "tbh": "to be honest",
    "mmm": "hmm",
    "mm": "hmm",
}
_IN_ADDRESS_WORDS = 3
"""How far before "St." a house number may stand."""


def short(words: Sequence[Token], here: int, language: str) -> list[str] | None:
    """An abbreviation or a single letter, from what stands around it; else nothing."""
    token, before, following = words[here], _at(words, here - 1), _at(words, here + 1)
    core, lower = token.core, token.core.lower()
    if lower in _LATIN and (lower != "v" or (before and following and token.is_dotted)):
        return [_LATIN[lower]]
    after_number = before is not None and before.core[-1:].isdigit()
    if lower in _SHORTENED and not (lower == "mm" and after_number):
        return [_SHORTENED[lower]]
    if (token.is_dotted or lower in _ALWAYS) and (form := _abbreviation(words, here)):
        return [form]
    if core == "A" or (lower == "a" and token.is_label):
        return ["eigh"] if _is_letter(token, before, following) else None
    if core == "n" and token.opening[-1:] in ("'", "‘", "’"):
        return ["and"]
    return None


def _at(words: Sequence[Token], index: int) -> Token | None:
    return words[index] if 0 <= index < len(words) else None


def _abbreviation(words: Sequence[Token], here: int) -> str:
    token, before, following = words[here], _at(words, here - 1), _at(words, here + 1)
    lower = token.core.lower()
    if following and following.core[:1].isdigit() and lower in _BEFORE_A_NUMBER:
        return _BEFORE_A_NUMBER[lower]
    name_follows = bool(following and following.is_capitalised and token.closing in (".", ""))
    near = words[max(0, here - _IN_ADDRESS_WORDS) : here]
    in_address = any(word.core[:1].isdigit() for word in near)
    ends_street = before and before.is_capitalised and (in_address or not name_follows)
    if lower == "dr" and ends_street:
        return "drive"
    if lower == "st" and (ends_street or not name_follows):
        return "street"
    if lower in _BEFORE_A_NAME and token.is_capitalised and name_follows:
        return _BEFORE_A_NAME[lower]
    if lower in _ONLY_CAPITAL and not token.is_capitalised:
        return ""
    return _ABBREVIATIONS.get(lower, "")


def _is_letter(token: Token, before: Token | None, following: Token | None) -> bool:
    """Whether an A is no article: "vitamin A is", "a) first"; a title has A Capital."""
    if token.closing:
        return True
    if not before or not before.core or before.closing:
        return False
    return following is None or not following.is_capitalised
