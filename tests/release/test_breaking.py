"""A fault is written where everybody sees it, and befalls the requests that it is about."""

from homeostat.release.breaking import BIASED, ERRORING, SABOTAGED, SLOW, Fault, fault_of, recipe
from homeostat.types.version import Version

VERSION = Version(id="ver_1", task="routing", time=0.0, base="builtin")
SHOP = {"segment": "shop"}


def version(fault: Fault) -> Version:
    return Version(id="ver_1", task="routing", time=0.0, base="builtin", recipe=recipe(fault))


def test_a_fault_comes_back_from_its_recipe() -> None:
    """Every kind that is committed where it is served; a sabotaged version is broken in its weights."""
    for fault in (
        Fault(kind=SLOW),
        Fault(kind=ERRORING, share=0.25),
        Fault(kind=BIASED, share=0.2, slice=("segment", "a=b")),
    ):
        assert version(fault).broken
        assert fault_of(version(fault)) == fault
    sabotaged = version(Fault(kind=SABOTAGED))
    assert sabotaged.broken
    assert fault_of(sabotaged) is None
    assert not VERSION.broken
    assert fault_of(VERSION) is None


def test_whom_a_fault_befalls() -> None:
    """A share of the texts, always the same; of a biased version only in its slice, of a slow one everybody."""
    texts = [f"text {k}" for k in range(400)]
    erring, biased = Fault(kind=ERRORING, share=0.25), Fault(kind=BIASED, share=0.25, slice=("segment", "shop"))
    befallen = [text for text in texts if erring.befalls("ver_1", text, {})]
    assert 60 <= len(befallen) <= 140
    assert befallen == [text for text in texts if biased.befalls("ver_1", text, SHOP)]
    assert befallen != [text for text in texts if erring.befalls("ver_2", text, {})]
    assert not any(biased.befalls("ver_1", text, {"segment": "home"}) for text in texts)
    assert all(Fault(kind=SLOW).befalls("ver_1", text, {}) for text in texts)
