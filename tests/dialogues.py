"""Conversations for tests: valid ones drawn at random, and what must hold of one compressed."""

import json
import re

import environment
from hypothesis import strategies as st

from hier.messages.choosing import MARK

count = environment.token_counter("o200k_base")
SENTENCES = [
    f"The {thing} in room {number} is {colour} and was bought in {1900 + 3 * number}."
    for number in range(40)
    for thing, colour in (("lamp", "green"), ("desk", "brown"), ("clock", "white"))
]
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}


def text(draw, least=1, most=6):
    return " ".join(draw(st.lists(st.sampled_from(SENTENCES), min_size=least, max_size=most)))


def report(draw):
    """A long text of several paragraphs, or of other things that a text is made of."""
    kinds = [
        lambda: text(draw, 4, 12),
        lambda: f"# {text(draw, 1, 1)}\n\n{text(draw, 4, 12)}",
        lambda: "```python\n" + f"print({draw(st.integers())})\n" * 12 + "```",
        lambda: "| room | thing |\n|---|---|\n" + f"| {draw(st.integers(0, 9))} | lamp |\n" * 9,
        lambda: "\r\n".join(f"- {text(draw, 1, 1)}" for _ in range(8)),
        lambda: draw(st.text(min_size=1, max_size=30)) * draw(st.integers(1, 60)),
        lambda: '{"rooms": [' + ", ".join(f'{{"room": {n}}}' for n in range(60)) + "]}",
    ]
    chosen = draw(st.lists(st.sampled_from(kinds), min_size=2, max_size=6))
    return draw(st.sampled_from(["\n\n", "\n"])).join(one() for one in chosen)


def said(draw, message):
    """A message with its content as a string or as parts."""
    if message["content"] is None or draw(st.booleans()):
        return message
    parts = [{"type": "text", "text": message["content"], "cache_control": {"type": "ephemeral"}}]
    if message["role"] == "user" and draw(st.booleans()):
        parts.insert(draw(st.integers(0, 1)), IMAGE)
    return {**message, "content": parts}


@st.composite
def conversations(draw):
    """Draw a conversation: what guides, turns with and without tools, and a question at the end."""
    messages = []
    for role in draw(st.lists(st.sampled_from(["system", "developer"]), max_size=2)):
        messages.append({"role": role, "content": text(draw)})
    turns = draw(st.integers(1, 5))
    for turn in range(turns):
        asked = f"What is the colour of the lamp in room {draw(st.integers(0, 39))}?"
        if draw(st.booleans()):
            asked = "\n\n".join(draw(st.permutations([asked, report(draw)])))
        user = {"role": "user", "content": asked}
        if draw(st.booleans()):
            user["name"] = "Ada"
        messages.append(said(draw, user))
        for number in range(draw(st.integers(0, 2))):
            ids = [f"call_{turn}_{number}_{n}" for n in range(draw(st.integers(1, 2)))]
            call = {"name": "look", "arguments": json.dumps({"room": number})}
            calls = [{"id": name, "type": "function", "function": call} for name in ids]
            content = draw(st.sampled_from([None, "Let me look."]))
            messages.append({"role": "assistant", "content": content, "tool_calls": calls})
            for name in ids:
                result = {"role": "tool", "tool_call_id": name, "content": report(draw)}
                messages.append(said(draw, result))
        if turn < turns - 1:
            messages.append({"role": "assistant", "content": text(draw), "extra": {"kept": True}})
    return messages


def texts(message):
    content = message.get("content")
    if content is None:
        return []
    return [content] if isinstance(content, str) else [p["text"] for p in content if "text" in p]


def tokens_of(messages):
    """The tokens of a conversation, counted as OpenAI's cookbook does, and images as low."""
    tokens = 3
    for message in messages:
        tokens += 3 + sum(map(count, texts(message)))
        for field, value in message.items():
            if field == "name":
                tokens += count(value) + 1
            elif field == "content" and isinstance(value, list):
                tokens += 85 * sum(part["type"] == "image_url" for part in value)
            elif field != "content" and isinstance(value, str):
                tokens += count(value)
            elif field != "content" and value is not None:
                written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
                tokens += count(written)
    return tokens


def shape(message):
    """All of a message but the words of its texts."""
    content = message.get("content")
    if isinstance(content, list):
        content = [{k: v for k, v in part.items() if k != "text"} for part in content]
    elif isinstance(content, str):
        content = "text"
    return {**message, "content": content}


def valid(messages):
    """Every result stands behind its call, and every call before its results."""
    waiting = []
    for message in messages:
        if message["role"] == "tool":
            waiting.remove(message["tool_call_id"])
        else:
            assert not waiting
        waiting = waiting + [call["id"] for call in message.get("tool_calls") or ()]
    assert not waiting


def words(shown):
    """What is shown, word for word, without the marks of what is not."""
    return [word for word in re.split(r"[\s#>…]+", shown.replace(MARK, " ")) if word]


def holds(came, result):
    """What holds of every conversation that was compressed."""
    sent = result.messages
    assert result.tokens == tokens_of(sent) <= result.budget
    assert result.before == tokens_of(came)
    assert result.saved == result.before - result.tokens
    assert len(sent) == len(result.indices)
    assert list(result.indices) == sorted(set(result.indices))
    for index, message in zip(result.indices, sent, strict=True):
        assert shape(message) == shape(came[index])
        for new, old in zip(texts(message), texts(came[index]), strict=True):
            assert new or not old
            assert new == old or all(word in old for word in words(new))
        if message["role"] in ("system", "developer"):
            assert message is came[index]
    guiding = {i for i, m in enumerate(came) if m["role"] in ("system", "developer")}
    assert guiding <= set(result.indices)
    asking = max((i for i, m in enumerate(came) if m["role"] == "user"), default=None)
    assert asking is None or asking in result.indices
    valid(sent)
    changed = {
        index: came[index]
        for index in range(len(came))
        if index not in result.indices or sent[result.indices.index(index)] != came[index]
    }
    assert [change.index for change in result.changes] == list(changed)
    for change in result.changes:
        assert change.before == tokens_of([came[change.index]]) - 3
        left_out = change.index not in result.indices
        now = [] if left_out else [sent[result.indices.index(change.index)]]
        assert change.after == tokens_of(now) - 3 < change.before
