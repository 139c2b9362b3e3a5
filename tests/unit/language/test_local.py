"""The transformers engine: a tiny model made here, its adapter, and what is wrong with either."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest

from inspector.domain import Box, InspectionReport, LanguageError, ModelError
from inspector.language import ReportAuthor
from inspector.language.brief import briefs_of
from inspector.language.checker import check_sentence
from inspector.language.corpus import random_sentence
from inspector.language.distil import distil, drawn_tasks
from inspector.language.engine import Request
from inspector.language.examples import read_examples
from inspector.runtime.wiring.teacher import build_teacher
from tests.support.screen import part

torch = pytest.importorskip("torch", reason="the extra `language` is not installed")
transformers = pytest.importorskip("transformers", reason="the extra `language` is not installed")

from inspector.language.local import TransformersEngine  # noqa: E402 - loads torch

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GPT-2 of random weights that reads and writes bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    folder = tmp_path_factory.mktemp("tiny")
    signs = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={sign: number for number, sign in enumerate([*signs, "<end>"])}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>")  # noqa: S106 - a token
    fast.save_pretrained(str(folder))
    torch.manual_seed(1)
    shape = transformers.GPT2Config(
        vocab_size=len(fast), n_positions=16384, n_embd=16, n_layer=1, n_head=1, bos_token_id=None, eos_token_id=256
    )
    transformers.GPT2LMHeadModel(shape).save_pretrained(str(folder))
    return folder


@pytest.fixture
def report() -> InspectionReport:
    spur = ("spur", 0.97, Box(100, 100, 120, 110))
    return part(17, None, boxes=[spur], limits={0: ("above_usl", 0.35)}, zones={0: "connector"}).report


@pytest.fixture
def requests(report: InspectionReport) -> list[Request]:
    briefs = briefs_of(report)
    assert briefs is not None
    return [Request(brief, "en") for brief in briefs]


def write(engine: TransformersEngine, requests: list[Request], seconds: float) -> list[str]:
    return engine.write(requests, until=time.monotonic() + seconds, seed=1, attempt=0)


class Scripted:
    """A model that says this, whatever it is asked; it keeps what it was shown."""

    def __init__(self, folder: Path, text: str) -> None:
        self.config = transformers.AutoConfig.from_pretrained(str(folder))
        self._tokens = transformers.AutoTokenizer.from_pretrained(str(folder))(text, return_tensors="pt")["input_ids"]
        self.shown: Any = None

    def to(self, device: str) -> Scripted:
        return self

    def eval(self) -> Scripted:
        return self

    def generate(self, *, input_ids: Any, **_options: Any) -> Any:
        self.shown = input_ids
        return torch.cat([input_ids, self._tokens], dim=1)


def scripted(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> tuple[TransformersEngine, Scripted]:
    model = Scripted(folder, text)
    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", lambda *_args, **_options: model)
    return TransformersEngine(str(folder)), model


def test_what_a_model_writes_right_is_taken_and_no_figure_is_shown_to_it(
    monkeypatch: pytest.MonkeyPatch, tiny: Path, requests: list[Request]
) -> None:
    rng = random.Random(1)
    sentences = [random_sentence(item.brief, item.language, rng) for item in requests]
    answer = f"```json\n{json.dumps({'sentences': sentences})}\n``` Anything else? {{}}"
    engine, model = scripted(monkeypatch, tiny, answer)
    written = write(engine, requests, 60)
    assert written == sentences
    assert not any(
        check_sentence(item.brief, text, item.language) for item, text in zip(requests, written, strict=True)
    )
    shown = transformers.AutoTokenizer.from_pretrained(str(tiny)).decode(model.shown[0])
    assert "OVER the upper limit" in shown
    assert not {"0.417", "0.35", "connector", "PCB-000017"} & set(shown.replace(",", " ").split())


def test_it_teaches_what_it_writes_right(monkeypatch: pytest.MonkeyPatch, tiny: Path, tmp_path: Path) -> None:
    rng, out = random.Random(1), tmp_path / "examples.jsonl"
    sentences = [random_sentence(task.brief, task.language, rng) for task in drawn_tasks(4, 1)]
    model = Scripted(tiny, json.dumps({"sentences": [*sentences[:3], "It weighs 3 kg."]}))
    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", lambda *_args, **_options: model)
    distil(build_teacher(str(tiny)), out, briefs=4)
    found = read_examples(out)
    assert [example.text for example in found.accepted] == sentences[:3]
    assert {example.source for example in found.accepted} == {tiny.name}
    assert sum(found.refused.values()) == 1


@pytest.mark.parametrize(
    "text", ["", "<html>busy</html>", '{"sentences": ["one"]}', '{"sentences": [1, 2, 3]}', "[" * 4000]
)
def test_what_it_writes_wrong_is_an_error_of_the_engine(
    monkeypatch: pytest.MonkeyPatch, tiny: Path, requests: list[Request], text: str
) -> None:
    engine, _ = scripted(monkeypatch, tiny, text)
    with pytest.raises(LanguageError):
        write(engine, requests, 60)


def test_a_real_model_that_knows_nothing_costs_its_sentences_and_the_template_speaks(
    tiny: Path, report: InspectionReport
) -> None:
    author = ReportAuthor(TransformersEngine(str(tiny)), deadline_s=2.0)
    texts = author.compose(report, ["en", "zh"])
    assert {text.engine for text in texts.values()} == {"template"}
    assert {text.instead for text in texts.values()} <= {"late", "engine error"}
    assert "0.417 ± 0.033 mm" in texts["en"].text
    author.close()


def test_generation_ends_with_the_deadline(tiny: Path, requests: list[Request]) -> None:
    engine = TransformersEngine(str(tiny))
    with pytest.raises(LanguageError, match="in time"):
        write(engine, requests, -1)
    assert engine.write([], until=0, seed=1, attempt=0) == []
    engine.close()


def test_a_prompt_without_room_is_said(tiny: Path, tmp_path: Path, requests: list[Request]) -> None:
    transformers.AutoTokenizer.from_pretrained(str(tiny)).save_pretrained(str(tmp_path))
    shape = transformers.GPT2Config(vocab_size=257, n_positions=64, n_embd=16, n_layer=1, n_head=1)
    transformers.GPT2LMHeadModel(shape).save_pretrained(str(tmp_path))
    with pytest.raises(LanguageError, match="has room for 64 tokens"):
        write(TransformersEngine(str(tmp_path)), requests, 60)


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"language\.model: .*nowhere"):
        TransformersEngine(str(tmp_path / "nowhere"))
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError):
        TransformersEngine(str(tmp_path))


@pytest.mark.filterwarnings("ignore::FutureWarning")  # peft asks transformers by a name of before
def test_an_adapter_is_taught_and_then_written_with(tiny: Path, tmp_path: Path, requests: list[Request]) -> None:
    pytest.importorskip("peft", reason="the extra `language` is not installed")
    from inspector.language.lora import Lesson, train_adapter

    out = tmp_path / "adapter"
    lesson = Lesson(steps=8, batch=1, rank=4, rate=0.05)
    first, last = train_adapter(str(tiny), out, lesson=lesson, command="as tested")
    assert last < first
    assert (out / "adapter_model.safetensors").is_file()
    assert "base: " in (out / "card.yaml").read_text(encoding="utf-8")
    engine = TransformersEngine(str(tiny), adapter=out)
    assert engine.name.endswith(" with adapter")
    with pytest.raises(LanguageError):
        write(engine, requests, 1)
    with pytest.raises(ModelError):
        TransformersEngine(str(tiny), adapter=tmp_path / "nowhere")
