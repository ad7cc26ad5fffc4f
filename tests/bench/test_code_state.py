"""What was kept is of one state of the code."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from code_state import ROOMS, code


def test_any_file_of_the_rooms_is_another_state(tmp_path: Path) -> None:
    """A change in a folder within, a file that is moved or added: each is another state; what lies elsewhere is not."""

    def state(**files: str) -> str:
        room = tmp_path / str(len(list(tmp_path.iterdir())))
        for name, said in files.items():
            path = room / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(said, encoding="utf-8")
        return code(ROOMS, room)

    begun = state(llm__forward="1", train__adapt__lora="2", cli__main="3")
    assert state(llm__forward="1", train__adapt__lora="2", cli__main="4") == begun
    others = [
        state(llm__forward="1", train__adapt__lora="3"),
        state(llm__forward="2", train__adapt__lora="2"),
        state(llm__forward="1", train__lora="2"),
        state(llm__forward="1", train__adapt__lora="2", train__step=""),
    ]
    assert len({begun, *others}) == 5


def test_the_state_is_that_of_the_library() -> None:
    """It is told of the code that runs, and is the same however often it is asked."""
    assert code() == code(ROOMS)
    assert code() != code(("types",))
