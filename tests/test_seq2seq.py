"""Seq2seq summarizers: tiny BART, T5 and LED models with random weights, made here.

What such models say means nothing; that it is the same alone and in company, that every text fits
the model, and what is refused, are the point.
"""

import json
import shutil
import subprocess
import sys

import pytest
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from hier.errors import MissingExtraError, SummarizerError
from hier.summarizers.seq2seq import Seq2Seq, _judge
from hier.summarizers.seq2seq_model import Decoded

WINDOW, OUTPUT = 64, 12
WORDS = "river stone market doctor engine violin harvest letter winter copper 12 45 1984".split()


def sentence(number: int) -> str:
    words = [WORDS[(number * 7 + step * (number % 5 + 1)) % len(WORDS)] for step in range(9)]
    return " ".join(words).capitalize() + "."


def text(first: int, sentences: int) -> str:
    return " ".join(sentence(number) for number in range(first, first + sentences))


SHORT = [text(number, 1 + number % 5) for number in range(11)]
LONG = text(100, 30)


def save_tokenizer(folder) -> None:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    specials = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([text(0, 50)], trainer)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>",
        unk_token="<unk>", model_max_length=WINDOW,
    ).save_pretrained(folder)  # fmt: skip


SMALL = {
    "vocab_size": 400, "d_model": 16, "encoder_layers": 1, "decoder_layers": 1,
    "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 16,
    "decoder_ffn_dim": 16, "bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2,
    "decoder_start_token_id": 2, "init_std": 2.0,
}  # fmt: skip
MODELS = {
    "bart": lambda: transformers.BartForConditionalGeneration(
        transformers.BartConfig(**SMALL, max_position_embeddings=WINDOW, forced_eos_token_id=2)
    ),
    "t5": lambda: transformers.T5ForConditionalGeneration(
        transformers.T5Config(
            vocab_size=400, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2,
            pad_token_id=1, eos_token_id=2, decoder_start_token_id=1, n_positions=WINDOW,
            task_specific_params={"summarization": {"prefix": "harvest: ", "num_beams": 3}},
        )
    ),
    "led": lambda: transformers.LEDForConditionalGeneration(
        transformers.LEDConfig(
            **SMALL, attention_window=[8], max_encoder_position_embeddings=WINDOW,
            max_decoder_position_embeddings=2 * OUTPUT, num_beams=2,
        )
    ),
}  # fmt: skip


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """One folder a model."""
    root = tmp_path_factory.mktemp("seq2seq")
    for name, make in MODELS.items():
        torch.manual_seed(5)
        model = make()
        # Random weights would never come to an end.
        model.generation_config.exponential_decay_length_penalty = (4, 3.0)
        model.save_pretrained(root / name)
        save_tokenizer(root / name)
    return root


@pytest.fixture(scope="session", params=sorted(MODELS))
def folder(request, folders):
    return folders / request.param


def written(writer, texts):
    """Everything a writer hands out, by index, and what it recorded."""
    found, calls = {}, []

    def done(index, summary):
        assert index not in found
        found[index] = summary

    writer.write(texts, done, calls.append)
    assert sorted(found) == list(range(len(texts)))
    return [found[index] for index in range(len(texts))], calls


def test_company_and_order_do_not_matter(folder):
    writer = Seq2Seq(folder, batch=4, device="cpu", output=OUTPUT)
    together, _ = written(writer, [*SHORT, LONG])
    assert together == [written(writer, [one])[0][0] for one in [*SHORT, LONG]]
    assert together[::-1] == written(writer, [LONG, *SHORT[::-1]])[0]
    other = Seq2Seq(folder, batch=1, device="cpu", output=OUTPUT)
    assert together == written(other, [*SHORT, LONG])[0]
    assert sum(not one.fault for one in together) > len(SHORT) // 2


def test_replies_are_those_of_the_library(folder):
    writer = Seq2Seq(folder, device="cpu", output=OUTPUT)
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    t5 = folder.name == "t5"
    for one, summary in zip(SHORT, written(writer, SHORT)[0], strict=True):
        read = tokenizer("harvest: " * t5 + one, return_tensors="pt")["input_ids"]
        special = {"num_beams": 3} if t5 else {}
        if folder.name == "led":
            special["global_attention_mask"] = torch.eye(1, read.shape[1], dtype=torch.long)
        row = model.generate(
            read, attention_mask=torch.ones_like(read), max_new_tokens=OUTPUT, **special
        )
        assert summary.call.input == read.shape[1]
        assert summary.text == tokenizer.decode(row[0], skip_special_tokens=True).strip()


def test_long_texts_are_read_in_parts_that_fit_and_are_summarised_again(folder):
    writer = Seq2Seq(folder, batch=3, device="cpu", output=OUTPUT)
    parts = writer._parts(LONG)
    assert " ".join(parts) == LONG
    assert all(part.endswith(".") for part in parts), "cut where sentences end"
    read = []
    writer._model._model.get_encoder().register_forward_pre_hook(
        lambda module, arguments, given: read.append((arguments or (given["input_ids"],))[0].shape),
        with_kwargs=True,
    )
    (summary,), (call,) = written(writer, [LONG])
    assert max(length for _, length in read) <= WINDOW
    assert sum(rows for rows, _ in read) > len(parts), "and once more, joined"
    assert call.input > writer._model.count(LONG)
    assert call.output >= len(parts)
    assert call == summary.call
    assert (call.purpose, call.model, call.told) == ("indexing", folder.name, True)
    assert len(summary.text) < 20 * OUTPUT


@pytest.mark.parametrize(
    "one", ["x" * 3000, "word " * 900, "猫" * 700, "a\ud800b " * 300, "</s> " * 200]
)
def test_any_text_fits(folders, one):
    writer = Seq2Seq(folders / "bart", device="cpu", output=OUTPUT)
    parts = writer._parts(one)
    assert "".join("".join(parts).split()) == "".join(one.split())
    assert all(writer._model.count(part) <= WINDOW for part in parts)
    written(writer, [one])


def test_blank_texts_are_not_sent(folders):
    writer = Seq2Seq(folders / "bart", device="cpu", output=OUTPUT)
    found, calls = written(writer, ["", " \n"])
    assert [one.fault for one in found] == ["empty", "empty"]
    assert calls == []


def test_a_prefix_of_ones_own_stands_before_each_text(folders):
    plain = Seq2Seq(folders / "bart", device="cpu", output=OUTPUT)
    asked = Seq2Seq(folders / "bart", device="cpu", output=OUTPUT, prefix="river: ")
    assert written(asked, SHORT)[0] == written(plain, ["river: " + one for one in SHORT])[0]
    assert plain.identity != asked.identity


LONGER = "a text that is longer than any of these summaries"


@pytest.mark.parametrize(
    ("said", "whole", "summary", "fault"),
    [
        ("All of it.", True, "All of it.", ""),
        ("no mark", True, "no mark", ""),
        ("", True, "", "empty"),
        ("no mark", False, "", "cut off"),
        ("One thing. And", False, "One thing.", ""),
        ('He said "no." And', False, 'He said "no."', ""),
        ("It is 3.", False, "", "cut off"),
        ("猫。犬", False, "猫。", ""),
        (LONGER + LONGER, True, "", "too long"),
    ],
)
def test_faults(said, whole, summary, fault):
    assert _judge(Decoded(said, 9, whole), LONGER) == (summary, fault)


def test_a_summary_that_was_cut_off_has_a_fault(folders, tmp_path):
    endless = shutil.copytree(folders / "bart", tmp_path / "endless")
    path = endless / "generation_config.json"
    settings = json.loads(path.read_text())
    del settings["exponential_decay_length_penalty"]
    path.write_text(json.dumps(settings))
    found, calls = written(Seq2Seq(endless, device="cpu", output=OUTPUT), SHORT)
    assert {one.fault for one in found} == {"cut off"}
    assert {call.outcome for call in calls} == {"cut off"}


def test_the_identity_is_that_of_the_content(folders, tmp_path):
    def identity(folder, **options):
        return Seq2Seq(folder, **{"device": "cpu", "output": OUTPUT} | options).identity

    here = identity(folders / "bart")
    copy = shutil.copytree(folders / "bart", tmp_path / "bart")
    assert identity(copy, batch=3) == here
    assert identity(copy, output=9) != here
    torch.manual_seed(6)
    MODELS["bart"]().save_pretrained(copy)
    shutil.copy(folders / "bart" / "generation_config.json", copy)
    assert identity(copy) != here, "trained anew under the same name"


def test_folders_that_hold_no_such_model_are_refused(folders, tmp_path):
    def refused(folder, says, **options):
        with pytest.raises(SummarizerError, match=says) as caught:
            written(Seq2Seq(folder, **{"device": "cpu", "output": OUTPUT} | options), SHORT)
        assert "\n" not in str(caught.value)

    refused(tmp_path / "nowhere" / "at" / "all", "there is no folder")
    refused(tmp_path, "holds no model")
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    refused(tmp_path, r"type gpt2\) is no encoder-decoder")
    (tmp_path / "config.json").write_text("[]")
    refused(tmp_path, "is no encoder-decoder")
    copy = shutil.copytree(folders / "bart", tmp_path / "bart")
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    refused(copy, "the model in .* cannot be read")
    weights.unlink()
    refused(copy, "no weights")
    (copy / "pytorch_model.bin").write_bytes(b"")
    refused(copy, "unpickles nothing")
    refused(folders / "bart", "give 2 to 32", output=33)
    refused(folders / "bart", "give 2 to 32", output=1)
    refused(folders / "led", "give 2 to 23", output=24)
    refused(folders / "bart", "shorten it", prefix="river " * 40)
    refused(folders / "bart", "batch=0", batch=0)
    refused(folders / "bart", "cannot be read", device="nowhere")


def test_a_model_that_is_nowhere_is_a_clear_error(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(SummarizerError, match="nobody-of-this-name/bart is not on this machine"):
        Seq2Seq("nobody-of-this-name/bart")


@pytest.mark.parametrize("library", ["torch", "transformers"])
def test_the_missing_library_is_named(library, folders, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'hier-context\[neural\]'"):
        Seq2Seq(folders / "bart")


def test_importing_the_module_leaves_the_libraries_alone(tmp_path):
    code = (
        "import sys, hier.summarizers.seq2seq\n"
        "print({'torch', 'transformers', 'tokenizers', 'huggingface_hub'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
