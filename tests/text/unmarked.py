"""A small tokenizer of GPT-1's kind as its vocabulary was published: <unk> is its only special token."""

import json
from pydoc_data.topics import topics

import tokenizers

from foretell.text.gpt1 import train_gpt1
from foretell.text.specials import GPT1_ADDED
from foretell.text.tokenizer import Tokenizer


def unmarked_gpt1():
    content = json.loads(train_gpt1(list(topics.values())[:60], 300).to_json())
    content["added_tokens"] = [token for token in content["added_tokens"] if token["content"] == "<unk>"]
    vocab = content["model"]["vocab"]
    content["model"]["vocab"] = {token: i for token, i in vocab.items() if token not in GPT1_ADDED}
    return Tokenizer(tokenizers.Tokenizer.from_str(json.dumps(content)))
