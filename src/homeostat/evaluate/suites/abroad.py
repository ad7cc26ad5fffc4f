"""Another language in a request, without a translation: a greeting and a farewell around it, and little words within.

What is asked stays in the words of the row, so that these work for rows of any task; what they say is how a version
bears a mixture, and not how well it knows the language. Tables of our own: German, French, Spanish; without
negations, and without words with a second sense that the other language tells apart (when: wann, wenn).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from homeostat.evaluate.suites.synonyms import WORD, as_written

SHARE = 0.75
"""Of the little words with an entry, so many are replaced; at least one."""
_GREETED = (
    "Guten Tag, ich hoffe, es geht Ihnen gut. {} Vielen Dank im Voraus und freundliche Grüße",
    "Hallo zusammen, ich schreibe auf Englisch weiter. {} Danke schön und einen schönen Tag noch!",
    "Bonjour, j'espère que vous allez bien. {} Merci d'avance, bien cordialement",
    "Salut, je continue en anglais. {} Merci beaucoup et bonne journée !",
    "Buenos días, espero que estén bien. {} Muchas gracias de antemano, un cordial saludo",
    "Hola, sigo en inglés. {} ¡Mil gracias y que tengan un buen día!",
)
_LITTLE = (
    "and und et y|or oder ou o|but aber mais pero|with mit avec con|without ohne sans sin|my mein mon mi"
    "|because weil parce~que porque|where wo où dónde|how wie comment cómo|why warum pourquoi por~qué"
    "|please bitte s'il~vous~plaît por~favor|hello hallo bonjour hola|hi hallo salut hola|thanks danke merci gracias"
    "|also auch aussi también|very sehr très muy|today heute aujourd'hui hoy|yesterday gestern hier ayer"
    "|tomorrow morgen demain mañana|now jetzt maintenant ahora|here hier ici aquí|always immer toujours siempre"
    "|this dieser ce este|of von de de|for für pour para|in in dans en|since seit depuis desde|if wenn si si"
    "|we wir nous nosotros|i ich je yo|you Sie vous usted|our unser notre nuestro|your Ihr votre su"
    "|is ist est es|are sind sont son|it es ça eso|from von de de|on auf sur en|to zu à a"
    "|the die la la|a ein un un|an ein un un|what was quoi qué|who wer qui quién"
    "|already schon déjà ya|again wieder encore otra~vez"
)
LANGUAGES = ("de", "fr", "es")


def _tables() -> tuple[Mapping[str, str], ...]:
    rows = [[form.replace("~", " ") for form in row.split()] for row in _LITTLE.split("|")]
    return tuple({row[0]: row[1 + k] for row in rows} for k in range(len(LANGUAGES)))


TABLES = dict(zip(LANGUAGES, _tables(), strict=True))
"""Language -> English word in small letters -> what stands for it there."""


def greeted_abroad(text: str, random: np.random.Generator) -> str:
    """Between a greeting and a farewell in another language."""
    return _GREETED[int(random.integers(len(_GREETED)))].replace("{}", text.strip())


def switched(text: str, random: np.random.Generator) -> str:
    """With most of its little words in another language, one for the whole text."""
    table = TABLES[LANGUAGES[int(random.integers(len(LANGUAGES)))]]
    found = [match for match in WORD.finditer(text) if match[0].lower() in table]
    wanted = max(1, round(SHARE * len(found))) if found else 0
    for at in sorted(random.permutation(len(found))[:wanted].tolist(), reverse=True):
        start, end = found[at].span()
        text = text[:start] + as_written(text[start:end], table[text[start:end].lower()]) + text[end:]
    return text
