"""Two adapters of one base that were really trained, each on a domain of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from homeostat.llm.load import open_model
from homeostat.train.transfer.product import Adapter
from train.transfer.adapters import DOMAINS, Judge, learned


@pytest.fixture(scope="session")
def domain_folders(llama: Path, draw: int, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folders = [tmp_path_factory.mktemp(labels[0]) for labels in DOMAINS]
    return [
        learned(llama, folder, labels, seed=10 * draw + k)
        for k, (folder, labels) in enumerate(zip(folders, DOMAINS, strict=True))
    ]


@pytest.fixture(scope="session")
def domains(domain_folders: list[Path]) -> list[Adapter]:
    return [Adapter.read(folder) for folder in domain_folders]


@pytest.fixture
def judge(llama: Path) -> Judge:
    return Judge(open_model(str(llama)))
