"""How far a statistic is from its threshold, read from what a watcher has put down."""

import math

import numpy as np
import pytest

from homeostat.config.schema import Monitor
from homeostat.monitor.levels import Level, of_labels, of_requests
from homeostat.monitor.watch import Watcher
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction


def watcher():
    """A watcher that has seen nothing."""
    return Watcher.start("t", np.zeros((0, 0)), (), Monitor(false_alarm_every=1_000))


def labels(start, stop, right):
    """Replies, each with its label, right or wrong."""
    rows = [
        Interaction(id=f"int_{k}", task="t", time=float(k), text="", reply="refund", version="ver_1")
        for k in range(start, stop)
    ]
    value = "refund" if right else "billing"
    return [
        (i, Feedback(id=f"fbk_{k}", interaction=i.id, kind=FeedbackKind.LABEL, value=value, time=i.time))
        for k, i in enumerate(rows, start)
    ]


def test_requests_per_channel_and_together():
    """The newest and the highest of each, and of their mean."""
    levels = of_requests([[0.0, 1.0, 2.0], [1.0, 4.0, 6.0], [2.0, 3.0, 3.0]])
    assert levels["confidence"] == Level(log10=3.0, highest_log10=4.0)
    assert levels["neighbors"] == Level(log10=3.0, highest_log10=6.0)
    assert levels["together"].log10 == pytest.approx(3.0)
    assert levels["together"].highest_log10 == pytest.approx(math.log10(505_000))


def test_one_channel():
    """Without a training set there are no neighbors."""
    assert list(of_requests([[0.0, 1.0]])) == ["confidence", "together"]


def test_before_there_is_anything():
    """Neither a statistic of requests nor one of labels."""
    assert of_requests([]) == {}
    assert of_labels({}) is None
    assert of_labels(watcher().state()) is None


def test_labels_rise_until_the_alarm_and_begin_anew():
    """The number of labels, the level now and at its highest, alarm included."""
    seen = watcher()
    assert seen.update_labels(labels(0, 40, right=True)) == []
    n, calm = of_labels(seen.state())
    assert (n, calm.log10 < 2.5) == (40, True)

    (signal,) = seen.update_labels(labels(40, 46, right=False))
    n, after = of_labels(seen.state())
    assert n == 46
    assert after.highest_log10 == pytest.approx(math.log10(signal.statistic))
    assert after.log10 < after.highest_log10
