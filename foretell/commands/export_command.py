"""`foretell export RUN --to hf`: write a run's model for another tool."""

from pathlib import Path

from foretell.commands.flags import parser
from foretell.errors import BadUse

EXAMPLES = "  foretell export runs/gpt2.pretrain-nano --to hf --out exported/gpt2-nano"


def run(args: list[str]) -> None:
    """Write the folder and name the stock class that loads it; say so where there is none."""
    flags = parser("export", "Write a run's model for another tool.", EXAMPLES, ("out", "yes"))
    flags.add_argument("run", metavar="RUN", help="a run or model folder")
    flags.add_argument("--to", choices=("hf",), required=True, help="hf: a Hugging Face folder")
    given = flags.parse_args(args)
    from foretell.exchange.card import Card
    from foretell.exchange.folder import load_model, save_model

    out = Path(given.out or f"exported/{Path(given.run).name}")
    if out.exists() and not given.yes:
        raise BadUse(f"{out} exists; give another --out, or --yes to replace it")
    loaded = load_model(given.run)
    layout = save_model(out, loaded.network, loaded.tokenizer, Card(recipe=f"exported from {Path(given.run).name}"))
    print(f"{out}: {layout}")
