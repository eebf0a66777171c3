import gzip
import io
import random

import pytest
from fastwarc.warc import ArchiveIterator as FastIterator
from warcio.archiveiterator import ArchiveIterator

from foretell.corpus.reading import packed
from foretell.corpus.reading.frames import Frame, frames
from foretell.corpus.reading.records import Broken

BIG = 100_000_000
NOT_WHOLE = {"resiliparse-clipped.warc.gz", "warcio-example.arc.gz"}


def record(content: bytes, kind: str = "response", length: int | None = None, end: bytes = b"\r\n") -> bytes:
    size = len(content) if length is None else length
    head = [b"WARC/1.0", b"WARC-Type: " + kind.encode(), b"Content-Length: %d" % size]
    return end.join([*head, b"", content, b"", b""])


def read(content: bytes, most: int = BIG) -> tuple[list[bytes], list[str]]:
    found = list(frames(io.BytesIO(content), most))
    assert [int(one[0]) for one in found] == list(range(1, len(found) + 1))
    contents = [one.content.partition(b"\r\n\r\n")[2] for one in found if isinstance(one, Frame)]
    return contents, [one.reason for one in found if isinstance(one, Broken)]


def test_real_files_have_the_records_that_warcio_counts(shared_data):
    files = sorted((shared_data / "warc").glob("*.gz"))
    assert files
    for path in files:
        if path.name in NOT_WHOLE:
            continue
        content = gzip.decompress(path.read_bytes())  # warcio wants a member a record
        with path.open("rb") as file:
            found = list(frames(file, BIG))
        wanted = [
            (one.rec_headers.get_header("WARC-Record-ID"), len(one.raw_stream.read()))
            for one in ArchiveIterator(io.BytesIO(content), no_record_parse=True)
        ]
        got = [(_id(one.content), len(one.content) - _head(one.content)) for one in found if isinstance(one, Frame)]
        assert got == wanted, path.name


def _head(content: bytes) -> int:
    return min(at + len(end) for end in (b"\r\n\r\n", b"\n\n") if (at := content.find(end)) >= 0)


def _id(content: bytes) -> str:
    line = next(line for line in content.splitlines() if line.lower().startswith(b"warc-record-id:"))
    return line.partition(b":")[2].strip().decode()


def test_a_clipped_file_is_told_where_a_plain_iterator_stops_quietly(shared_data):
    path = shared_data / "warc" / "dolma-sample-0000.warc.gz"
    half = path.read_bytes()[: path.stat().st_size // 2]
    found = list(frames(io.BytesIO(half), BIG))
    assert "cut off" in found[-1].reason
    whole = list(frames(io.BytesIO(path.read_bytes()), BIG))
    assert found[:-1] == whole[: len(found) - 1]
    assert 10 < len(found) < len(whole)


def test_the_records_are_those_of_fastwarc():
    content = b"".join(record(b"x" * n) for n in (0, 1, 5000))
    theirs = [one.reader.read() for one in FastIterator(io.BytesIO(content), parse_http=False, fsspec_args=False)]
    assert read(content) == (theirs, [])


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "one member"])
def test_a_record_that_is_cut_off_is_broken(pack):
    content = record(b"a" * 500) + record(b"b" * 500)
    contents, broken = read(pack(content[:-200]))
    assert contents == [b"a" * 500]
    assert broken == ["cut off after 304 of 500 bytes of a record: the file ends in the middle of a record"]


def test_a_damaged_member_loses_its_record_only():
    members = [bytearray(gzip.compress(record(random.Random(n).randbytes(3000)))) for n in range(5)]
    members[2][1000:1100] = b"\xff" * 100
    contents, broken = read(b"".join(members))
    assert contents == [random.Random(n).randbytes(3000) for n in (0, 1, 3, 4)]
    assert len(broken) == 1
    assert "is damaged" in broken[0]


@pytest.mark.parametrize("said", [600, 5000, 108, 109, 110, 111, 112, 113, 114])
def test_a_length_that_is_too_long_swallows_no_other_record(said):
    content = record(b"a" * 100) + record(b"b" * 100, length=said) + record(b"c" * 400) + record(b"d" * 100)
    contents, broken = read(content)
    assert contents == [b"a" * 100, b"c" * 400, b"d" * 100]
    assert broken == [f"a record of 102 bytes that says {said}"]


def test_a_length_that_is_too_short_leaves_bytes_that_are_told():
    contents, broken = read(record(b"a" * 100, length=60) + record(b"c" * 40))
    assert contents == [b"a" * 60, b"c" * 40]
    assert broken == ["bytes that are no record: 42 bytes"]


@pytest.mark.parametrize("line", [b"", b"Content-Length: many", b"Content-Length: 3\r\nContent-Length: 4"])
def test_a_record_without_one_length_is_broken(line):
    odd = b"WARC/1.0\r\nWARC-Type: response\r\n" + line + b"\r\n\r\nabc\r\n\r\n"
    contents, broken = read(record(b"1") + odd + record(b"2"))
    assert contents == [b"1", b"2"]
    assert "Content-Length in its head" in broken[0]


def test_a_record_over_the_limit_is_passed_without_being_held():
    contents, broken = read(record(b"1") + record(b"x" * 5_000_000) + record(b"2"), most=1_000_000)
    assert contents == [b"1", b"2"]
    assert broken == ["a record of 5000000 bytes; the limit is 1000000"]


@pytest.mark.parametrize("said", [2000, 60_000, 10**17])
def test_a_length_over_the_limit_that_lies_swallows_no_other_record(said, monkeypatch):
    monkeypatch.setattr(packed, "MOST", 64)  # the bytes of a chunk: beginnings of records lie across two
    content = record(b"1") + record(b"x" * 12, length=said) + b"".join(record(b"%d" % n) for n in range(1000))
    contents, broken = read(content, most=1000)
    assert contents == [b"1", *(b"%d" % n for n in range(1000))]
    assert broken == [f"a record of 14 bytes that says {said}"]


def test_many_lengths_that_lie_take_no_more_time_each():
    n = 100_000  # looking at all that is held for each would take minutes
    _, broken = read(record(b"", length=50_000_000) * n)
    assert len(broken) == n


@pytest.mark.parametrize("said", range(17, 30))
def test_a_length_over_the_limit_that_ends_in_the_next_head_swallows_no_record(said):
    content = record(b"1") + record(b"x" * 12, length=said) + record(b"2") + record(b"3")
    assert read(content, most=10) == ([b"1", b"2", b"3"], [f"a record of 14 bytes that says {said}"])


def test_a_record_over_the_limit_may_hold_records():
    inner = b"x" * 5000 + b"\r\n\r\n" + record(b"inner") * 3
    assert read(record(b"1") + record(inner) + record(b"2"), most=1000) == (
        [b"1", b"2"],
        [f"a record of {len(inner)} bytes; the limit is 1000"],
    )
    assert read(record(inner), most=1000)[0] == []
    far = b"\r\n\r\n" + record(b"inner") + b"x" * 5000  # the end is farther from it than may be held
    assert read(record(far) + record(b"2"), most=1000)[0] == [b"inner", b"2"]
    contents, broken = read(record(inner)[:-10], most=1000)
    assert contents == [b"inner"] * 2
    assert broken[0] == f"a record of 5002 bytes that says {len(inner)}"


def test_a_record_over_the_limit_that_is_cut_off_says_so():
    contents, broken = read(record(b"1") + record(b"x" * 5000)[:-500], most=1000)
    assert contents == [b"1"]
    assert broken == ["a record of 5000 bytes; the limit is 1000, and cut off: the file ends in it"]


@pytest.mark.parametrize("size", range(1, 30))
def test_a_beginning_that_lies_across_two_chunks_is_found(size, monkeypatch):
    content = (
        b"no record\r\n" + record(b"a" * 40) + b"odd bytes " * 5 + b"\n" + record(b"b", end=b"\n") + record(b"c" * 300)
    )
    wanted = read(content, most=100)
    assert wanted[0][0] == b"a" * 40
    monkeypatch.setattr(packed, "MOST", size)
    assert read(content, most=100) == wanted


def test_a_record_may_hold_a_record():
    inner = b"before\r\n\r\n" + record(b"inner")
    assert read(record(inner) + record(b"2")) == ([inner, b"2"], [])


def test_heads_with_plain_line_ends_are_read():
    found = list(frames(io.BytesIO(record(b"abc", end=b"\n") + record(b"de", end=b"\n")), BIG))
    assert [one.content.partition(b"\n\n")[2] for one in found] == [b"abc", b"de"]


@pytest.mark.parametrize("seed", range(80))
def test_no_bytes_raise_and_records_before_the_damage_stay(seed):
    chance = random.Random(seed)
    pieces = [record(chance.randbytes(chance.randrange(300))) for _ in range(6)]
    pack = chance.choice([bytes, lambda content: gzip.compress(content, mtime=0)])
    packed = [pack(piece) for piece in pieces]
    whole = bytearray(b"".join(packed))
    at = chance.randrange(len(packed[0]) + len(packed[1]), len(whole))
    whole[at : at + chance.randrange(60)] = chance.randbytes(chance.randrange(60))
    contents, broken = read(bytes(whole))
    assert contents[0] == pieces[0].partition(b"\r\n\r\n")[2][:-4]
    assert len(contents) + len(broken) >= 2


def test_an_empty_file_holds_nothing_and_text_is_one_broken_piece():
    assert read(b"") == ([], [])
    assert read(b"\r\n\r\n") == ([], [])
    assert read(b"some text") == ([], ["bytes that are no record: 9 bytes"])
    assert "an ARC file" in read(b"filedesc://x 0.0.0.0")[1][0]
