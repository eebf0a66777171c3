"""How long a command takes to answer that needs no numbers.

$ python -m benchmarks.startup
"""

import statistics
import subprocess
import sys
import time

COMMANDS = (["--help"], ["train", "--help"], ["train", "gpt2.pretrian"])
ROUNDS = 7

if __name__ == "__main__":
    for command in COMMANDS:
        times = []
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-m", "foretell.cli", *command], capture_output=True, check=False)
            times.append(time.perf_counter() - begun)
        print(f"foretell {' '.join(command):24} {statistics.median(times):.2f} s (highest {max(times):.2f})")
