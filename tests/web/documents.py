"""A document like the demo's, of a year at a support desk, made by arithmetic and a fixed seed."""

from __future__ import annotations

import random
from typing import Any

from homeostat.stats.intervals import proportion

START = 1_740_000_000.0
WEEK = 7 * 86_400.0
FIRST, SECOND = "ver_01jd8m3k7q9x5v2w0ab3", "ver_7c2m9t4r1h6y8k3d5f0p"
REFUSED, BROKEN = "ver_9q4w7e2r5t8y1k6m3n0b", "ver_3f8g1h5j7k2m9n4p6q0r"
SLICES = ("orders", "billing", "delivery", "returns", "garden advice", "account", "devices", "aqua line")


def score(mean: float, n: int) -> dict[str, float]:
    found = proportion(round(mean * n), n)
    return {"mean": found.mean, "low": found.low, "high": found.high, "n": found.n}


def course() -> list[dict[str, Any]]:
    """Forty weeks: good, then worse from the fourteenth on, then good again from the twenty-fifth."""
    draw = random.Random(3)
    points = []
    for week in range(40):
        level = 0.93 if week < 14 else max(0.74, 0.93 - 0.03 * (week - 13)) if week < 25 else 0.915
        found = score(min(1.0, level + draw.gauss(0, 0.015)), 120)
        points.append({"time": START + week * WEEK, **found, "version": FIRST if week < 25 else SECOND})
    return points


def statistic() -> list[dict[str, float]]:
    draw, points, levels = random.Random(5), [], [0.0, 0.0]
    for day in range(40 * 7):
        moved = 98 <= day < 128 or day >= 175
        for k, pull in enumerate((0.17, 0.21)):
            levels[k] = max(-0.3, levels[k] + draw.gauss((pull if moved and day < 175 else -0.05), 0.22))
        if max(levels) > 5.85:
            levels = [0.0, 0.0]
        found = {"time": START + day * 86_400.0, "confidence": levels[0], "neighbors": levels[1]}
        points.append({**found, "threshold": 5.699})
    return points


def slices() -> list[dict[str, Any]]:
    draw, rows = random.Random(7), []
    for name in SLICES:
        n = draw.randint(60, 420)
        new = name == "aqua line"
        rows.append(
            {
                "slice": name,
                "n": n,
                "before_drift": None if new else score(draw.uniform(0.9, 0.97), n),
                "after_drift": score(0.0 if new else draw.uniform(0.7, 0.92), n),
                "after_turn": score(draw.uniform(0.86, 0.95), n),
            }
        )
    return rows


def losses(version: str, floor: float, steps: int) -> dict[str, Any]:
    draw = random.Random(version)
    points = []
    for step in range(10, steps + 1, 10):
        fall = 2.1 * 0.97 ** (step / 2)
        point = {"step": step, "loss": floor + fall + draw.gauss(0, 0.05) ** 2, "held_out": floor + 0.08 + fall}
        gauges = {
            "lr": 2e-3 * (1.0 - step / (steps + 10)),
            "gradient_norm": 0.4 + fall,
            "tokens_per_s": 18_400.0 + step,
        }
        points.append(point | gauges | {"mfu": 0.231, "memory_bytes": 1.31e9 + step})
    return {"version": version, "points": points}


def counts() -> dict[str, int]:
    return {
        "selected": 1_412,
        "targeted": 1_388,
        "cleaned": 1_371,
        "settled": 1_354,
        "deduplicated": 1_207,
        "fenced": 1_189,
        "new": 1_189,
        "remembered": 2_310,
        "superseded": 64,
        "replayable": 2_246,
        "replayed": 1_189,
        "total": 2_378,
    }


def turn() -> dict[str, Any]:
    return {
        "signals": [
            {
                "moved": "novelty",
                "detector": "shiryaev_roberts",
                "statistic": 1_204_551.0,
                "threshold": 500_000.0,
                "n": 2_214,
                "since": START + 14 * WEEK,
                "examples": [
                    "my aqua line pump makes a grinding noise since the firmware thing",
                    "Can I put my name down for the Aqua waitlist?",
                    "how often do i change the aqua filter <b>refill</b>",
                ],
            }
        ],
        "decision": {
            "action": "retrain",
            "because": "retrain: worth 0.121 ± 0.034 more right answers per request, about 1,210 over the next 10,000, "
            "for 212 CPU-seconds (0.006) and no new labels; waiting costs 1,210, asking for 180 labels first would "
            "cost 90. 31% of the labels are new to the champion. Moved: novelty.",
            "gain": 0.121,
            "gain_interval": [0.087, 0.155],
            "cost": 0.0059,
        },
        "dataset": {"id": "dst_5k8m2n4p6q9r1t3v7w0x", "counts": counts()},
        "candidates": [
            {
                "version": REFUSED,
                "verdict": "fail",
                "because": "refused: it forgot — known labels -11.4 points (-13.2 to -9.7), where at most 2.0 may be "
                "lost; +3.1 points (+0.9 to +5.3, n=1,500) overall",
                "scores": {
                    "candidate": score(0.825, 1_500),
                    "champion": score(0.794, 1_500),
                    "difference": {"mean": 0.031, "low": 0.009, "high": 0.053, "n": 1_500},
                    "groups": {
                        "known labels": {"mean": -0.114, "low": -0.132, "high": -0.097, "n": 1_190},
                        "new labels": {"mean": 0.587, "low": 0.53, "high": 0.64, "n": 310},
                    },
                },
            },
            {
                "version": SECOND,
                "verdict": "pass",
                "because": "+12.3 points (10.6 to 14.1, n=1,500) overall; nothing lost where it was good: known "
                "labels -0.3 (-1.1 to +0.5)",
                "scores": {
                    "candidate": score(0.917, 1_500),
                    "champion": score(0.794, 1_500),
                    "difference": {"mean": 0.123, "low": 0.106, "high": 0.141, "n": 1_500},
                    "groups": {
                        "known labels": {"mean": -0.003, "low": -0.011, "high": 0.005, "n": 1_190},
                        "new labels": {"mean": 0.606, "low": 0.55, "high": 0.66, "n": 310},
                    },
                },
            },
        ],
        "release": {"stage": "full", "because": f"{SECOND} answers everything: not worse in 132 pairs (41 judged)"},
    }


def timeline() -> list[dict[str, Any]]:
    told = [
        (2.1, None, "stream", "support: 2,310 labeled rows of history, 4,602 requests to come"),
        (41.8, START, "champion", f"{FIRST} trained on history: 24 labels, 640 steps, 38 CPU-s, held-out loss 0.212"),
        (
            44.0,
            None,
            "gateway",
            "answers at http://127.0.0.1:40123/v1 in a process of its own; the worker watches beside it",
        ),
        (151.7, START + 16.3 * WEEK, "signal", "novelty: shiryaev_roberts 1,204,551 ≥ 500,000 after 2,214 requests"),
        (151.7, START + 16.3 * WEEK, "", "e.g. “my aqua line pump makes a grinding noise since the firmware thing”"),
        (152.2, START + 16.5 * WEEK, "turn", "opened"),
        (153.0, START + 16.5 * WEEK, "decide", turn()["decision"]["because"]),
        (153.9, START + 16.5 * WEEK, "curate", "for a naive run: selected 1,412, targeted 1,388, new 1,189"),
        (190.4, START + 16.5 * WEEK, "gate", "naive candidate: fail: refused: it forgot"),
        (244.6, START + 16.5 * WEEK, "gate", "careful candidate: pass: +12.3 points (10.6 to 14.1, n=1,500) overall"),
        (247.0, START + 23.1 * WEEK, "release", "shadow: answers copies of the traffic, unseen by users"),
        (262.9, START + 24.2 * WEEK, "release", "canary 20% of traffic: no harm shown in 60 pairs"),
        (280.3, START + 24.9 * WEEK, "release", "full: not worse in 132 pairs (41 judged: 92.7 points beside 85.4)"),
        (331.0, START + 36 * WEEK, "drill", "a sabotaged copy of the champion goes into the canary"),
        (334.2, START + 36.1 * WEEK, "release", f"rollback: {BROKEN} withdrawn after 14 exposed requests and 2.3 s"),
    ]
    return [{"wall_s": wall, "time": time, "event": event, "text": text} for wall, time, event, text in told]


def realistic() -> dict[str, Any]:
    """Everything that the demo may say."""
    return {
        "stream": "support",
        "kind": "generative",
        "requests": 4_602,
        "feedback": 1_841,
        "turns": [turn()],
        "accuracy": {
            "before_drift": score(0.931, 1_680),
            "after_drift": score(0.762, 1_320),
            "after_turn": score(0.917, 1_500),
            "old_slices_before": score(0.932, 1_190),
            "old_slices_after": score(0.929, 1_190),
            "new_slices_after": score(0.871, 310),
            "never": score(0.741, 1_500),
            "naive": score(0.825, 1_500),
            "joint": score(0.931, 1_500),
            "joint_all_labels": score(0.944, 1_500),
            "ours": score(0.917, 1_500),
            "slices": {
                "never": {"old": score(0.932, 1_190), "new": score(0.0, 310)},
                "naive": {"old": score(0.812, 1_190), "new": score(0.877, 310)},
                "ours": {"old": score(0.929, 1_190), "new": score(0.871, 310)},
                "joint": {"old": score(0.938, 1_190), "new": score(0.903, 310)},
                "joint_all_labels": {"old": score(0.946, 1_190), "new": score(0.935, 310)},
            },
        },
        "labels_used": {"ours": 1_841, "naive": 1_841, "joint": 1_841, "joint_all_labels": 4_602},
        "train_flops": {"ours": 3.1e12, "naive": 1.4e12, "joint": 21.8e12},
        "train_cpu_seconds": {"ours": 92.4, "naive": 41.0, "joint": 655.1},
        "detection": {"delay_requests": [212, 388, 467], "false_alarms": 0},
        "rollback": {"seconds": 2.31, "exposed_requests": 14},
        "dropped_requests": 0,
        "lost_records": 0,
        "wall_s": 428.6,
        "timeline": timeline(),
        "series": {
            "accuracy": course(),
            "drift": statistic(),
            "slices": slices(),
            "losses": [losses(FIRST, 0.19, 320), losses(REFUSED, 0.31, 140), losses(SECOND, 0.24, 220)],
        },
        "replies": {
            "chrf_before": 41.2,
            "chrf_after": 47.9,
            "perplexity_before": 8.31,
            "perplexity_after": 5.02,
            "win_rate": score(0.66, 212),
            "n": 212,
            "released": True,
        },
    }


def minimal() -> dict[str, Any]:
    """The least that may be called a document."""
    return {"stream": "tiny", "kind": "generative", "requests": 12, "turns": [], "accuracy": {}, "replies": None}
