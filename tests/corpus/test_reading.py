import bz2
import gzip
import json
import lzma
import random
import sys
import tracemalloc
import types
import zlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from foretell.corpus.reading import (
    Broken,
    Limits,
    Raw,
    Submission,
    files_of,
    kind_of,
    parts,
    read_part,
    submissions,
)
from foretell.corpus.reading.hub import hub_name
from foretell.errors import BadUse, Failed

DEFAULT = Limits()
SMALL = Limits(record_bytes=2000, html_bytes=1000)


def http(body: bytes, head: str = "Content-Type: text/html", status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\n{head}\r\n\r\n".encode() + body


def warc(content: bytes, kind: str = "response", url: str = "http://a.b/", head: str = "") -> bytes:
    lines = f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\n{head}Content-Length: {len(content)}\r\n\r\n"
    return lines.encode() + content + b"\r\n\r\n"


def read(part, limits=DEFAULT):
    """The good and the broken records; every reading gives the same, under names that are used once."""
    found = list(read_part(str(part), limits))
    names = [one.name for one in found]
    assert len(set(names)) == len(names)
    assert found == list(read_part(str(part), limits))
    return [one for one in found if isinstance(one, Raw)], [one for one in found if isinstance(one, Broken)]


def pages(tmp_path, *records: bytes, limits=DEFAULT):
    (tmp_path / "crawl.warc.gz").write_bytes(b"".join(map(gzip.compress, records)))
    return read(tmp_path / "crawl.warc.gz", limits)


PACKS = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": zstandard.ZstdCompressor().compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
}


@pytest.mark.parametrize("ending", PACKS)
def test_lines_of_json_are_read_however_they_are_packed(tmp_path, ending):
    rows = [{"id": "x", "text": "one"}, {"url": "http://a.b", "html": "<p>two"}, {"id": 3, "content": "three"}]
    path = tmp_path / f"a.jsonl{ending}"
    path.write_bytes(PACKS[ending](("\ufeff" + "\r\n\n".join(map(json.dumps, rows))).encode()))
    assert kind_of(str(path)) == "jsonl"
    wanted = [Raw("1 x", "", "text", "one"), Raw("3", "http://a.b", "html", "<p>two"), Raw("5 3", "", "text", "three")]
    assert read(path) == (wanted, [])


BAD_LINES = {
    "no UTF-8": b'{"text": "caf\xe9"}',
    "no JSON": b'{"text": "a"',
    "a JSON list, not an object": b"[1, 2]",
    "none of the fields": b'{"title": "a"}',
    "raw_html holds text": b'{"text": null}',
    "empty": b'{"text": " \\n "}',
    "(RecursionError)": b'{"a":' * 50_000,
    "JSON beyond reason (ValueError)": b'{"text": "a", "n": ' + b"9" * 5000 + b"}",
    "bytes or more of html; the limit is 100000": b'{"html": "' + b"x" * 200_000 + b'"}',
    "a line of 600012 bytes; the limit is 500000": b'{"text": "' + b"x" * 600_000 + b'"}',
}


@pytest.mark.parametrize("why", BAD_LINES)
def test_a_bad_line_is_told_and_the_next_is_read(tmp_path, why):
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "1"}\n' + BAD_LINES[why] + b'\n{"text": "2"}')
    good, bad = read(tmp_path / "a.jsonl", Limits(record_bytes=500_000, html_bytes=100_000))
    assert [(one.name, one.content) for one in good] == [("1", "1"), ("3", "2")]
    assert [one.name for one in bad] == ["2"]
    assert why in bad[0].reason
    assert len(bad[0].excerpt) <= 200


@pytest.mark.parametrize("blank", ["", " \n", None])
def test_a_blank_field_hides_no_other(tmp_path, blank):
    rows = [
        {"text": blank, "content": "one"},
        {"text": blank, "html": "<p>two"},
        {"text": blank, "body": " ", "html": ""},
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    columns = {name: [row.get(name) for row in rows] for name in ("text", "content", "body", "html")}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    for name in ("a.jsonl", "a.parquet"):
        good, bad = read(tmp_path / name)
        assert [(one.kind, one.content) for one in good] in (
            [("text", "one"), ("html", page)] for page in ("<p>two", b"<p>two")
        )
        assert [(one.name, one.reason) for one in bad] == [("3", "empty")]


def test_lone_surrogates_are_replaced_and_pairs_are_letters(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"id": "\\udc00", "text": "a\\ud800b \\ud83d\\ude00", "url": "\\ud800"}')
    ((one,), _) = read(tmp_path / "a.jsonl")
    assert one.content == "a\ufffdb \U0001f600"
    assert (one.name + one.url).encode()


def test_a_line_of_100_mb_is_never_held(tmp_path):
    packed = zstandard.ZstdCompressor().compress(b'{"text": "1"}\n' + b"x" * 100_000_000 + b'\n{"text": "2"}\n')
    (tmp_path / "a.jsonl.zst").write_bytes(packed)
    tracemalloc.start()
    found = list(read_part(str(tmp_path / "a.jsonl.zst"), Limits(record_bytes=1_000_000)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [type(one) for one in found] == [Raw, Broken, Raw]
    assert "a line of 100000000 bytes" in found[1].reason
    assert peak < 60_000_000


def test_a_corrupt_gzip_member_loses_its_lines_only(tmp_path):
    members = [bytearray(gzip.compress(b'{"text": "%d"}\n' % n * 100)) for n in range(3)]
    members[1][20:24] = b"\xff" * 4
    (tmp_path / "a.jsonl.gz").write_bytes(b"".join(members))
    good, bad = read(tmp_path / "a.jsonl.gz")
    assert [one.content for one in good] == ["0"] * 100 + ["2"] * 100
    assert "is damaged" in bad[0].reason


def test_a_parquet_file_is_read_by_column_and_row(tmp_path):
    table = pa.table({"id": [7, 8, 9, 10], "text": ["a", None, "", "d"], "url": ["http://a.b", None, "", "x"]})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=3)
    good, bad = read(tmp_path / "a.parquet")
    assert good == [Raw("1 7", "http://a.b", "text", "a"), Raw("4 10", "x", "text", "d")]
    assert [(one.name, one.reason[:8]) for one in bad] == [("2 8", "none of "), ("3 9", "empty")]


def test_a_row_of_bytes_that_are_no_utf_8_spoils_no_other(tmp_path):
    column = pa.array([b"good", b"\xff\xfe bad", b"fine"], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"text": column}), tmp_path / "a.parquet")
    good, bad = read(tmp_path / "a.parquet")
    assert [one.content for one in good] == ["good", "fine"]
    assert "no UTF-8" in bad[0].reason


def test_a_damaged_row_group_spoils_no_other(tmp_path):
    texts = [f"text number {n} {'x' * (n % 7)}" for n in range(3000)]
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": texts}), path, row_group_size=1000, use_dictionary=False)
    chunk = pq.ParquetFile(path).metadata.row_group(1).column(0)
    begin, size = chunk.data_page_offset, chunk.total_compressed_size
    content = path.read_bytes()
    path.write_bytes(content[:begin] + b"\xff" * size + content[begin + size :])
    good, bad = read(path)
    assert [one.content for one in good] == texts[:1000] + texts[2000:]
    assert [one.reason.partition(" (")[0] for one in bad] == ["row group 1 is damaged from row 1001 on"]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet at all, but long enough"])
def test_a_file_that_is_no_parquet_is_broken(tmp_path, content):
    (tmp_path / "a.parquet").write_bytes(content)
    good, bad = read(tmp_path / "a.parquet")
    assert (good, len(bad)) == ([], 1)
    assert "no Parquet file" in bad[0].reason


def test_a_page_is_what_a_response_with_status_200_holds(tmp_path):
    good, bad = pages(
        tmp_path,
        warc(b"software: x", "warcinfo"),
        warc(b"GET / HTTP/1.1\r\n\r\n", "request"),
        warc(http(b"<p>one"), url="<http://a.b/1>"),
        warc(http(b"<p>gone", status="404 Not Found")),
        warc(http(b"<p>moved", status="301 Moved")),
        warc(http(b"\x89PNG", "Content-Type: image/png")),
        warc(http(b"two", "content-type: TEXT/PLAIN; charset=x")),
        warc(http(b"<!DOCTYPE html><p>three", "Server: x")),
        warc(http(b"some words", "Server: x")),
        warc(b"four", "conversion", head="Content-Type: text/plain\r\n"),
        warc(http(b"", "Content-Type: text/html")),
    )
    assert [(one.name, one.kind, one.content) for one in good] == [
        ("3", "html", b"<p>one"),
        ("7", "text", b"two"),
        ("8", "html", b"<!DOCTYPE html><p>three"),
        ("10", "text", b"four"),
    ]
    assert good[0].url == "http://a.b/1"
    assert [(one.name, one.reason) for one in bad] == [("9", "no content type, and no sign of HTML"), ("11", "empty")]
    assert bad[0].excerpt == "some words"


PAGE = b"<p>" + b"some words of a page " * 20
CHUNKED = b"".join(b"%x\r\n%b\r\n" % (len(PAGE[i : i + 50]), PAGE[i : i + 50]) for i in range(0, len(PAGE), 50))
CHUNKED += b"0\r\n\r\n"
ENCODED = {
    "chunked": (CHUNKED, "Transfer-Encoding: chunked"),
    "gzip": (gzip.compress(PAGE, mtime=0), "Content-Encoding: gzip"),
    "said to be chunked, and is not": (PAGE, "Transfer-Encoding: chunked"),
    "said to be gzip, and is not": (PAGE, "Content-Encoding: gzip"),
    "said to be both, and is neither": (PAGE, "Transfer-Encoding: chunked\r\nContent-Encoding: gzip"),
    "said to be brotli, and is not": (PAGE, "Content-Encoding: br"),
}


@pytest.mark.parametrize("name", ENCODED)
def test_transfer_and_content_encodings_are_undone_where_they_are(tmp_path, name):
    body, head = ENCODED[name]
    good, bad = pages(tmp_path, warc(http(body, f"Content-Type: text/html\r\n{head}")))
    assert [one.content for one in good] == [PAGE]
    assert not bad


def test_a_page_that_cannot_be_unpacked_is_broken(tmp_path):
    body = gzip.compress(PAGE * 50)
    damaged = http(body[:20] + b"\xff" * 30 + body[50:], "Content-Type: text/html\r\nContent-Encoding: gzip")
    brotli = http(random.Random(0).randbytes(500), "Content-Type: text/html\r\nContent-Encoding: br")
    good, bad = pages(tmp_path, warc(damaged), warc(brotli), warc(http(PAGE)))
    assert [one.content for one in good] == [PAGE]
    assert ["cannot be unpacked" in one.reason for one in bad] == [True, True]


@pytest.mark.parametrize("pack", ["gzip", "deflate"])
@pytest.mark.parametrize("form", ["plain", "chunked", "said to be chunked, and is not"])
def test_a_packed_page_that_is_cut_off_is_broken(tmp_path, pack, form):
    words = " ".join(map(str, range(5000))).encode()
    packed = (gzip.compress if pack == "gzip" else zlib.compress)(words)
    head = f"Content-Type: text/html\r\nContent-Encoding: {pack}" + (
        "\r\nTransfer-Encoding: chunked" * (form != "plain")
    )

    def record(body):
        return warc(http(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if form == "chunked" else body, head))

    good, bad = pages(tmp_path, record(packed[: len(packed) // 2]), record(packed[:-1]), record(packed), record(words))
    assert [one.content for one in good] == [words, words]
    assert [one.reason for one in bad] == ["cut off: its packed content ends too early"] * 2


@pytest.mark.parametrize("kind", ["response", "resource", "conversion"])
def test_what_the_crawler_cut_off_is_broken(tmp_path, kind):
    content = http(PAGE) if kind == "response" else PAGE
    image = http(b"\x89PNG", "Content-Type: image/png")
    said = "Content-Type: text/html\r\nWARC-Truncated: length\r\n"
    good, bad = pages(tmp_path, warc(content, kind, head=said), warc(image, head=said), warc(http(PAGE)))
    assert [one.name for one in good] == ["3"]
    assert [(one.name, one.reason) for one in bad] == [("1", "cut off by the crawler (length)")]


def test_a_bomb_inside_a_page_is_broken(tmp_path):
    bomb = warc(http(gzip.compress(b"<p>" + b"a" * 30_000_000), "Content-Type: text/html\r\nContent-Encoding: gzip"))
    large = warc(http(b"<p>" + b"a" * 150_000))
    limits = Limits(record_bytes=200_000, html_bytes=100_000)
    good, bad = pages(tmp_path, bomb, large, warc(http(PAGE)), limits=limits)
    assert [one.content for one in good] == [PAGE]
    assert ["the limit is 100000" in one.reason for one in bad] == [True, True]


def test_what_is_not_http_is_told_or_no_page(tmp_path):
    dns = warc(b"20240101\r\na.b. 300 IN A 1.2.3.4", url="dns:a.b")
    log = warc(b"--no-verbose", "resource", url="metadata://x/wget.log", head="Content-Type: text/plain\r\n")
    page = warc(PAGE, "resource", head="Content-Type: text/html\r\n")
    odd = (warc(b"\xff\xfe no http\r\n\r\n"), warc(b""), warc(b"HTTP/1.1 x\r\n\r\n"))
    good, bad = pages(tmp_path, dns, log, *odd, page)
    assert [(one.name, one.content) for one in good] == [("6", PAGE)]
    assert [(one.name, one.reason) for one in bad] == [(n, "a response that is not HTTP") for n in "345"]


def test_a_truncated_archive_ends_with_a_broken_record(tmp_path):
    (tmp_path / "a.warc.gz").write_bytes((gzip.compress(warc(http(PAGE))) * 3)[:-30])
    good, bad = read(tmp_path / "a.warc.gz")
    assert len(good) == 2
    assert "cut off" in bad[0].reason


def test_real_archives_have_the_pages_that_warcio_finds(shared_data):
    from warcio.archiveiterator import ArchiveIterator

    types_read = ("text/html", "application/xhtml+xml", "text/plain")
    for name in ("dolma-sample-0000", "resiliparse-warcfile", "aut-example", "cc-whirlwind"):
        path, wanted = shared_data / "warc" / f"{name}.warc.gz", []
        with path.open("rb") as file:
            for one in ArchiveIterator(file):
                if one.rec_type != "response" or one.http_headers is None:
                    continue
                content = one.content_stream().read()
                mime = (one.http_headers.get_header("Content-Type") or "").partition(";")[0].strip().lower()
                if one.http_headers.get_statuscode() == "200" and mime in types_read and content.strip():
                    wanted.append((one.rec_headers.get_header("WARC-Target-URI"), content))
        assert wanted
        assert [(one.url, one.content) for one in read(path)[0]] == wanted, name


def test_real_texts_of_a_crawl_are_read(shared_data):
    path = shared_data / "warc" / "cc-whirlwind.warc.wet.gz"
    good, bad = read(path)
    assert kind_of(str(path)) == "wet"
    assert [one.url for one in good] == ["https://an.wikipedia.org/wiki/Escopete"]
    assert good[0].content.startswith(b"Escopete - Biquipedia")
    assert not bad


REAL = {
    "webpages/webpages.jsonl.zst": 241,
    "c4-sample/c4.jsonl.gz": 224,
    "wiki-articles/wiki_articles.jsonl.gz": 22,
    "techdocs/techdocs.jsonl.zst": 580,
    "novels/novels-00.parquet": 16,
}


@pytest.mark.parametrize("name", REAL)
def test_real_sources_are_read_whole(shared_data, name):
    good, bad = read(shared_data / name)
    assert len(good) == REAL[name]
    assert not bad


def test_a_folder_gives_its_structured_files_and_groups_of_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["foretell.corpus.reading.parts"], "GROUP_FILES", 2)
    names = ["a.txt", "b/c.md", "b/d.html", "e.txt.gz", "z.bin", "crawl.warc", "rows.jsonl", ".git/x.txt"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(gzip.compress(b"packed") if name.endswith(".gz") else b"words")
    assert kind_of(str(tmp_path)) == "folder"
    found = parts(str(tmp_path))
    assert found == parts(str(tmp_path))
    assert sorted(path for part in found for path in files_of(part)) == sorted(str(tmp_path / n) for n in names[:-1])
    assert found[:2] == [str(tmp_path / "crawl.warc"), str(tmp_path / "rows.jsonl")]
    assert [len(files_of(part)) for part in found[2:]] == [2, 2, 1]
    assert [one for part in found[2:] for one in read_part(part)] == [
        Raw("a.txt", "", "text", b"words"),
        Raw("b/c.md", "", "text", b"words"),
        Raw("b/d.html", "", "html", b"words"),
        Raw("e.txt.gz", "", "text", b"packed"),
        Broken("z.bin", "no kind of file that is read (.bin)"),
    ]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (b"a\0b", "binary: it holds NUL bytes"),
        (b"x" * 3000, "more than 2000 bytes of text"),
        (gzip.compress(b"words" * 100, mtime=0)[:-10], "cut off"),
    ],
)
def test_a_file_that_is_no_document_is_broken(tmp_path, content, why):
    (tmp_path / "a.txt").write_bytes(content)
    good, bad = read(tmp_path / "a.txt", SMALL)
    assert not good
    assert why in bad[0].reason


def test_utf_16_is_text(tmp_path):
    (tmp_path / "a.txt").write_bytes("words".encode("utf-16"))
    assert read(tmp_path / "a.txt")[0][0].content == "words".encode("utf-16")


@pytest.mark.parametrize("name", ["a.txt", "a.html", "a.jsonl", "a.warc.gz", "a.parquet"])
def test_a_file_that_vanished_is_broken(tmp_path, name):
    assert [type(one) for one in read_part(str(tmp_path / name))] == [Broken]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("crawl.warc", "warc"),
        ("CC-MAIN-1.warc.wet.gz", "wet"),
        ("RS_2019-03.zst", "reddit"),
        ("RS_v2_2005-07.xz", "reddit"),
        ("AskReddit_submissions.zst", "reddit"),
        ("a.HTM", "html"),
        ("notes.md", "text"),
        ("a.json.bz2", "jsonl"),
    ],
)
def test_names_tell_what_a_file_is(tmp_path, name, kind):
    (tmp_path / name).write_bytes(b"")
    assert kind_of(str(tmp_path / name)) == kind


def test_posts_are_told_by_their_fields(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"url": "http://a.b", "score": 1, "subreddit": "x"}\n')
    pq.write_table(pa.table({"url": ["a"], "score": [1], "subreddit": ["x"]}), tmp_path / "a.parquet")
    for name in ("a.jsonl", "a.parquet"):
        assert kind_of(str(tmp_path / name)) == "reddit"


@pytest.mark.parametrize("field", ["text", "content", "body", "html"])
def test_documents_with_the_fields_of_posts_are_documents(tmp_path, field):
    row = {"url": "http://a.b", "score": 1, "subreddit": "x", field: "words"}
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "a.parquet")
    for name in ("a.jsonl", "a.parquet"):
        assert [one.content.strip() for one in read(tmp_path / name)[0]] in (["words"], [b"words"])


def test_posts_in_a_folder_of_pages_are_told_and_the_pages_are_read(tmp_path):
    (tmp_path / "RS_2019-03").write_text('{"url": "http://a.b", "score": 1}\n')
    (tmp_path / "a.txt").write_text("words")
    found = [one for part in parts(str(tmp_path)) for one in read_part(part)]
    why = "RS_2019-03 holds links, not pages; give files of posts by themselves, and pages beside them"
    assert found == [Broken("RS_2019-03", why), Raw("a.txt", "", "text", b"words")]


def test_other_files_in_a_folder_of_posts_are_told_and_the_posts_are_read(tmp_path):
    (tmp_path / "RS_2019-03").write_text('{"id": "x", "url": "http://a.b", "score": 1}\n')
    (tmp_path / "README.md").write_text("words")
    found = [one for part in parts(str(tmp_path)) for one in submissions(part)]
    assert found == [Submission("x", "http://a.b", 1, 0, False, False), Broken("README.md", "no file of posts")]


def test_what_cannot_be_read_is_refused_with_the_remedy(tmp_path):
    (tmp_path / "a.docx").write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    for spec, said in (("nowhere", "does not exist"), ("a.docx", "no kind of file"), ("empty", "holds no files")):
        with pytest.raises(BadUse, match=said) as error:
            parts(str(tmp_path / spec))
        assert "give a folder" in str(error.value)


@pytest.mark.parametrize("wrong", [{"record_bytes": 0}, {"html_bytes": -1}])
def test_limits_that_leave_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match="leaves nothing to read"):
        Limits(**wrong)


def test_a_data_set_of_the_hub_is_streamed(monkeypatch):
    asked = []

    def load_dataset(name, config, *, split, streaming):
        asked.append((name, config, split, streaming))
        yield {"text": "one", "url": "http://a.b"}
        yield {"label": 1}
        if name == "down/load":
            raise ConnectionError("no route to host\nmore")

    monkeypatch.setitem(sys.modules, "datasets", types.SimpleNamespace(load_dataset=load_dataset))
    assert kind_of("hf:some/set") == "hub"
    assert parts("hf:some/set/en:test") == ["hf:some/set/en:test"]
    assert files_of("hf:some/set") == []
    good, bad = read("hf:some/set/en:test")
    assert good == [Raw("1", "http://a.b", "text", "one")]
    assert len(bad) == 1
    assert asked[0] == ("some/set", "en", "test", True)
    with pytest.raises(Failed, match=r"cannot be read \(no route to host\); check the name and the network"):
        list(read_part("hf:down/load"))


def test_without_the_package_the_hub_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(BadUse, match="pip install datasets"):
        list(read_part("hf:some/set"))


@pytest.mark.parametrize("spec", ["", "a/b/c/d", "a//b"])
def test_a_name_that_is_no_data_set_is_refused(spec):
    with pytest.raises(BadUse, match="names no data set"):
        hub_name(spec)


def test_what_the_server_says_of_the_encoding_comes_along(tmp_path):
    content = http("Gr\xfc\xdfe".encode("latin-1"), "Content-Type: text/html; charset=iso-8859-1")
    (good,), _ = pages(tmp_path, warc(content))
    assert good.typed == "text/html; charset=iso-8859-1"
