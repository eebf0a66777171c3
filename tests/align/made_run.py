"""A tiny run of PPO on made prompts, for tests; started as a program, it can be killed.

python made_run.py FOLDER STEP SIGNAL     sends itself the signal inside that iteration
"""

import json
import os
import sys
from pathlib import Path

import torch

from foretell.corpus.config import PromptData
from foretell.corpus.prepare import prepare_tokens
from foretell.exchange.card import Card
from foretell.exchange.folder import save_model
from foretell.model.config import Dropout, Heads, NetworkConfig
from foretell.model.init import build
from foretell.objective.config import PolicyOptimization
from foretell.text.train import train_tokenizer
from foretell.train.config import AdamW, BatchSize, Machine, RunConfig, Schedule

N_CTX, RESPONSE, N_VOCAB = 32, 8, 300
WORDS = "the cat saw a dog and ran home where it sat on the mat all day long until night came".split()  # noqa: SIM905
TEXT = [" ".join(WORDS[(i * j) % len(WORDS)] for j in range(1, 60)) for i in range(1, 40)]
PROMPTS = [f"{WORDS[i % 20]} {WORDS[(3 * i + 1) % 20]}{' ' + WORDS[i % 7] if i % 3 else ''}" for i in range(24)]


def network(**changes):
    """A network of one layer, with dropout that a run has to switch off."""
    sizes = {"n_vocab": N_VOCAB, "n_ctx": N_CTX, "n_layers": 1, "d_model": 16, "n_heads": 2, "d_head": 8, "d_ff": 32}
    dropout = Dropout(embedding=0.1, residual=0.1)
    return NetworkConfig(**{"kind": "decoder", "norm_place": "pre", "dropout": dropout, **sizes, **changes})


def save(folder, cfg, tokenizer, seed, spread=0.0):
    """A model folder with random weights, wider than at the start of a training where a spread is given."""
    model = build(cfg, seed)
    with torch.no_grad():
        stream = torch.Generator().manual_seed(seed)
        for p in model.parameters():
            p.add_(spread * torch.randn(p.shape, generator=stream))
    save_model(folder, model, tokenizer, Card(recipe=folder.name))
    return str(folder)


def made(folder, *, text=True):
    """The files of a run: prompts, a start, a reward model, and tokens of text; once for all tests."""
    tokenizer = train_tokenizer("bpe", TEXT, N_VOCAB, quiet=True)
    save(folder / "start", network(), tokenizer, 1, 0.1)
    save(folder / "reward", network(heads=Heads(lm=False, n_outputs=1)), tokenizer, 2, 0.3)
    rows = [{"text": text, "split": "valid" if i % 6 == 5 else "train"} for i, text in enumerate(PROMPTS)]
    (folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "text").mkdir()
    (folder / "text" / "a.txt").write_text("\n\n".join(TEXT))
    tokens = prepare_tokens(str(folder / "text"), "bpe", N_VOCAB, folder / "corpora", tokenizer=tokenizer, quiet=True)
    (folder / "tokens").symlink_to(tokens.resolve())
    return folder


def config(folder, objective=None, **changes):
    """Ten iterations of 8 episodes in 4 minibatches; any field can be replaced."""
    ppo = {"reward": str(folder / "reward"), "minibatches": 4, "value_lr": 1e-3, "average": 0.9}
    data = PromptData(
        folder=str(folder), tokens=str(folder / "start"), length=N_CTX, response=RESPONSE, text=str(folder / "tokens")
    )
    fields = {
        "recipe": "test.ppo",
        "model": network(),
        "data": data,
        "objective": PolicyOptimization(**{**ppo, **(objective or {})}),
        "optim": AdamW(lr=1e-3, betas=(0.9, 0.95)),
        "schedule": Schedule(shape="constant", warmup_steps=3),
        "batch": BatchSize(rows=8),
        "steps": 10,
        "start": str(folder / "start"),
        "evaluate_every": 5,
        "evaluate_rows": 4,
        "checkpoint_every": 3,
        "machine": Machine(device="cpu", threads=1),
    }
    return RunConfig(**{**fields, **changes})


def even_share(prompts, answers):
    """The golden reward of the toy: 4 times the share of even tokens, less 2."""
    return [4 * sum(i % 2 == 0 for i in answer) / len(answer) - 2 for answer in answers]


def main(folder, out, step, number):
    from foretell.align import iterations, ppo

    torch.set_num_threads(1)
    real, taken = iterations.update, []

    def update(*given):
        taken.append(0)
        if len(taken) == int(step):
            os.kill(os.getpid(), int(number))
        return real(*given)

    iterations.update = update
    ppo.train_ppo(config(Path(folder), {"ptx_weight": 1.0, "ptx_rows": 1}), Path(out), quiet=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
