"""How fast this machine multiplies matrices: what every estimate of time is made from."""

import time

import torch


def matmul_peak(dtype: torch.dtype = torch.float32, seconds: float = 0.3) -> float:
    """FLOPs per second of the best square matrix product within some tenths of a second; one is always timed."""
    n, best = 1024, 0.0
    a, b = torch.randn(n, n, dtype=dtype), torch.randn(n, n, dtype=dtype)
    a @ b
    begun = time.perf_counter()
    while not best or time.perf_counter() - begun < seconds:
        before = time.perf_counter()
        a @ b
        best = max(best, 2 * n**3 / (time.perf_counter() - before))
    return best
