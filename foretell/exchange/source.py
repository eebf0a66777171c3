"""Where a model is: a run, a model folder, or a name on the hub."""

from pathlib import Path

from foretell.errors import BadUse, Failed

WANTED = ["*.safetensors", "*.json", "*.txt", "*.jinja", "*.bpe"]  # no code, no pickle


def find_folder(source: str | Path) -> Path:
    """The folder that holds config.json and weights: a run's `model`, the folder itself, or a snapshot of the hub."""
    if str(source).startswith("hf:"):
        return snapshot(str(source).removeprefix("hf:"))
    folder = Path(source)
    if not folder.is_dir():
        raise BadUse(f"{folder} is no folder; give a run folder, a Hugging Face folder, or hf:NAME")
    if (folder / "model" / "config.json").exists():
        return folder / "model"
    if (folder / "metrics.jsonl").exists():
        raise BadUse(f"{folder} is a run that is not finished; the same foretell train command continues it")
    if not (folder / "config.json").exists():
        raise BadUse(f"{folder} holds no config.json; give a run folder, a Hugging Face folder, or hf:NAME")
    return folder


def snapshot(name: str) -> Path:
    """The folder of a model of the hub, from its cache or downloaded; only files that are no code and no pickle."""
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise BadUse(f"hf:{name} needs the package huggingface_hub; pip install 'foretell[hub]'") from error
    try:
        return Path(snapshot_download(name, allow_patterns=WANTED))
    except Exception as error:  # the client raises many kinds, all of them: it could not be had
        reason = " ".join(str(error).split())[:120]
        remedy = "check the name and the network, or give a folder"
        raise Failed(f"hf:{name} could not be had ({reason}); {remedy}") from error
