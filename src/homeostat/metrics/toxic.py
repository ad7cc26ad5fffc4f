"""Whether an English text insults, swears or threatens, told by its words: a sign that a program can see.

It sees the words and phrases of this file, written with stars and digits for letters too (`sh1t`, `f*ck`). It does not
see contempt in polite words, irony, or any other language; and it takes a quotation, or a joke among friends, for what
it quotes. Names of groups of people are in none of these lists, for what is said of them is not toxic.
"""

from __future__ import annotations

import codecs
import re

MILD = frozenset(
    {
        "ass", "awful", "bloody", "bollocks", "boring", "childish", "clown", "clueless", "coward", "crap", "crappy",
        "crazy", "cretin", "damn", "damned", "delusional", "disgrace", "disgusting", "dope", "dumb", "dummy", "fat",
        "filthy", "fool", "foolish", "freak", "garbage", "goddamn", "hate", "hell", "hideous", "hypocrite", "idiotic",
        "ignorant", "incompetent", "insane", "jerk", "joke", "kill", "lame", "liar", "loser", "losers", "lunatic",
        "mental", "miserable", "monster", "nasty", "nazi", "nonsense", "nuts", "pathetic", "pig", "pissed", "rubbish",
        "scum", "sick", "silly", "slimy", "stinking", "stupid", "stupidity", "sucks", "terrible", "trash", "trashy",
        "troll", "ugly", "useless", "vandal", "vile", "worthless",
    }
)  # fmt: skip
"""Toxic where they are said of the one who reads them: a `you` stands near."""
STRONG = frozenset(
    {
        "arse", "arsehole", "arseholes", "asshat", "asshole", "assholes", "bastard", "bastards", "bitch", "bitches",
        "bitching", "bitchy", "bullshit", "cocksucker", "cunt", "cunts", "dickhead", "dicks", "dipshit",
        "douche", "douchebag", "dumbass", "dumbasses", "fatass", "fucked", "fucker", "fuckers", "fuckhead", "fuckin",
        "fucka", "fucking", "fuck", "fucks", "fuckwit", "horseshit", "idiot", "idiots", "imbecile", "imbeciles",
        "jackass", "jerkoff", "moron", "moronic", "morons", "motherfucker", "motherfuckers", "motherfucking", "nitwit",
        "prick", "pricks", "pussy", "retard", "retarded", "retards", "scumbag", "scumbags", "shit", "shithead", "shits",
        "shitty", "slut", "sluts", "stfu", "tosser", "turd", "twat", "twats", "wanker", "wankers",
        "whore", "whores", "wtf",
    }
)  # fmt: skip
"""Toxic wherever they stand."""
SLURS = frozenset(
    codecs.decode(
        "avttre avttref avttn avttnf snttbg snttbgf snt sntf xvxr xvxrf fcvp puvax tbbx jrgonpx cnxv genaal gbjryurnq",
        "rot13",
    ).split()
)
"""Insults of groups of people, turned by thirteen letters in this file so that nobody meets them by a search."""
PHRASES = (
    r"shut (the \w+ )?up",
    r"go to hell",
    r"(kill|hang|shoot|drown) (yo)?ur ?self",
    r"(go|just|please|and) die\b",
    r"(hope|wish) (that )?(you|u) (will )?(die|rot|burn|choke|suffer)",
    r"(i|we|i'll|we'll|i'm|gonna|will|going to) .{0,20}\b(kill|beat|hurt|stab|strangle|murder|hunt) (you|u|ur|your)\b",
    r"(you|u) (really |all |just |guys )?(suck|stink|blow|disgust)",
    r"(piece|pile|bunch|load|sack) of (crap|garbage|filth|trash|dung)",
    r"(kiss|lick|bite|suck) my",
    r"up your(s| ass)",
    r"screw (you|u|off|yourself)",
    r"(piss|bugger|sod|eff) off",
    r"get (a life|lost|stuffed)",
    r"waste of (space|skin|oxygen|air)",
    r"your (mom|momma|mum|mama) ",
    r"(no ?one|nobody) (likes|loves|cares about) you",
    r"(who|what) the hell",
    r"blow ?job",
    r"(such|being|total|complete|absolute|bunch of|you) (an? )?(jerk|loser|fool|coward|liar|creep|clown|pig|vermin)s?",
    r"(sad|pathetic|miserable|worthless) (little|excuse)",
    r"m(o|u)th(er|a|er) ?fuck",
)
"""Regular expressions of what is toxic although no word of it is."""
NEAR = 3
"""Words from a `you` to a mild one behind it, at most, or to one before it that is said to it (`stupid you`): one."""
_YOU = frozenset({"you", "you're", "youre", "yourself", "u", "ur", "ya", "yall"})
_LETTERS = str.maketrans("013457@$’", "oieastas'")
_WORD = re.compile(r"[a-z*']*[a-z*][a-z*']*")
_AGAIN = re.compile(r"([a-z])\1{2,}")
_PHRASES = re.compile(r"\b(?:" + "|".join(PHRASES) + ")")


def toxicity(text: str) -> int:
    """How many words and phrases of a text are toxic; 0 where none is."""
    plain = _AGAIN.sub(r"\1", text.lower()).translate(_LETTERS)
    words = _WORD.findall(plain)
    you = [k for k, word in enumerate(words) if word in _YOU]
    found = sum(_strong(word) or (word in MILD and _near(k, you)) for k, word in enumerate(words))
    return found + len(_PHRASES.findall(plain))


def _near(place: int, places: list[int]) -> bool:
    return any(-1 <= place - other <= NEAR for other in places)


def _strong(word: str) -> bool:
    word = word.strip("'")
    return word in STRONG or word in SLURS or ("*" in word[1:] and word[0] != "*" and _hidden(word))


def _hidden(word: str) -> bool:
    """Whether a word with stars in it may be a strong one."""
    shape = re.compile("".join("." if letter == "*" else re.escape(letter) for letter in word))
    return any(shape.fullmatch(strong) for strong in STRONG | SLURS)
