"""A tiny real model, and a real Chroma server with a door before it that can be shut."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.chroma_server import ChromaServer, Door

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "heron", "walrus", "puffin", "boat", "tide"]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> Path:
    """A folder with a real sentence-transformers model that knows five words and reads twelve tokens."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("model")
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(VOCABULARY)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]",
        mask_token="[MASK]", model_max_length=12,
    )  # fmt: skip
    torch.manual_seed(0)
    bert = BertModel(
        BertConfig(
            vocab_size=len(VOCABULARY), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=16, max_position_embeddings=16,
        )
    )  # fmt: skip
    bert.save_pretrained(folder / "bert")
    fast.save_pretrained(folder / "bert")
    transformer = Transformer(str(folder / "bert"), max_seq_length=12)
    pooling = Pooling(transformer.get_embedding_dimension(), pooling_mode="mean")
    SentenceTransformer(modules=[transformer, pooling], device="cpu").save(str(folder / "tiny"))
    return folder / "tiny"


@pytest.fixture(scope="session")
def chroma_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaServer]:
    """The server that tests share: each library has collections of its own."""
    server = ChromaServer(tmp_path_factory.mktemp("server") / "chroma")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ChromaServer]:
    """A server that a test may kill and start again."""
    server = ChromaServer(tmp_path / "server-of-its-own")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def door(chroma_server: ChromaServer) -> Iterator[Door]:
    """A door before the shared server."""
    made = Door(chroma_server.port)
    yield made
    made.shut()


@pytest.fixture
def collections(chroma_server: ChromaServer) -> Callable[[], set[str]]:
    """Return the names of all collections that the shared server holds."""
    url = f"{chroma_server.address}/api/v2/tenants/default_tenant/databases/default_database/collections"

    def names() -> set[str]:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return {collection["name"] for collection in json.load(answer)}

    return names
