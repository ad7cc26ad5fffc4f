"""Every method that a recipe can name, and where it is. Nothing is imported before it is asked for.

Installed packages add to it through the entry-point groups `homeostat.ways`, `homeostat.objectives`,
`homeostat.penalties`, `homeostat.orders` and `homeostat.difficulties`.
"""

from __future__ import annotations

from typing import Any

from homeostat.plugin import Registry

_HERE = "homeostat.train"

WAYS: Registry[Any] = Registry(
    "way to adapt",
    "homeostat.ways",
    {
        "full": f"{_HERE}.adapt.full:Full",
        "freeze": f"{_HERE}.adapt.freeze:Freeze",
        "ia3": f"{_HERE}.adapt.ia3:Ia3",
        "lora": f"{_HERE}.adapt.lora:Lora",
        "new_words": f"{_HERE}.adapt.vocabulary:NewWords",
        "prefix": f"{_HERE}.adapt.prefix:Prefix",
        "prompt": f"{_HERE}.adapt.prompt:Prompt",
        "stacked": f"{_HERE}.adapt.stacked:Stacked",
    },
)
OBJECTIVES: Registry[Any] = Registry(
    "objective",
    "homeostat.objectives",
    {
        "adjusted": f"{_HERE}.objectives.classes.adjusted:Adjusted",
        "balanced": f"{_HERE}.objectives.classes.balanced:Balanced",
        "classified": f"{_HERE}.objectives.heads.classified:Classified",
        "completion": f"{_HERE}.objectives.completion:Completion",
        "dpo": f"{_HERE}.objectives.preference.dpo:Dpo",
        "estimated": f"{_HERE}.objectives.heads.estimated:Estimated",
        "exact": f"{_HERE}.objectives.heads.exact:Exact",
        "focal": f"{_HERE}.objectives.classes.focal:Focal",
        "follow": f"{_HERE}.objectives.distill.follow:Follow",
        "grpo": f"{_HERE}.objectives.reward.grpo:Grpo",
        "kto": f"{_HERE}.objectives.preference.kto:Kto",
        "mixed": f"{_HERE}.objectives.preference.mixed:Mixed",
        "orpo": f"{_HERE}.objectives.preference.orpo:Orpo",
        "rated": f"{_HERE}.objectives.preference.rated:Rated",
        "restore": f"{_HERE}.objectives.distill.restore:Restore",
        "sdft": f"{_HERE}.objectives.distill.sdft:Sdft",
        "tagged": f"{_HERE}.objectives.heads.tagged:Tagged",
        "told": f"{_HERE}.objectives.distill.told:Told",
    },
)
PENALTIES: Registry[Any] = Registry(
    "penalty",
    "homeostat.penalties",
    {
        "contrastive": f"{_HERE}.objectives.classes.contrastive:Contrastive",
        "divergence": f"{_HERE}.penalties.divergence:Divergence",
        "ewc": f"{_HERE}.penalties.ewc:Ewc",
        "l2_pull": f"{_HERE}.penalties.l2_pull:L2Pull",
        "likeness": f"{_HERE}.objectives.distill.likeness:Likeness",
        "noise": f"{_HERE}.penalties.noise:Noise",
        "orthogonal": f"{_HERE}.penalties.orthogonal:Orthogonal",
        "r_drop": f"{_HERE}.penalties.r_drop:RDrop",
        "stay": f"{_HERE}.penalties.stay:Stay",
    },
)
ORDERS: Registry[Any] = Registry(
    "order",
    "homeostat.orders",
    {
        "balanced": f"{_HERE}.order.imbalance:Balanced",
        "curriculum": f"{_HERE}.order.curriculum:Curriculum",
        "fading": f"{_HERE}.order.priority:Fading",
        "priority": f"{_HERE}.order.priority:Priority",
        "trimmed": f"{_HERE}.order.trimmed:Trimmed",
    },
)
DIFFICULTIES: Registry[Any] = Registry(
    "difficulty",
    "homeostat.difficulties",
    {
        "given": f"{_HERE}.order.difficulty:Given",
        "length": f"{_HERE}.order.difficulty:Length",
        "loss": f"{_HERE}.order.difficulty:Loss",
        "rarity": f"{_HERE}.order.difficulty:Rarity",
    },
)
