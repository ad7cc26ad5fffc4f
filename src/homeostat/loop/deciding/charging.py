"""What a turn costs beside its training, read from the record: what judges read, and whom bad candidates reached."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from homeostat.config.schema import Config
from homeostat.decide.metric import Prices
from homeostat.decide.stated import objectives_of
from homeostat.decide.toll import Judging, Risk
from homeostat.release.judges import rates
from homeostat.store import Store
from homeostat.store.interactions import Pairs
from homeostat.types.feedback import TRUTHS
from homeostat.types.interaction import Role
from homeostat.types.release import Stage
from homeostat.types.turn import Turn
from homeostat.types.version import State

TURNS = 20
"""Newest turns that are looked at."""
READ = 100
"""Newest ratings of judges whose tokens are counted."""
LEAST_LABELED = 0.01
"""Share of the requests that is taken to be labeled, at least: a canary without labels is taken back some time too."""


def ended(store: Store, task: str, until: float) -> list[Turn]:
    """The newest turns of a task that made a candidate and came to an end before a moment, oldest first."""
    known = [one for one in store.turns.list(task) if one.time < until and not one.under_way and one.story == "turn"]
    return [one for one in known if one.state in ("gate", "release") and candidate_of(one)][-TURNS:]


def candidate_of(turn: Turn) -> str:
    """The version that a turn made last; empty where it made none."""
    made = [left for step, left in turn.diary.items() if step.startswith("train.") and left]
    return made[-1] if made else ""


def charges(config: Config, store: Store, task: str, until: float) -> tuple[Judging | None, Risk]:
    """What judges are asked in a turn, or None where none rates; and how often candidates were bad."""
    said, turns = store.feedback.list(task, 0.0, until), ended(store, task, until)
    ratings = [one for one in said if rates(one)]
    newest = store.interactions.about(ratings[-READ:])
    asked = _judging(config, store, task, newest, turns) if newest else None
    labels = len({one.interaction for one in said if one.kind in TRUTHS})
    return asked, _risk(config, store, task, turns, labels / max(1, store.interactions.count(task, until=until)))


def _risk(config: Config, store: Store, task: str, turns: Sequence[Turn], labeled: float) -> Risk:
    """How often the candidates were bad, and how many requests one answers before it is taken back.

    One trial is presumed beside those that there were: one that ends when `release.canary_feedback` replies of the
    candidate are labeled, at the pace (`labeled`, a share) at which requests are.
    """
    bad = [one for one in turns if _is_bad(store, one)]
    usual = max(1, config.release.canary_feedback) / max(LEAST_LABELED, labeled)
    most = float(config.deciding(task).horizon_requests)
    reached = [_answered(store, task, one) for one in bad]
    exposed = fmean([min(one, most) for one in (*reached, usual)])
    return Risk(turns=len(turns), bad=len(bad), exposed=exposed, loss=config.evaluate.margin)


def _is_bad(store: Store, turn: Turn) -> bool:
    """Whether its candidate was refused, or taken back, then or later."""
    version = store.versions.get(candidate_of(turn))
    return turn.diary.get("stage") != Stage.FULL or version.state in (State.REFUSED, State.WITHDRAWN)


def _answered(store: Store, task: str, turn: Turn) -> float:
    """Requests of users that a candidate answered before it was taken back; none of one that was never released."""
    if "release" not in turn.diary:
        return 0.0
    return float(store.interactions.count(task, version=store.releases.get(turn.diary["release"]).candidate))


def _judging(config: Config, store: Store, task: str, rows: Pairs, turns: Sequence[Turn]) -> Judging:
    """Tokens of a pair as in the newest ratings, times the pairs that were rated in earlier trials, or else those that
    a release waits for.
    """
    trials = [_pairs(store, task, one) for one in turns if "release" in one.diary]
    waited = float(config.release.shadow_pairs + config.release.canary_feedback)
    price = _prices(config, task)
    return Judging(
        pairs=fmean(trials) if trials else waited,
        read=2.0 * fmean(row.prompt_tokens + row.reply_tokens for row, _ in rows),
        written=2.0 * fmean(len(one.value) for _, one in rows),  # a token holds a letter at least
        ratings=len(rows),
        trials=len(trials),
        price_read=price.read,
        price_written=price.written,
    )


def _pairs(store: Store, task: str, turn: Turn) -> float:
    """Copies of requests that a turn's candidate answered while it was tried, and that judges rated."""
    candidate = store.releases.get(turn.diary["release"]).candidate
    copies = [one.id for one in store.interactions.list(task, version=candidate, role=Role.SHADOW)]
    return float(len({one.interaction for one in store.feedback.of(copies) if rates(one)}))


def _prices(config: Config, task: str) -> Prices:
    """What a judge's tokens cost, by the objective about what judges say; nothing where none states it."""
    stated = [one.prices for one in objectives_of(config, task) if one.metric == "judged" and one.prices]
    return stated[0] if stated else Prices()
