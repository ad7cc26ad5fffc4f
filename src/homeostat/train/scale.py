"""What the loss is multiplied with in float16, so that small gradients do not vanish.

float16 has the digits of bfloat16 and more, but not its range: below 6e-8 there is nothing. So the loss is multiplied
before the way back and its gradient divided afterwards (Micikevicius et al. 2018, 1710.03740). A gradient that has
become too large moves nothing, and the next scale is smaller.
"""

from __future__ import annotations

SCALE = 2.0**16
"""At the first step."""
CALM = 2000
"""Steps without an overflow after which it is doubled."""


def rescaled(scale: float, calm: int, *, finite: bool) -> tuple[float, int]:
    """The scale after a step, and how many steps it has been calm: the rule of torch's `GradScaler`.

    Args:
        scale: what the loss of the step was multiplied with.
        calm: steps without an overflow before it, since the scale last changed.
        finite: whether the gradient of the step was.
    """
    if not finite:
        return scale / 2, 0
    return (scale * 2, 0) if calm + 1 == CALM else (scale, calm + 1)
