"""Passwords, kept as scrypt hashes (RFC 7914) with a salt each: 16 MiB and a third of a second for each guess."""

import base64
import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass

from foretell.errors import BadUse

SHORTEST, LONGEST = 10, 200  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a hash costs: 128 r 2^log_n bytes of memory, p times over."""

    log_n: int = 14
    r: int = 8
    p: int = 5


USUAL = Cost()
NOBODY = "scrypt$14$8$5$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
"""a hash that no password has: a name that is not known takes as long as one that is"""


def check_password(password: str, name: str) -> None:
    """BadUse for a password that is too easily guessed to be taken, or too long to be hashed."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadUse(f"a password has {SHORTEST} to {LONGEST} characters, this one has {len(password)}; choose another")
    if len(set(password)) < 4 or password.casefold() == name.casefold():
        raise BadUse("that password is too easily guessed; choose another, such as four words")


def hashed(password: str, cost: Cost = USUAL) -> str:
    """The hash of a password, with its cost and salt."""
    salt = secrets.token_bytes(16)
    parts = [base64.b64encode(one).decode() for one in (salt, _digest(password, salt, cost))]
    return "$".join(["scrypt", str(cost.log_n), str(cost.r), str(cost.p), *parts])


def fits(password: str, kept: str) -> bool:
    """Whether a password is the one of a hash; an empty hash fits none."""
    kind, log_n, r, p, salt, digest = (kept or NOBODY).split("$")
    assert kind == "scrypt"
    made = _digest(password, base64.b64decode(salt), Cost(log_n=int(log_n), r=int(r), p=int(p)))
    return hmac.compare_digest(made, base64.b64decode(digest)) and bool(kept)


def _digest(password: str, salt: bytes, cost: Cost) -> bytes:
    given = unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
    n = 2**cost.log_n
    return hashlib.scrypt(given, salt=salt, n=n, r=cost.r, p=cost.p, maxmem=256 * cost.r * n, dklen=32)
