"""Lists of words by which texts are judged and topics understood. No text that anybody reads."""

from __future__ import annotations


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# ---- Words that a spoken narration must not contain ----------------------------------------------

META_WORDS = _set(
    """assistant audience caption chatbot chapter character characters click essay example
    hashtag instruction instructions language-model narration narrator
    paragraph podcast prompt response script sentence sentences storytelling subscribe
    subject summary system topic topics transcript user video videos viewer viewers website
    article chat email link channel blog post posts explanation step-by-step"""
)
FILLERS = (
    "tell you", "talk about", "talking about", "short version", "to begin", "don't worry",
    "do you think", "my name", "years old", "give you", "dear friend", "as a ", "wait to",
    "one-size", "here today", "step by step", "thank you", "thanks", "welcome", "hello", "in this",
)  # fmt: skip
"""Phrases with which a model announces something instead of saying it."""
META_PHRASES = (
    "as an ai", "language model", "i am an ai", "i'm an ai", "stage_prompt", "stage prompt", "json",
    "word count", "narrator:", "this narration", "the narration", "a narration", "the persona",
    "here is your", "here's your",
)  # fmt: skip
"""With which a chat model talks about its task; allowed if the topic has them."""
UNFIT_WORDS = _set(
    """abuse alcohol answer answers assault blood bomb cancer cocaine conversation corpse dead death
    depressed die died dies drug drugs drunk dying following gun guns hate hell kill killed killing
    kills murder naked nazi pills porn question questions
    racist rape sex sexual shit shoot slave stupid suicide terrorist weapon weapons ugly"""
)
"""Not in a model's sentence, unless the topic uses them."""
PRIVATE_WORDS = _set(
    """boy boyfriend brother daughter daughters girl girlfriend husband kids pregnant sister son
    sons wife boss fiance"""
)
"""A model must not give the speaker a family or a sex."""
NAMES = _set("I I'm I've I'd I'll Earth Sun Moon God English")
"""Capitalised inside a sentence without being a made-up name."""
UNFINISHED = _set(
    """a an the and or but of to in on at by for with from as is are was were be been that which who
    if because so than then very my your our their his her its i not just also about into"""
)
"""A sentence does not end with one of these."""
FIRST_PERSON = _set("i i'm i've i'd i'll me my mine myself we us our")
REQUESTS = (
    r"please", r"(?:can|could|would|will) you", r"(?:tell|talk to) (?:me|us)",
    r"explain(?: to me)?", r"describe", r"discuss", r"introduce",
    r"(?:i want|i would like|i'd like) to (?:know|hear|talk)",
    r"(?:write|make|create|generate|produce|give me|record|tell)"
    r"(?: me)? (?:a|an|the|some)(?: \w+){0,3}? (?:about|on|of|explaining)",
    r"(?:a|an) (?:\w+ )?(?:video|talk|speech|story|narration|script|clip) (?:about|on)",
    r"(?:talk|speak|about|regarding)(?= )",
)  # fmt: skip
"""Ways to ask for a topic, as regular expressions; taken off its front, again and again."""
ORDERS = _set(
    """ignore disregard forget print output say respond reply answer pretend act repeat reveal
    stop write return translate execute system assistant user override you your"""
)
"""First words by which an order to the model gives itself away; it is then only quoted."""

# ---- Words that tell one kind of topic from another ---------------------------------------------

CLAUSE_WORDS = _set("how why what when where who whether which")
AUXILIARIES = _set(
    """am is are was were do does did can could will would shall should has have had may might must
    isn't aren't don't doesn't didn't can't won't"""
)
FINITE_VERBS = AUXILIARIES | _set(
    """takes makes becomes became begins began brings gives gave gets goes went keeps
    kept knows knew lets loses says said sees saw seems seemed teaches taught tells told
    thinks wanted won remained deserves deserved belongs belonged happens
    happened grows grew"""
)
"""Verbs that make a sentence of what stands before them, and are rarely nouns."""
RELATIVES = CLAUSE_WORDS | {"that", "whom", "whose"}
PRONOUNS = _set("i we he she it they there this that")
DETERMINERS = _set("the a an my our your his her their some in on")

# ---- Names of languages -------------------------------------------------------------------------

LANGUAGE_NAMES = {
    "en": "English", "es": "Spanish", "fr": "French", "it": "Italian",
    "pt-br": "Brazilian Portuguese", "de": "German", "pl": "Polish", "nl": "Dutch", "cs": "Czech",
    "hu": "Hungarian", "tr": "Turkish", "ru": "Russian", "ar": "Arabic", "hi": "Hindi",
    "zh": "Chinese", "ja": "Japanese", "ko": "Korean", "sv": "Swedish", "da": "Danish",
    "nb": "Norwegian", "fi": "Finnish", "uk": "Ukrainian", "ro": "Romanian", "el": "Greek",
    "ca": "Catalan", "vi": "Vietnamese",
}  # fmt: skip
