"""A small tokenizer, folders of labels, and runs of a reward model on them."""

import json
from pydoc_data.topics import topics

from foretell.corpus.config import RankingData
from foretell.exchange.card import Card
from foretell.exchange.folder import save_model
from foretell.model.config import Heads, NetworkConfig
from foretell.model.init import build
from foretell.objective.config import Ranking
from foretell.text.train import train_tokenizer
from foretell.train.config import AdamW, BatchSize, Machine, RunConfig, Schedule

N_VOCAB = 400
REWARD = Heads(lm=False, n_outputs=1, task_bias=True)
WORDS = ("good", "fair", "poor")


def tokenizer(n_vocab=N_VOCAB):
    return train_tokenizer("bpe", list(topics.values())[:20], n_vocab, quiet=True)


def network(heads=REWARD, **changes):
    sizes = {"n_ctx": 64, "n_layers": 2, "d_model": 32, "n_heads": 2, "d_head": 16, "d_ff": 64, "norm_place": "pre"}
    return NetworkConfig(kind="decoder", n_vocab=N_VOCAB, heads=heads, **{**sizes, **changes})


def rankings(n, labellers=1, start=0):
    """Rankings in which `good` is better than `fair`, and that better than `poor`; a seventh is held out."""
    found = []
    for i in range(start, start + n):
        turned = [WORDS[(i + j) % 3] for j in range(3)]
        found.append(
            {
                "prompt_id": f"p{i}",
                "prompt": f"How is number {i}?",
                "outputs": [{"text": f"it is {word}", "model": word[0]} for word in turned],
                "ranks": [WORDS.index(word) + 1 for word in turned],
                "split": "valid" if i % 7 == 6 else "train",
                "labeller": f"l{i % labellers}",
                "labeller_group": f"g{i % labellers % 3}",
            }
        )
    return found


def demonstrations(n):
    return [{"prompt": f"How is number {i}?", "completion": f"it is good {i}", "split": "train"} for i in range(n)]


def labels(folder, **files):
    """The folder, with a file of JSON lines for each name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def reward_folder(folder, words, heads=REWARD, **changes):
    """A folder with a random network and this tokenizer."""
    save_model(folder, build(network(heads, **changes), seed=1), words, Card(recipe="a test"))
    return folder


def config(folder, words, steps=10, **changes):
    """A short run on the labels of a folder, where the tokenizer is put too."""
    words.save(folder / "tokens", 64)
    base = {"seed": 0, "evaluate_every": steps, "checkpoint_every": steps, "evaluate_rows": 0}
    return RunConfig(
        recipe="a.test",
        model=network(),
        data=RankingData(folder=str(folder), tokens=str(folder / "tokens"), length=64),
        objective=Ranking(),
        optim=AdamW(lr=3e-3),
        schedule=Schedule(shape="constant"),
        batch=BatchSize(rows=8),
        steps=steps,
        machine=Machine(device="cpu", threads=1),
        **{**base, **changes},
    )
