"""A LlamaIndex application around what is tested: real engines, and a model that remembers."""

import ast
from typing import Any

from llama_index.core.llms import CompletionResponse, CustomLLM, LLMMetadata
from llama_index.core.prompts import PromptTemplate
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer

from hier.tokens import load_tokenizer

TEMPLATE = PromptTemplate("CONTEXT<<{context_str}>>END {query_str}")
MODES = (
    ResponseMode.COMPACT,
    ResponseMode.REFINE,
    ResponseMode.TREE_SUMMARIZE,
    ResponseMode.SIMPLE_SUMMARIZE,
    ResponseMode.ACCUMULATE,
    ResponseMode.COMPACT_ACCUMULATE,
)
count = load_tokenizer("o200k_base").count


class Recorder(CustomLLM):
    """A model that remembers what it was sent."""

    prompts: list[str]

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(context_window=100_000, num_output=100)

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        self.prompts.append(prompt)
        return CompletionResponse(text="an answer")

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        yield self.complete(prompt)

    @property
    def received(self) -> str:
        """The context that stood in the one prompt.

        SIMPLE_SUMMARIZE of LlamaIndex writes it as Python writes a list.
        """
        assert len(self.prompts) == 1
        prompt = self.prompts[0]
        context = prompt[prompt.index("CONTEXT<<") + 9 : prompt.rindex(">>END")]
        return str(*ast.literal_eval(context)) if context.startswith("['") else context


def engine(model: Recorder, retriever: Any, mode: ResponseMode, **options: Any) -> Any:
    synthesizer = get_response_synthesizer(
        llm=model, response_mode=mode, text_qa_template=TEMPLATE, summary_template=TEMPLATE
    )
    return RetrieverQueryEngine(retriever, response_synthesizer=synthesizer, **options)
