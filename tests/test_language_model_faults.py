"""Language models at their worst: faults in a seeded order, bad models, and how calls end."""

import asyncio
import gc
import itertools
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest
from model_replies import FAULTS
from talks import Talk, chat, conversation, ollama, openai, plain, tasks

import hier
from hier.summarizers.language_model import LanguageModel
from hier.summarizers.providers import load_model


@pytest.mark.parametrize("make", [openai, ollama])
@pytest.mark.parametrize("seed", range(2))
def test_faults_on_the_way_change_no_reply(make, seed, model_server):
    expected = Talk(make(model_server), 30).replies
    passing = list(FAULTS[:5])
    model_server.configure(faults=passing, seed=seed, share=0.6, slow=2.0, retry_after=0.02)
    talk = Talk(make(model_server, timeout=1.0), 30)
    stats = model_server.stats()
    assert talk.replies == expected
    assert len(talk.calls) == stats["calls"]
    found = Counter(call.outcome for call in talk.calls)
    assert found["reply"] == 30
    assert found["rate limit"] == stats["faults"]["rate limit"]
    assert found["server error 500"] == stats["faults"]["error"]
    assert found["timeout"] == stats["faults"]["slow"]
    broken = stats["faults"]["cut"] + stats["faults"]["malformed"]
    assert found["connection"] + found["malformed"] == broken
    assert talk.told("input") == stats["input"]


def test_a_stream_that_breaks_off_is_shown_once(model_server):
    expected = chat(openai(model_server)).text
    model_server.configure(faults=["cut"], share=1.0)
    pieces, calls = [], []
    reply = chat(openai(model_server), calls.append, on_text=pieces.append)
    assert "".join(pieces).strip() == reply.text == expected
    assert [call.outcome for call in calls] == ["connection", "connection", "reply"]


@pytest.mark.parametrize("header", ["0.6", "date"])
def test_while_one_call_is_told_to_wait_none_starts(header, model_server):
    wait = 0.6 if header == "0.6" else 2
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + wait + 1))
    model_server.configure(
        faults=["rate limit"], share=1.0, retry_after=date if header == "date" else header
    )
    talk = Talk(openai(model_server, in_flight=2, attempts=1), 4)
    assert len(talk.replies) == 4  # waits that are asked for use up no attempt
    times = model_server.stats()["times"]
    gaps = [later - sooner for sooner, later in itertools.pairwise(times)]
    assert max(gaps) >= (wait if header == "0.6" else 1) * 0.9


def test_a_wait_too_long_is_an_error(model_server):
    model_server.configure(faults=["rate limit"], share=1.0, retry_after=4000)
    with pytest.raises(hier.ModelError, match=r"it asks to wait 4,000 seconds"):
        chat(openai(model_server))


def test_calls_a_minute_are_spread(model_server):
    assert Talk(openai(model_server, calls_per_minute=1200), 10).seconds >= 9 * 0.05


def test_attempts_are_used_up(model_server):
    model_server.configure(faults=["error"], share=1.0)
    calls = []
    with pytest.raises(hier.ModelError, match=r"test-model at http.*status 500.*more attempts"):
        chat(openai(model_server, attempts=2), calls.append)
    assert [call.outcome for call in calls] == ["server error 500"] * 2


def test_a_reply_with_a_fault_is_asked_for_again_at_most_twice(model_server):
    seen = Counter()

    def fault(i, reply):
        seen[i] += 1
        return "" if seen[i] > i else "dull"

    talk = Talk(openai(model_server), 5, fault)
    assert dict(seen) == {0: 1, 1: 2, 2: 3, 3: 3, 4: 3}
    assert talk.faults == {"": 3, "dull": 2}
    assert Counter(call.outcome for call in talk.calls) == {"reply": 3, "dull": 9}
    said = [request["messages"][-1]["content"] for request in model_server.requests()]
    assert sum("(Your last reply could not be used: it was dull" in text for text in said) == 7


def test_an_empty_reply_is_asked_for_again(model_server):
    model_server.configure(faults=["empty"], share=1.0)
    calls = []
    assert chat(openai(model_server), calls.append).text
    assert [call.outcome for call in calls] == ["empty", "empty", "reply"]


def test_a_filtered_reply_says_so(model_server):
    model_server.configure(replies=[{"text": "", "finish": "content_filter"}])
    calls = []
    assert chat(openai(model_server), calls.append).finish == "refused"
    assert [call.outcome for call in calls] == ["refused"]


def test_a_model_that_is_not_there(model_server):
    for make in (openai, ollama):
        model_server.configure(models=["another"])
        with pytest.raises(hier.ModelError, match=r"test-model at http.* is not there"):
            chat(make(model_server))
        assert model_server.stats()["calls"] == 1


def test_a_wrong_key(model_server):
    model_server.configure(key="right")
    llm = load_model("openai/test-model", base_url=model_server.url, api_key="wrong")
    with pytest.raises(hier.ModelError, match=r"refused the key.*set OPENAI_API_KEY"):
        chat(LanguageModel(llm))
    llm = load_model("openai/test-model", base_url=model_server.url, api_key="right")
    assert chat(LanguageModel(llm)).text


def test_an_llm_without_a_key(model_server, monkeypatch):
    from llama_index.llms.openai_like import OpenAILike

    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    llm = OpenAILike(model="test-model", api_base=model_server.url, api_key="", is_chat_model=True)
    model_server.configure(key="right")
    with pytest.raises(hier.ModelError, match=r"key.*set OPENAI_API_KEY"):
        chat(LanguageModel(llm))


def test_a_wrong_address_is_told_soon(model_server):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for name, path in (("openai", "/v1"), ("ollama", "")):
        llm = load_model(f"{name}/test-model", base_url=f"http://127.0.0.1:{port}{path}")
        start = time.monotonic()
        with pytest.raises(hier.ModelError, match=f"{port}.* cannot be reached.*base_url"):
            chat(LanguageModel(llm))
        assert time.monotonic() - start < 5
    llm = load_model("openai/test-model", base_url=f"{model_server.base}/nowhere")
    with pytest.raises(hier.ModelError, match=r"nowhere is not there"):
        chat(LanguageModel(llm))


def test_a_prompt_longer_than_the_window(model_server):
    calls = []
    with pytest.raises(hier.ModelError, match=r"window of test-model, 70 tokens"):
        chat(openai(model_server, window=70), calls.append)
    assert calls == []  # nothing was sent
    model_server.configure(window=50)  # the server's is smaller than what was said
    with pytest.raises(hier.ModelError, match=r"too long for the window of 8,192 tokens.*50"):
        chat(openai(model_server), calls.append)
    assert [call.outcome for call in calls] == ["client error 400"]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (3, "3 is no language model; give a LlamaIndex LLM"),
        (lambda prompt: None, "returned NoneType; it must return a str"),
        (lambda prompt: 1 / 0, "raised ZeroDivisionError"),
        (lambda prompt: sys.exit(3), "raised RuntimeError: SystemExit: 3"),
        (lambda prompt: next(iter([])), "raised RuntimeError: StopIteration"),
    ],
)
def test_a_bad_function(model, message):
    with pytest.raises(hier.ModelError, match=message):
        chat(LanguageModel(model))
    assert chat(LanguageModel(plain)).text  # the loop is still there


@pytest.mark.parametrize("more", [{"in_flight": 0}, {"timeout": -1}, {"window": 0}])
def test_a_limit_out_of_range(more):
    (name,) = more
    with pytest.raises(hier.ModelError, match=f"{name}=.* is not a number above 0"):
        LanguageModel(plain, **more)


def test_a_function_that_never_returns_holds_its_place_and_nothing_else():
    stuck = threading.Event()

    def function(prompt):
        if "Report 0" in prompt and not stuck.is_set():
            stuck.set()
            time.sleep(60)
        return "words"

    talk = Talk(LanguageModel(function, in_flight=2, timeout=0.3), 10)
    assert len(talk.replies) == 10
    assert Counter(call.outcome for call in talk.calls) == {"reply": 10, "timeout": 1}


# Ending


def test_an_error_ends_all_and_keeps_what_came(model_server):
    model_server.configure(delay=0.02)
    kept = []

    def stop(i, reply, call, fault):
        kept.append(i)
        if len(kept) == 5:
            raise hier.StoreError("the disk is full")

    with pytest.raises(hier.StoreError, match="the disk is full"):
        openai(model_server, in_flight=4).chat_all(
            [conversation(i) for i in range(100)],
            60,
            purpose="indexing",
            record=lambda call: None,
            fault=lambda i, reply: "",
            done=stop,
        )
    assert len(kept) == 5
    assert tasks() == set()
    assert model_server.stats()["calls"] <= 5 + 2 * 4


def test_a_server_that_says_no_ends_all_and_keeps_what_came():
    async def model(prompt):
        if "Report 30 " in prompt:
            return None
        await asyncio.sleep(0.001)
        return "words"

    calls, kept = [], []
    with pytest.raises(hier.ModelError, match="returned NoneType"):
        LanguageModel(model, in_flight=4).chat_all(
            [conversation(i) for i in range(100)],
            60,
            purpose="indexing",
            record=calls.append,
            fault=lambda i, reply: "",
            done=lambda i, reply, call, fault: kept.append(i),
        )
    assert len(kept) >= 20
    assert sum(call.outcome == "reply" for call in calls) == len(kept)
    assert sum(call.outcome == "cancelled" for call in calls) <= 4
    assert tasks() == set()


def test_ctrl_c_cancels_what_is_in_flight(model_server):
    model_server.configure(delay=0.3)

    def interrupt():
        while model_server.stats()["calls"] < 4:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    watcher = threading.Thread(target=interrupt)
    model = openai(model_server, in_flight=2)
    watcher.start()
    with pytest.raises(KeyboardInterrupt):
        Talk(model, 100)
    watcher.join()
    assert tasks() == set()
    assert model_server.stats()["calls"] <= 8
    assert chat(openai(model_server)).text


def test_a_model_that_is_dropped_closes_its_connections(model_server):
    model = openai(model_server)
    Talk(model)
    held = model._open.line.copy._aclient
    del model
    gc.collect()
    assert held.is_closed()


def test_the_users_object_is_not_changed(model_server):
    llm = load_model("openai/test-model", base_url=model_server.url)
    llm.temperature, llm.max_tokens, llm.max_retries = 0.7, 33, 4
    before = llm.model_dump()
    chat(LanguageModel(llm))
    assert llm.model_dump() == before
    sent = model_server.requests()[-1]
    assert (sent["temperature"], sent["max_tokens"]) == (0.0, 60)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_opens_its_own(model_server):
    model = openai(model_server)
    expected = chat(model).text
    here, there = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(
        target=lambda: there.send([chat(model).text, chat(model).text])
    )
    child.start()
    assert here.poll(20)
    assert here.recv() == [expected, expected]
    child.join()
    assert chat(model).text == expected


HEAD = """
import asyncio, sys
from llama_index.core.llms import ChatMessage
from hier.summarizers.calls import Message
from hier.summarizers.language_model import LanguageModel
from hier.summarizers.providers import load_model

def chat(model):
    said = [Message("user", "One. Two.")]
    print(model.chat(said, 40, purpose="indexing", record=lambda call: None).text)

llm = load_model("openai/test-model", base_url=sys.argv[1])
"""


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("chat(LanguageModel(llm))", "One. Two.\n"),
        # Its client belongs to an event loop that has ended.
        (
            "asyncio.run(llm.achat([ChatMessage(role='user', content='One.')]))\n"
            "model = LanguageModel(llm)\nchat(model)\nchat(model)\nllm._aclient = None",
            "One. Two.\nOne. Two.\n",
        ),
    ],
)
def test_a_process_calls_and_ends_without_a_word(code, expected, model_server, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", HEAD + code, model_server.url],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == (expected, "")
