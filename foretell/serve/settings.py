"""The limits of a server, as data."""

from dataclasses import dataclass

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How much a server takes on; what is beyond is refused, so that its memory is bounded."""

    rows: int = 0
    """rows of a batch; 0 takes as many as half a gigabyte holds, at most 64"""
    max_waiting: int = 256
    """rows that wait for a place in the batch; more are answered with 429"""
    prefix_bytes: int = 64 * 2**20
    """keys and values of beginnings that are kept between requests, of each model"""
    body_bytes: int = 2**20
    body_seconds: float = 20.0
    """in which a request's body must have come"""
    seconds: float = 300.0
    """in which a request must be answered"""
    rate: int = 0
    """requests a minute of each client; 0 sets no limit"""
    hosts: tuple[str, ...] = LOOPBACK
    """what the server is called, against pages of others that give their own name its address; * allows all"""

    def __post_init__(self) -> None:
        for name in ("max_waiting", "body_bytes", "body_seconds", "seconds"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name}={getattr(self, name)} is not positive; leave it out for the usual limit")
