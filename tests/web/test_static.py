"""The stylesheet keeps what DESIGN.md promises."""

from __future__ import annotations

import re
from pathlib import Path

import homeostat.web
from homeostat.web.environment import stylesheet

HERE = Path(homeostat.web.__file__).parent


def palettes() -> list[dict[str, str]]:
    """The tokens of the light page and of the dark one."""
    blocks = re.findall(r":root \{(.*?)\}", stylesheet(), flags=re.DOTALL)[:2]
    return [dict(re.findall(r"--(\w+): (#[0-9a-f]{6,8})", block)) for block in blocks]


def luminance(color: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    channels = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_can_be_read_on_both_papers() -> None:
    """Every color that words are set in has a contrast of at least 4.5 to 1, lines of charts at least 3 to 1."""
    for palette in palettes():
        for name in ("ink", "quiet", "accent", "alarm", "good"):
            assert contrast(palette[name], palette["paper"]) >= 4.5, name
        assert contrast(palette["slate"], palette["paper"]) >= 3.0


def test_the_dark_page_names_every_color_of_the_light_one() -> None:
    """No color is left over from the light page in the dark."""
    light, dark = palettes()
    assert light.keys() == dark.keys()


def test_colors_are_tokens() -> None:
    """No color is written anywhere but where the tokens are."""
    rules = stylesheet().split("/* Page */")[1]
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", rules) == []


def test_every_token_has_its_words() -> None:
    """DESIGN.md says what each token is for."""
    text = (HERE / "DESIGN.md").read_text("utf-8")
    for token in re.findall(r"^  (--[\w-]+):", stylesheet(), flags=re.MULTILINE):
        assert f"`{token}`" in text, token
