"""Names, lazily resolved, from the code and from installed packages."""

import math
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from homeostat.errors import BrokenPlugin, MissingExtra, TakenName, UnknownPlugin
from homeostat.plugin import Registry

Number = Callable[[float], float]


def install(folder: Path, name: str, lines: str) -> None:
    """Put a distribution with these entry points where Python looks for installed packages."""
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[homeostat.numbers]\n{lines}\n")


@pytest.fixture
def numbers() -> Registry[Number]:
    """A registry of functions of a number."""
    return Registry("number", "homeostat.numbers")


def test_name_resolves(numbers: Registry[Number]) -> None:
    """A name gives the attribute that it stands for, the same one each time."""
    numbers.add("root", "math:sqrt")
    assert numbers.get("root") is math.sqrt
    assert numbers.names() == ("root",)


def test_nothing_is_imported_before_it_is_asked_for(
    numbers: Registry[Number], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Adding and listing names imports no module; getting one imports it."""
    (tmp_path / "lazy_number.py").write_text("class Box:\n    twice = staticmethod(lambda x: 2 * x)\n")
    monkeypatch.syspath_prepend(tmp_path)
    numbers.add("twice", "lazy_number:Box.twice")
    assert numbers.names() == ("twice",)
    assert "lazy_number" not in sys.modules
    assert numbers.get("twice")(4) == 8


def test_unknown_name(numbers: Registry[Number]) -> None:
    """A name that nobody provides is answered with the nearest one."""
    numbers.add("root", "math:sqrt")
    with pytest.raises(UnknownPlugin, match="did you mean 'root'"):
        numbers.get("rout")


def test_installed_package_adds_a_name(
    numbers: Registry[Number], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installed distribution brings names by entry points of the registry's group."""
    install(tmp_path, "loud", "floor = math:floor")
    monkeypatch.syspath_prepend(tmp_path)
    assert numbers.get("floor") is math.floor


def test_what_packages_brought_is_told_apart(
    numbers: Registry[Number], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names that were there from the start are not among what installed packages have brought; nothing is imported."""
    install(tmp_path, "loud", "floor = no_such_module:floor")
    monkeypatch.syspath_prepend(tmp_path)
    numbers.add("root", "math:sqrt")
    assert numbers.brought() == ("floor",)
    assert numbers.names() == ("floor", "root")


def test_collision_names_both_parties(
    numbers: Registry[Number], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two packages that claim one name are refused, and the message names both."""
    install(tmp_path, "loud", "root = math:floor")
    monkeypatch.syspath_prepend(tmp_path)
    numbers.add("root", "math:sqrt")
    for _ in range(2):
        with pytest.raises(TakenName) as caught:
            numbers.names()
        assert "math:sqrt of homeostat and math:floor of loud" in caught.value.what


def test_same_offer_twice_is_no_collision(
    numbers: Registry[Number], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A distribution found in two places of the path, as editable installs are, provides its name once."""
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        install(tmp_path / place, "loud", "floor = math:floor")
        monkeypatch.syspath_prepend(tmp_path / place)
    numbers.add("root", "math:sqrt")
    numbers.add("root", "math:sqrt")
    assert numbers.names() == ("floor", "root")


@pytest.mark.parametrize("target", ["math", "math:", ":sqrt"])
def test_target_of_another_form(numbers: Registry[Number], target: str) -> None:
    """A target that is not `module:attribute` is refused when it is added."""
    with pytest.raises(BrokenPlugin, match="module:attribute"):
        numbers.add("root", target)


@pytest.mark.parametrize("target", ["no_such_module:x", "math:no_such_function"])
def test_broken_plugin(numbers: Registry[Number], target: str) -> None:
    """A plugin that cannot be loaded says whose it is, and is not called unknown."""
    numbers.add("root", target, by="loud")
    with pytest.raises(BrokenPlugin, match="of loud cannot be loaded"):
        numbers.get("root")


def test_missing_extra_passes_through(
    numbers: Registry[Number], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plugin that needs an optional package says what to install."""
    (tmp_path / "needy_number.py").write_text(
        "from homeostat.extras import require\nrequire('no_such_package', 'to count', extra='count')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    numbers.add("needy", "needy_number:x")
    with pytest.raises(MissingExtra, match=r"homeostat\[count\]"):
        numbers.get("needy")


def test_frozen(numbers: Registry[Number]) -> None:
    """After freezing, known names still resolve and no new one comes in."""
    numbers.add("root", "math:sqrt")
    numbers.freeze()
    numbers.add("root", "math:sqrt")
    with pytest.raises(BrokenPlugin, match="after the names were closed"):
        numbers.add("floor", "math:floor")
    assert numbers.get("root") is math.sqrt
