"""Two adapters of one base that were really trained, each on a domain of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from homeostat.llm.load import open_model
from homeostat.train.transfer.product import Adapter
from train.transfer.adapters import Judge, both


@pytest.fixture(scope="session")
def domain_folders(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return both(llama, tmp_path_factory.mktemp("domains"))


@pytest.fixture(scope="session")
def domains(domain_folders: list[Path]) -> list[Adapter]:
    return [Adapter.read(folder) for folder in domain_folders]


@pytest.fixture
def judge(llama: Path) -> Judge:
    return Judge(open_model(str(llama)))
