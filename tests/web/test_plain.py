from __future__ import annotations

import json
import math

from homeostat.types.interaction import Interaction, Role
from homeostat.web.plain import plain


def test_a_noun_becomes_json() -> None:
    """Enums are their values, numbers that JSON lacks are null, vectors are left out."""
    row = Interaction(
        id="int_a", task="t", time=1.0, text="x", reply="y", version="v", confidence=math.nan, embedding=b"\x00"
    )
    found = plain({"row": row, "more": [Role.SHADOW, math.inf, (1, 2)]})
    assert json.loads(json.dumps(found, allow_nan=False))["more"] == ["shadow", None, [1, 2]]
    assert found["row"]["confidence"] is None
    assert "embedding" not in found["row"]
