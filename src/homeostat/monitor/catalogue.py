"""Every feature, every test of two windows and every classical detector by name. Nothing is imported before it is asked
for.

Installed packages add to it through the entry-point groups `homeostat.features`, `homeostat.comparisons` and
`homeostat.detectors`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from homeostat.errors import UnknownPlugin, did_you_mean
from homeostat.monitor.detectors.batch.comparison import Test
from homeostat.monitor.detectors.stream.detector import Detector
from homeostat.monitor.features.feature import Feature
from homeostat.monitor.features.record import tag
from homeostat.plugin import Registry

_FEATURES = "homeostat.monitor.features"
_BATCH = "homeostat.monitor.detectors.batch"
_STREAM = "homeostat.monitor.detectors.stream"
TAG = "tag:"

FEATURES: Registry[Feature] = Registry(
    "feature",
    "homeostat.features",
    {
        "characters": f"{_FEATURES}.text:CHARACTERS",
        "confidence": f"{_FEATURES}.record:CONFIDENCE",
        "cost": f"{_FEATURES}.record:COST",
        "embedding": f"{_FEATURES}.nearness:EMBEDDING",
        "entropy": f"{_FEATURES}.record:ENTROPY",
        "format": f"{_FEATURES}.reply:FORMAT",
        "fragmentation": f"{_FEATURES}.record:FRAGMENTATION",
        "hour_of_week": f"{_FEATURES}.record:HOUR_OF_WEEK",
        "language": f"{_FEATURES}.language:LANGUAGE",
        "latency": f"{_FEATURES}.record:LATENCY",
        "margin": f"{_FEATURES}.record:MARGIN",
        "non_ascii": f"{_FEATURES}.text:NON_ASCII",
        "novelty": f"{_FEATURES}.nearness:NOVELTY",
        "perplexity": f"{_FEATURES}.perplexity:PERPLEXITY",
        "prediction": f"{_FEATURES}.reply:PREDICTION",
        "rarity": f"{_FEATURES}.text:RARITY",
        "refusal": f"{_FEATURES}.reply:REFUSAL",
        "repetition": f"{_FEATURES}.reply:REPETITION",
        "reply": f"{_FEATURES}.reply:REPLY",
        "reply_language": f"{_FEATURES}.language:REPLY_LANGUAGE",
        "reply_toxicity": f"{_FEATURES}.tone:REPLY_TOXICITY",
        "reply_words": f"{_FEATURES}.reply:REPLY_WORDS",
        "request_perplexity": f"{_FEATURES}.perplexity:REQUEST_PERPLEXITY",
        "script": f"{_FEATURES}.text:SCRIPT",
        "tokens": f"{_FEATURES}.record:TOKENS",
        "toxicity": f"{_FEATURES}.tone:TOXICITY",
        "wording": f"{_FEATURES}.text:WORDING",
        "words": f"{_FEATURES}.text:WORDS",
    },
)
TESTS: Registry[Callable[[], Test]] = Registry(
    "test",
    "homeostat.comparisons",
    {
        "bbsd": f"{_BATCH}.bbsd:Bbsd",
        "chi_square": f"{_BATCH}.chi_square:ChiSquare",
        "classifier": f"{_BATCH}.classifier:Classifier",
        "energy": f"{_BATCH}.energy:Energy",
        "g": f"{_BATCH}.chi_square:G",
        "ks": f"{_BATCH}.ks:Ks",
        "less_sure": f"{_BATCH}.less_sure:LessSure",
        "mmd": f"{_BATCH}.mmd:Mmd",
        "mmd_random": f"{_BATCH}.mmd_random:MmdRandom",
        "more_perplexed": f"{_BATCH}.less_sure:MorePerplexed",
        "psi": f"{_BATCH}.psi:Psi",
        "wasserstein": f"{_BATCH}.wasserstein:Wasserstein",
        "z": f"{_BATCH}.z:Z",
    },
)
DETECTORS: Registry[Callable[[], Detector]] = Registry(
    "detector",
    "homeostat.detectors",
    {
        "adwin": f"{_STREAM}.adwin:Adwin",
        "cusum": f"{_STREAM}.cusum:Cusum",
        "kswin": f"{_STREAM}.kswin:Kswin",
        "page_hinkley": f"{_STREAM}.page_hinkley:PageHinkley",
    },
)


def feature_of(name: str, tags: Collection[str]) -> Feature:
    """The feature of this name; `tag:NAME` is that of a tag, which must be among `tags`.

    Raises:
        UnknownPlugin: there is no such feature, or no row has the tag.
    """
    if not name.startswith(TAG):
        return FEATURES.get(name)
    if name.removeprefix(TAG) not in tags:
        known = [TAG + known for known in tags]
        raise UnknownPlugin(f"no row has the tag of '{name}'", where="tags", fix=did_you_mean(name, known))
    return tag(name.removeprefix(TAG))


def told_apart(names: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of tests of two windows among some names, and those of detectors on streams; `all` is every one.

    Raises:
        UnknownPlugin: a name that neither has.
    """
    every = (*TESTS.names(), *DETECTORS.names())
    for name in names:
        if name not in every and name != "all":
            known = did_you_mean(name, every)
            raise UnknownPlugin(f"no test and no detector is called '{name}'", where=TESTS.group, fix=known)
    asked = every if "all" in names else tuple(dict.fromkeys(names))
    detectors = set(DETECTORS.names()) - set(TESTS.names())
    return tuple(n for n in asked if n not in detectors), tuple(n for n in asked if n in detectors)
