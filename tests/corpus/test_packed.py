import bz2
import gzip
import io
import lzma
import random

import pytest
import zstandard

from foretell.corpus.reading.packed import MOST, Gap, chunks, pack_of

PACKS = {
    "gzip": lambda content: gzip.compress(content, mtime=0),
    "zstd": lambda content: zstandard.ZstdCompressor(write_checksum=True).compress(content),
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "": lambda content: content,
}


def read(packed: bytes) -> tuple[bytes, list[str]]:
    found = list(chunks(io.BytesIO(packed)))
    assert all(len(chunk) <= 64 * MOST for chunk in found if not isinstance(chunk, Gap))
    return (
        b"".join(chunk for chunk in found if not isinstance(chunk, Gap)),
        [chunk.reason for chunk in found if isinstance(chunk, Gap)],
    )


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


@pytest.mark.parametrize("pack", PACKS)
@pytest.mark.parametrize("size", [0, 1, 1000, MOST, 3 * MOST + 17])
def test_what_was_packed_comes_out(pack, size):
    content = noise(size // 2) + b"\0" * (size - size // 2)
    packed = PACKS[pack](content)
    assert size == 0 or pack_of(packed) == pack
    assert read(packed) == (content, [])


@pytest.mark.parametrize("pack", [pack for pack in PACKS if pack])
def test_members_follow_each_other_and_padding_is_nothing(pack):
    pieces = [noise(n, n) for n in (10, 100_000, 1)]
    packed = b"".join(PACKS[pack](piece) for piece in pieces)
    assert read(packed + b"\0" * 512) == (b"".join(pieces), [])


@pytest.mark.parametrize("pack", [pack for pack in PACKS if pack])
@pytest.mark.parametrize("size", [200, 150_000])
def test_behind_a_damaged_member_reading_goes_on(pack, size):
    pieces = [b"first\n" * 50, noise(size), b"last\n" * 50]
    packed = [bytearray(PACKS[pack](piece)) for piece in pieces]
    middle = packed[1]
    middle[len(middle) // 2 : len(middle) // 2 + 40] = b"\xff" * 40
    middle[-12:-4] = b"\xff" * 8
    content, gaps = read(b"".join(packed))
    assert content.startswith(pieces[0])
    assert pieces[2] in content
    assert gaps


@pytest.mark.parametrize("pack", [pack for pack in PACKS if pack])
def test_a_file_that_is_cut_off_says_so(pack):
    packed = PACKS[pack](noise(200_000))
    for end in (len(packed) - 1, len(packed) // 2, 30):
        content, gaps = read(packed[:end])
        assert noise(200_000).startswith(content)
        assert len(gaps) == 1
        assert "cut off" in gaps[0]


def test_bytes_behind_the_last_member_are_counted():
    assert read(gzip.compress(b"text") + b"trash") == (b"text", ["5 bytes at byte 24 are no gzip"])


def test_a_wrong_checksum_is_told_and_its_chunk_not_trusted():
    packed = bytearray(gzip.compress(b"text" * 100))
    packed[-8] ^= 1
    content, gaps = read(gzip.compress(b"1") + bytes(packed) + gzip.compress(b"2"))
    assert content == b"12"
    assert len(gaps) == 1
    assert "incorrect data check" in gaps[0]


@pytest.mark.parametrize("seed", range(60))
def test_no_damage_raises_or_loses_what_came_before_it(seed):
    chance = random.Random(seed)
    pack = chance.choice(list(PACKS))
    pieces = [noise(chance.randrange(1, 3000), seed + i) for i in range(4)]
    packed = [PACKS[pack](piece) for piece in pieces]
    whole = bytearray(b"".join(packed))
    at = chance.randrange(len(packed[0]), len(whole))
    whole[at : at + chance.randrange(1, 50)] = noise(chance.randrange(50), seed)
    content, _ = read(bytes(whole))
    assert content.startswith(pieces[0])


@pytest.mark.parametrize("pack", ["gzip", "zstd", "xz", "bzip2"])
def test_a_bomb_comes_out_in_bounded_chunks(pack):
    packed = PACKS[pack](b"\0" * 40_000_000)
    assert len(packed) < 50_000
    sizes = [len(chunk) for chunk in chunks(io.BytesIO(packed))]
    assert sum(sizes) == 40_000_000
    assert max(sizes) <= 40 * MOST
