"""Running the gateway of a project."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import openai
import pytest

from homeostat.config.schema import Config, Gateway
from homeostat.errors import PortInUse
from homeostat.gateway.run import serve
from homeostat.store import Store
from homeostat.types.release import Stage
from homeostat.types.version import Version
from keywords import release


def test_a_port_in_use_is_said_before_anything_else_is_started(tmp_path: Path) -> None:
    """The error names the port; no store was made, no model looked for."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        config = Config(folder=str(tmp_path / "project"), gateway=Gateway(port=port))
        with pytest.raises(PortInUse, match=f"port {port} is in use") as caught:
            serve(config, print)
    assert caught.value.exit == 51
    assert not (tmp_path / "project").exists()


SERVE = """
import sys
from homeostat.config.load import load
from homeostat.gateway.run import serve

serve(load(sys.argv[1]), lambda address: print(address, flush=True))
"""


@pytest.mark.slow
def test_a_project_is_served_by_the_built_in_model_until_it_is_told_to_stop(tmp_path: Path) -> None:
    """The bare base replies with one of its labels and with text; SIGTERM ends the process in order."""
    (tmp_path / "homeostat.yaml").write_text(
        "gateway: {port: 0, durable: false}\ntasks:\n  routing: {labels: [refund, delivery]}\n  replies: {kind: text}\n"
    )
    store = Store.open(f"sqlite:///{tmp_path / '.homeostat' / 'homeostat.db'}", tmp_path / ".homeostat" / "blobs")
    for task, labels in (("routing", ("refund", "delivery")), ("replies", ())):
        version = Version(id=f"ver_{task}", task=task, time=0.0, base="builtin", kind="base", labels=labels)
        store.versions.put(version)
        release(store, Stage.FULL, version)
    command = [sys.executable, "-c", SERVE, str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    with openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client:
        message = {"role": "user", "content": "my parcel has not come, I want my money back"}
        label = client.chat.completions.create(model="routing", messages=[message])
        text = client.chat.completions.create(model="replies", messages=[message], max_tokens=6)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert label.choices[0].message.content in ("refund", "delivery")
    assert store.interactions.get(label.id).embedding
    assert 1 <= text.usage.completion_tokens <= 6
    assert store.verify() == []
    store.close()


@pytest.mark.slow
def test_a_project_that_others_can_reach_asks_for_a_key(tmp_path: Path) -> None:
    """It is made at the first start, its file is named and the key itself is not, and requests need it."""
    (tmp_path / "homeostat.yaml").write_text(
        "gateway: {host: 0.0.0.0, port: 0}\ntasks:\n  routing: {labels: [refund, delivery]}\n"
    )
    command = [sys.executable, "-c", SERVE, str(tmp_path)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert process.stdout is not None
    address = process.stdout.readline().strip().replace("0.0.0.0", "127.0.0.1")
    file = tmp_path / ".homeostat" / "keys" / "gateway"
    key = file.read_text().strip()
    assert httpx.get(f"{address}/v1/models").status_code == 401
    assert httpx.get(f"{address}/v1/models", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert str(file) in said
    assert key not in said
