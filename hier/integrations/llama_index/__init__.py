"""LlamaIndex: a retriever, a postprocessor, a node parser, an embedding, and its vector stores.

See ``docs/llamaindex.md``.
"""

from hier.integrations.llama_index.embedding import HierEmbedding
from hier.integrations.llama_index.node_parser import HierNodeParser
from hier.integrations.llama_index.postprocessor import HierPostprocessor
from hier.integrations.llama_index.retriever import HierRetriever
from hier.integrations.llama_index.vector_store import VectorStorePassages

__all__ = [
    "HierEmbedding",
    "HierNodeParser",
    "HierPostprocessor",
    "HierRetriever",
    "VectorStorePassages",
]
