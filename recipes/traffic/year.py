"""The calendar of the year: when messages come, about what, and how the three changes show in them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

START = datetime(2025, 1, 1, tzinfo=UTC)
LIVE = datetime(2025, 4, 9, tzinfo=UTC)
LAUNCH = datetime(2025, 5, 5, tzinfo=UTC)
REBRAND = datetime(2025, 8, 4, tzinfo=UTC)
POLICY = datetime(2025, 10, 15, tzinfo=UTC)
END = datetime(2026, 1, 1, tzinfo=UTC)
PHASES = (START, LAUNCH, REBRAND, POLICY, END)

HISTORY_ROWS, LIVE_ROWS, TEST_ROWS_A_PHASE = 2000, 4600, 500
AQUA_SHARE, POLICY_SHARE, LATE_SHARE = 0.15, 0.07, 0.75
RAMP = timedelta(days=14)

MOVED = "wilted_arrival"
"""The family whose label changes with the policy: the same messages, first a refund, then a replacement."""
POPULAR = (
    "order_status", "delivery_delay", "plants_not_growing", "account_login", "subscription_pause", "payment_failed",
    "wifi_setup", "discount_code", "missing_item", "subscription_cancel", "damaged_on_arrival", "change_address",
    "return_item", "cancel_order", "seed_advice", "light_problem", "subscription_swap", "refund_request", "pump_noise",
    "replacement_claim", "invoice_copy", "mold_or_pests", "update_card", "complaint_escalate", "praise_feedback",
    "cleaning_care", "gift_order", "bulk_business", "delete_my_data",
)  # fmt: skip
"""The intents known from the first day, most frequent first."""
AQUA = ("aqua_pairing", "aqua_waitlist", "aqua_leak", "aqua_refill_plan", "aqua_trade_in")
HOURS = (0, 0, 0, 0, 0, 1, 2, 4, 7, 9, 9, 8, 8, 8, 8, 8, 8, 9, 10, 10, 9, 7, 4, 1)
WEEKDAYS = (12, 11, 10, 10, 9, 7, 8)


@dataclass(frozen=True, slots=True)
class Moment:
    """When a message comes and how its sender words things: one draw of the calendar."""

    time: datetime
    split: str
    family: str
    late: bool

    @property
    def phase(self) -> int:
        """0 before the launch, 1 after it, 2 after the rebranding, 3 after the change of policy."""
        return sum(self.time >= start for start in PHASES[1:4])

    @property
    def label(self) -> str:
        """The intent a message of this family belongs to at this time."""
        if self.family != MOVED:
            return self.family
        return "replacement_claim" if self.time >= POLICY else "refund_request"

    @property
    def slice(self) -> str:
        """The part of the test figures a row belongs to: which change it came with, if any."""
        if self.family == MOVED:
            return "policy"
        if self.family in AQUA:
            return "aqua"
        return "late" if self.late else "known"


def shares(time: datetime) -> dict[str, float]:
    """How much of the traffic of that moment each family makes up."""
    aqua = AQUA_SHARE if time >= LAUNCH else 0.0
    # From the most to the least frequent of them, three to one, in even ratios.
    weights = [3.0 ** (-n / (len(POPULAR) - 1)) for n in range(len(POPULAR))]
    known = (1.0 - aqua - POLICY_SHARE) / sum(weights)
    found = {name: known * weight for name, weight in zip(POPULAR, weights, strict=True)} | {MOVED: POLICY_SHARE}
    return found | {name: aqua / len(AQUA) for name in AQUA} if aqua else found


def late_share(time: datetime) -> float:
    """Which part of the messages of that moment is in the late wording."""
    return LATE_SHARE * min(max((time - REBRAND) / RAMP, 0.0), 1.0)


def times(start: datetime, end: datetime, count: int, rng: random.Random) -> list[datetime]:
    """So many moments between two midnights in order of time, more of them on weekdays and in the evening."""
    days = [start + timedelta(days=n) for n in range((end - start).days)]
    chosen = rng.choices(days, [WEEKDAYS[day.weekday()] for day in days], k=count)
    hours = rng.choices(range(24), HOURS, k=count)
    return sorted(
        day + timedelta(hours=hour, seconds=rng.randrange(3600)) for day, hour in zip(chosen, hours, strict=True)
    )


def calendar(rng: random.Random) -> Iterator[Moment]:
    """Every message of the year: history, live, then the test rows, each in order of time."""
    plan = [("history", START, LIVE, HISTORY_ROWS), ("live", LIVE, END, LIVE_ROWS)]
    plan += [("test", PHASES[n], PHASES[n + 1], TEST_ROWS_A_PHASE) for n in range(4)]
    for split, start, end, count in plan:
        for time in times(start, end, count, rng):
            table = shares(time)
            (family,) = rng.choices(list(table), list(table.values()))
            yield Moment(time, split, family, rng.random() < late_share(time))
