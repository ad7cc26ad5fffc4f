"""File, environment and `--set`, in this order; paths and labels beside the file."""

from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.config.load import load
from homeostat.config.schema import Config, Decide
from homeostat.errors import NoProject, NotText, UnknownKey, WrongType

FIVE_LINES = """\
project: support
model: {base: HuggingFaceTB/SmolLM2-135M-Instruct}
tasks:
  support-routing: {metric: accuracy, labels: labels.txt}
gateway: {port: 8401}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a `homeostat.yaml` and a file of labels."""
    (tmp_path / "homeostat.yaml").write_text(FIVE_LINES)
    (tmp_path / "labels.txt").write_text("refund\n\n  order status \nmüde\n", encoding="utf-8")
    return tmp_path


def set_(project: Path, *overrides: str) -> Config:
    return load(project, overrides, environ={})


def test_five_lines(project: Path) -> None:
    """Five lines are a whole file; a folder stands for the `homeostat.yaml` in it."""
    config = load(project, environ={})
    assert config == load(project / "homeostat.yaml", environ={})
    assert (config.project, config.gateway.port) == ("support", 8401)
    assert config.model.base == "HuggingFaceTB/SmolLM2-135M-Instruct"


def test_labels_are_read_into_the_task(project: Path) -> None:
    """The file of labels, beside `homeostat.yaml`, becomes the task's labels without blank lines."""
    assert set_(project).task("support-routing").labels == ("refund", "order status", "müde")


def test_places_lie_beside_the_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative paths do not depend on where the command is run."""
    (project / "base").mkdir()
    monkeypatch.chdir("/")
    config = set_(project, "store.blobs=b", "store.url=sqlite:///d.db", "model.base=base")
    assert config.folder == str(project / ".homeostat")
    assert (config.blobs, config.database) == (str(project / "b"), f"sqlite:///{project}/d.db")
    assert config.model.base == str(project / "base")
    assert set_(project, "store.blobs=s3://bucket/x").blobs == "s3://bucket/x"
    assert set_(project, "store.url=postgresql+psycopg://h/d").database == "postgresql+psycopg://h/d"


@pytest.mark.parametrize("name", ["served", "ngrams", "intfloat/e5-small", "https://host/v1#m"])
def test_an_embedding_backend_that_is_no_folder_is_left_as_it_is(project: Path, name: str) -> None:
    """Whoever opens it knows what a name stands for."""
    assert set_(project, f"monitor.embedding={name}").monitor.embedding == name


def test_a_folder_of_an_encoder_lies_beside_the_file(project: Path) -> None:
    """As a base does; one that looks like a hub name and is a folder there is the folder."""
    (project / "models" / "small").mkdir(parents=True)
    for name in ("./models/small", "models/small"):
        assert set_(project, f"monitor.embedding={name}").monitor.embedding == str(project / "models" / "small")
    assert set_(project, "monitor.embedding=models/other").monitor.embedding == "models/other"
    assert set_(project, "monitor.embedding=./nowhere").monitor.embedding == str(project / "nowhere")


def test_a_knob_that_there_was_says_what_to_do(project: Path) -> None:
    """And not which other one is spelled like it."""
    with pytest.raises(UnknownKey, match=r"unknown key 'bins' in monitor") as gone:
        set_(project, "monitor.bins=256")
    assert "512 bins" in gone.value.fix


def test_order_of_sources(project: Path) -> None:
    """The environment beats the file, `--set` beats the environment, and the last `--set` beats the first."""
    environ = {"HOMEOSTAT__GATEWAY__PORT": "1", "HOMEOSTAT__GATEWAY__HOST": "0.0.0.0", "HOME": "/root"}
    assert load(project, environ=environ).gateway.port == 1
    config = load(project, ["gateway.port=2", "gateway.port=3"], environ=environ)
    assert (config.gateway.port, config.gateway.host) == (3, "0.0.0.0")


def test_process_environment(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `environ`, the process's own environment counts."""
    monkeypatch.setenv("HOMEOSTAT__TRAIN__LR", "1e-3")
    assert load(project).train.lr == 1e-3


def test_environment_reaches_a_task_with_a_hyphen(project: Path) -> None:
    """A variable's name cannot hold a hyphen, so an underscore stands for it."""
    config = load(project, environ={"HOMEOSTAT__TASKS__SUPPORT_ROUTING__METRIC": "f1"})
    assert list(config.tasks) == ["support-routing"]
    assert config.tasks["support-routing"].metric == "f1"


def test_set_text_as_it_is(project: Path) -> None:
    """A text given by `--set` needs no quotes, whatever YAML would make of it."""
    config = set_(project, "tasks.support-routing.instruction=Route: @this, 100 % [now]", "project=2024")
    assert config.tasks["support-routing"].instruction == "Route: @this, 100 % [now]"
    assert config.project == "2024"


def test_a_task_has_decisions_of_its_own(project: Path) -> None:
    """What it names holds for it, what it does not name as for every task, and other tasks are as they were."""
    config = set_(
        project, "decide.min_labels=90", "decide.price_per_label=2", "tasks.replies.decide.value_per_correct=25"
    )
    assert config.tasks["replies"].decide == {"value_per_correct": 25.0}
    assert config.deciding("replies") == replace(config.decide, value_per_correct=25.0)
    assert config.deciding("support-routing") == config.decide == Decide(min_labels=90, price_per_label=2.0)


def test_set_lists_sections_and_new_tasks(project: Path) -> None:
    """A list, a whole section and a task that the file does not have can be given too."""
    config = set_(project, "train.attempts=[a, b]", "tasks.new.kind=text", "release={poll_s: 2}")
    assert config.train.attempts == ("a", "b")
    assert config.task("new").metric == "chrf"
    assert config.release.poll_s == 2.0


def test_set_changes_one_of_two_aliases(project: Path) -> None:
    """Tasks that share settings by an alias can be set apart."""
    (project / "homeostat.yaml").write_text("tasks:\n  a: &x {metric: f1}\n  b: *x\n")
    config = set_(project, "tasks.a.metric=accuracy")
    assert (config.tasks["a"].metric, config.tasks["b"].metric) == ("accuracy", "f1")


@pytest.mark.parametrize(
    ("override", "kind", "said"),
    [
        ("gateway.prot=1", UnknownKey, "unknown key 'prot' in gateway  (--set gateway.prot=1)"),
        ("gateway.port=x", WrongType, "got 'x'  (--set gateway.port=x)"),
        ("gateway.port=", WrongType, "got nothing"),
        ("gateway.port=[1", WrongType, "not YAML"),
        ("gateway.port", WrongType, "not of the form a.b=value"),
        ("gateway..port=1", WrongType, "not of the form a.b=value"),
        ("gateway.port.x=1", WrongType, "gateway.port must be a whole number, got keys and values"),
        ("tasks.support-routing.labels=gone.txt", WrongType, "names a file that is not there: gone.txt"),
        ("tasks.a@b.kind=text", WrongType, "'a@b' cannot name a task"),
    ],
)
def test_wrong_override(project: Path, override: str, kind: type[Exception], said: str) -> None:
    """A wrong override is refused with the text that was given."""
    with pytest.raises(kind) as caught:
        set_(project, override)
    assert said in str(caught.value)


def test_wrong_variable_names_itself(project: Path) -> None:
    """A misspelled variable is an error, not silence."""
    with pytest.raises(UnknownKey) as caught:
        load(project, environ={"HOMEOSTAT__GATEWAY__PRT": "1"})
    assert caught.value.where == "environment variable HOMEOSTAT__GATEWAY__PRT"


def test_no_file(tmp_path: Path) -> None:
    """A folder without `homeostat.yaml` says how to get one."""
    for path in (tmp_path, tmp_path / "x.yaml", tmp_path / "gone" / "homeostat.yaml"):
        with pytest.raises(NoProject, match="homeostat init"):
            load(path, environ={})


def test_not_utf8(project: Path) -> None:
    """A file in another encoding, the labels' too, is refused with its line."""
    (project / "labels.txt").write_bytes("gut\nmüde".encode("latin-1"))
    with pytest.raises(NotText, match=r"labels\.txt line 2"):
        set_(project)
    (project / "homeostat.yaml").write_bytes("project: x".encode("utf-16"))
    with pytest.raises(NotText, match=r"homeostat\.yaml line 1"):
        set_(project)


def test_byte_order_mark(project: Path) -> None:
    """A byte order mark, as some editors write it, does no harm."""
    (project / "homeostat.yaml").write_bytes(b"\xef\xbb\xbfproject: x\n")
    assert set_(project).project == "x"


def test_a_base_behind_a_server(tmp_path: Path) -> None:
    """Where it answers and what is trained on are told apart; a folder behind the `#` lies beside the file."""
    (tmp_path / "mine").mkdir()
    file = tmp_path / "homeostat.yaml"
    file.write_text("model:\n  base: http://gpu-1:8000/v1#mine\n")
    model = load(file).model
    assert (model.server, model.weights) == ("http://gpu-1:8000", str(tmp_path.resolve() / "mine"))
    file.write_text("model:\n  base: builtin\n")
    assert (load(file).model.server, load(file).model.weights) == ("", "builtin")


@pytest.mark.parametrize("base", ["http://gpu-1:8000", "https://gpu-1:8000#", "http://me:secret@gpu-1:8000#builtin"])
def test_a_server_without_a_base_or_with_a_password(tmp_path: Path, base: str) -> None:
    """It is said how to write it, and the password is not repeated."""
    file = tmp_path / "homeostat.yaml"
    file.write_text(f"model:\n  base: {base}\n")
    with pytest.raises(WrongType, match="not an address and a base") as refused:
        load(file)
    assert "VLLM_API_KEY" in refused.value.fix
    assert "secret" not in str(refused.value)


def test_values_are_named_after_the_flag_that_gave_them(project: Path) -> None:
    """`--set` unless another one did."""
    for given, flag in (({}, "--set"), ({"flag": "--what-if"}, "--what-if")):
        with pytest.raises(WrongType) as refused:
            load(project, ["gateway.port=x"], **given)
        assert refused.value.where == f"{flag} gateway.port=x"
        with pytest.raises(WrongType) as refused:
            load(project, ["gateway.port"], **given)
        assert refused.value.where == f"{flag} gateway.port"
