"""`foretell import hf:NAME | FOLDER`: bring in a model of another tool."""

from pathlib import Path

from foretell.commands.flags import parser
from foretell.errors import BadUse

EXAMPLES = """  foretell import hf:gpt2 --out models/gpt2
  foretell import FOLDER --out models/mine"""


def run(args: list[str]) -> None:
    """Write the model as a folder of ours, and say what it is."""
    flags = parser("import", "Bring in a Hugging Face folder or hf:NAME as a model folder.", EXAMPLES, ("out", "yes"))
    flags.add_argument("source", metavar="hf:NAME | FOLDER")
    given = flags.parse_args(args)
    from foretell.exchange.card import Card
    from foretell.exchange.folder import load_model, save_model

    out = Path(given.out or f"models/{Path(given.source.removeprefix('hf:')).name}")
    if out.exists() and not given.yes:
        raise BadUse(f"{out} exists; give another --out, or --yes to replace it")
    loaded = load_model(given.source)
    save_model(out, loaded.network, loaded.tokenizer, Card(recipe=f"imported from {given.source}"))
    n = sum(p.numel() for p in loaded.network.parameters())
    print(f"{out}: a {loaded.network.cfg.kind} of {n:,} parameters, {loaded.network.cfg.n_vocab:,} token ids")
