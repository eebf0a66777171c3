"""Memory that a step frees is kept for the next step, instead of being given back and asked for anew.

The C library returns large blocks to the system at once; each step would then pay for every page of its gradients and
activations again: the system clears each, and the first touch faults.
"""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # glibc, malloc.h


def keep_freed_memory() -> bool:
    """Whether the C library could be told so (glibc; elsewhere nothing is changed)."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None)
    try:
        return bool(libc.mallopt(M_MMAP_MAX, 0) and libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1))
    except AttributeError:  # another C library
        return False
