"""From a candidate to what everybody gets, and back: registry, routing, rollout, guard."""
