"""`foretell doctor`: what this machine has, what is missing, what would be slow."""

import json
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from foretell.commands.flags import parser

EXAMPLES = "  foretell doctor\n  foretell doctor --json"
OPTIONAL = {
    "sacrebleu": "BLEU of translations: pip install 'foretell[eval]'",
    "tensorboard": "event files beside metrics.jsonl: pip install 'foretell[track]'",
    "transformers": "checks of exported models: pip install 'foretell[hub]'",
    "huggingface_hub": "hf:NAME models: pip install 'foretell[hub]'",
}


def run(args: list[str]) -> None:
    """Print the machine's measure, the libraries, and a line for everything that is missing or slow."""
    known = parser("doctor", "What this machine has, what is missing, what would be slow.", EXAMPLES, ("json",))
    given = known.parse_args(args)
    found = measure()
    if given.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        if name != "advice":
            print(f"{name:16} {value}")
    print("\n" + ("\n".join(f"- {line}" for line in found["advice"]) or "nothing is missing"))


def measure() -> dict[str, Any]:
    """What was found, and advice."""
    import torch

    from foretell.commands.peak import matmul_peak
    from foretell.runs import machine, usable_cores

    cores = usable_cores()
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    memory = memory_gib()
    peaks = {}
    for threads in sorted({1, cores}):
        torch.set_num_threads(threads)
        peaks[threads] = {str(t)[6:]: round(matmul_peak(t) / 1e9) for t in (torch.float32, torch.bfloat16)}
    packages = {name: installed(name) for name in OPTIONAL}
    advice = [f"{name} is not installed: {what}" for name, what in OPTIONAL.items() if not packages[name]]
    if free < 5:
        advice.append(f"{free:.1f} GiB of disk are free; a demo takes about 0.5, a 124M run 3 for its checkpoints")
    if memory < 4:
        advice.append(f"{memory:.1f} GiB of memory are free; the demo needs up to 4")
    if peaks[cores]["bfloat16"] < 1.2 * peaks[cores]["float32"]:
        advice.append("bfloat16 is not faster than float32 here; leave --machine.precision fp32")
    if not gpus:
        advice.append("no GPU: nano and mini sizes are for this machine; foretell show RECIPE estimates the time")
    return {
        **machine(),
        "usable cores": cores,
        "GPUs": ", ".join(gpus) or "none",
        "memory free": f"{memory:.1f} GiB",
        "disk free": f"{free:.1f} GiB",
        "GFLOP/s": "; ".join(f"{n} threads: {peak}" for n, peak in peaks.items()),
        "optional": ", ".join(f"{name} {found or '-'}" for name, found in packages.items()),
        "advice": advice,
    }


def installed(package: str) -> str:
    """The version of a package, or nothing."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def memory_gib() -> float:
    """The memory that can be had now."""
    for line in Path("/proc/meminfo").read_text().splitlines() if Path("/proc/meminfo").exists() else []:
        if line.startswith("MemAvailable"):
            return int(line.split()[1]) / 2**20
    return float("inf")
