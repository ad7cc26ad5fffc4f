"""Values of every type, right and wrong, with the line of what is wrong."""

from dataclasses import dataclass

import pytest

from homeostat.config.decode import compose, decode
from homeostat.config.schema import Config, Tasks, Train, knob
from homeostat.errors import HomeostatError, UnknownKey, WrongType
from homeostat.types.task import Kind


def read(text: str) -> Config:
    return decode(Config, compose(text, "homeostat.yaml"))


def test_nothing_gives_the_defaults() -> None:
    """An empty file, a comment and an empty section all leave every default."""
    assert read("") == read("# nothing\n") == read("gateway:\n") == Config()


def test_every_type() -> None:
    """Text, whole numbers, numbers, flags, choices, lists and optional numbers are read as what they are."""
    config = read(
        """
        project: support
        gateway: {port: 9_000, trust_client_time: yes}
        train: {lr: 2e-4, kl: 1, attempts: [naive, careful]}
        tasks:
          replies: {kind: text, objective_at_least: 0.5}
          routing: {objective_at_least: null, labels: ["yes", "no"]}
        """
    )
    assert (config.project, config.gateway.port, config.gateway.trust_client_time) == ("support", 9000, True)
    assert (config.train.lr, config.train.kl, config.train.attempts) == (2e-4, 1.0, ("naive", "careful"))
    assert config.tasks["replies"] == Tasks(kind=Kind.TEXT, objective_at_least=0.5)
    assert config.tasks["routing"] == Tasks(labels=("yes", "no"))


def test_one_number_is_a_list_of_one() -> None:
    """Where several numbers may stand; each of them is held to the limits."""
    assert read("release: {canary_share: 0.3}").release.canary_share == (0.3,)
    assert read("release: {canary_share: [0.01, 0.2]}").release.ramp == (0.01, 0.2)
    for given in ("1.5", "[0.1, 1.5]", "[-0.1]"):
        with pytest.raises(WrongType, match="canary_share must be at"):
            read(f"release: {{canary_share: {given}}}")
    with pytest.raises(WrongType, match="must be a number"):
        read("release: {canary_share: [much]}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\n\ngateway: {prot: 1}", "unknown key 'prot' in gateway  (homeostat.yaml line 3)"),
        ("a: 1\n", "unknown key 'a'  (homeostat.yaml line 1)"),
        ("tasks:\n  x:\n    lables: a\n", "unknown key 'lables' in tasks.x  (homeostat.yaml line 3)"),
        ("tasks:\n  x:\n    decide: {labels: 1}\n", "unknown key 'labels' in tasks.x.decide  (homeostat.yaml line 3)"),
    ],
)
def test_unknown_key(text: str, said: str) -> None:
    """A key that does not exist is refused with its section and line."""
    with pytest.raises(UnknownKey) as caught:
        read(text)
    assert said in str(caught.value)


def test_a_date_is_what_was_written() -> None:
    """Where anything may stand, a date needs no quotes."""
    tasks = read("tasks: {a: {objectives: {faster: {change: -15%, since: 2026-01-01, by: 2026-03-31}}}}").tasks
    assert tasks["a"].objectives["faster"] == {"change": "-15%", "since": "2026-01-01", "by": "2026-03-31"}


def test_unknown_key_names_the_nearest() -> None:
    """A misspelled key is answered with the one that was probably meant."""
    with pytest.raises(UnknownKey, match="did you mean 'port'"):
        read("gateway: {prot: 1}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gateway: {port: abc}", "gateway.port must be a whole number, got 'abc'"),
        ("gateway: {port: 1.5}", "gateway.port must be a whole number, got '1.5'"),
        ("gateway: {port: true}", "gateway.port must be a whole number, got 'true'"),
        ("gateway: {port: '80'}", "gateway.port must be a whole number, got '80'"),
        ("gateway: {port: 70000}", "gateway.port must be at most 65535, got '70000'"),
        ("gateway: {port: [1]}", "gateway.port must be a whole number, got a list"),
        ("gateway: {port: }", "gateway.port must be a whole number, got nothing"),
        ("gateway: {durable: 1}", "gateway.durable must be true or false, got '1'"),
        ("gateway: 3", "gateway must be keys and values, got '3'"),
        ("train: {lr: fast}", "train.lr must be a number, got 'fast'"),
        ("train: {lr: .inf}", "train.lr must be a number, got '.inf'"),
        ("train: {lr: inf}", "train.lr must be a finite number, got 'inf'"),
        ("train: {adapt: lore}", "train.adapt must be one of lora, full, got 'lore'"),
        ("train: {attempts: careful}", "train.attempts must be a list of texts, got 'careful'"),
        ("train: {attempts: [a, 1]}", "train.attempts[1] must be text, got '1'"),
        ("project: 2024", "project must be text, got '2024'"),
        ("project: {a: 1}", "project must be text, got keys and values"),
        ("tasks: {x: {decide: {cool_down_s: soon}}}", "tasks.x.decide.cool_down_s must be a number, got 'soon'"),
        ("tasks: {x: {decide: {min_labels: 0}}}", "tasks.x.decide.min_labels must be"),
        ("tasks: {x: {kind: lable}}", "tasks.x.kind must be one of label, text, got 'lable'"),
        ("tasks: [a]", "tasks must be keys and values, got a list"),
        ("- a", "the file must be keys and values, got a list"),
        ("? [a]\n: 1", "must be text, got a list"),
        ("train: {rank: 1, rank: 2}", "'rank' is given twice"),
        ("train: {rank: 1", "not YAML"),
        ("a: b: c", "not YAML"),
        ("a: \x01", "not YAML"),
        ("--- {}\n--- {}", "not YAML"),
        ("[" * 1500, "not YAML"),
    ],
)
def test_wrong_type(text: str, said: str) -> None:
    """A value that does not fit is refused with its name, what was wanted, what was got, and the file."""
    with pytest.raises(WrongType) as caught:
        read(text)
    assert said in str(caught.value)
    assert "homeostat.yaml" in caught.value.where


@pytest.mark.parametrize(
    ("text", "fix"),
    [("a: [{b: Where is it?, c: d}]", "in quotes"), ("a: [b?, c]", "in quotes"), ("a: b: c", "indentation")],
)
def test_a_question_in_braces_wants_quotes(text: str, fix: str) -> None:
    """Requests end with question marks, and what ends there in braces is the most frequent slip in a suite."""
    with pytest.raises(WrongType, match="not YAML") as caught:
        read(text)
    assert fix in caught.value.fix


def test_line_of_a_wrong_value() -> None:
    """The line is the value's own, also far down and inside a list."""
    with pytest.raises(WrongType) as caught:
        read("project: p\ntrain:\n  rank: 4\n  attempts:\n    - careful\n    - 7\n")
    assert caught.value.where == "homeostat.yaml line 6"


def test_unquoted_yes_in_a_list_of_labels() -> None:
    """YAML's `no` is not silently turned into something else: it has to be quoted, and the message says so."""
    with pytest.raises(WrongType, match='put it in quotes: "no"'):
        read("tasks: {x: {labels: [yes_please, no]}}")


def test_hostile_yaml_makes_no_objects() -> None:
    """A tag that would build a Python object is no knob's value."""
    with pytest.raises(HomeostatError):
        read("project: !!python/object/apply:os.system ['true']")


def test_anchor_shared_by_two_tasks() -> None:
    """An alias stands for the same settings again."""
    config = read("tasks:\n  a: &x {metric: f1}\n  b: *x\n")
    assert config.tasks["a"] == config.tasks["b"] == Tasks(metric="f1")


def test_decode_any_section() -> None:
    """A section can be decoded alone, as tests and notebooks do."""
    assert decode(Train, compose("rank: 4", "x"), "train") == Train(rank=4)


@dataclass(frozen=True, kw_only=True)
class Step:
    """An entry of a list."""

    name: str = ""
    weight: float = knob(1.0, least=0.0)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A list of entries, each of them keys and values."""

    steps: tuple[Step, ...] = ()


def test_a_list_of_entries() -> None:
    """Each with defaults of its own; what is wrong in one is told by its line."""
    found = decode(Recipe, compose("steps:\n- name: one\n- {name: two, weight: 3}\n-\n", "r.yaml"))
    assert found == Recipe(steps=(Step(name="one"), Step(name="two", weight=3.0), Step()))
    with pytest.raises(UnknownKey, match=r"r\.yaml line 3") as told:
        decode(Recipe, compose("steps:\n- name: one\n- {nam: two}\n", "r.yaml"))
    assert "name" in told.value.fix
    with pytest.raises(WrongType, match=r"steps\[0\]\.weight"):
        decode(Recipe, compose("steps: [{weight: -1}]", "r.yaml"))
    with pytest.raises(WrongType, match="a list"):
        decode(Recipe, compose("steps: {name: one}", "r.yaml"))
