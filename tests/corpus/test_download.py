"""The downloader against a server of this machine."""

import gzip
import io
import socket
import threading
import time
from collections import Counter
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from warcio.archiveiterator import ArchiveIterator

from foretell.corpus.download import DownloadConfig, download, outcomes_of
from foretell.corpus.fetch import FetchConfig, Fetcher
from foretell.corpus.places import Place, place_of
from foretell.corpus.reading import Broken, Raw, parts, read_part
from foretell.errors import BadUse, Failed

QUICK = FetchConfig(delay=0, backoff=0, timeout=1, private=True, page_bytes=100_000, retries=2)
SEQUENTIAL = DownloadConfig(batch=3)
ROBOTS = "\ufeffUser-agent: *\nDisallow: /private\n\nUser-agent: foretell\nDisallow: /secret\nCrawl-delay: 3\n"


class Site:
    """What the server answers, by path, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.over = threading.Event()
        self.agents: set[str] = set()
        self.at_once = self.most_at_once = 0
        self.pages: dict[str, tuple[int, dict[str, str], bytes]] = {}

    def page(self, path: str, body: bytes = b"<p>page", status: int = 200, **head: str) -> None:
        named = {name.replace("_", "-"): value for name, value in head.items()}
        self.pages[path] = (status, {"Content-Type": "text/html; charset=latin-1", **named}, body)


@pytest.fixture
def site():
    made = Site()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            with lock:
                made.asked.append(self.path)
                made.agents.add(self.headers["User-Agent"])
                made.at_once += 1
                made.most_at_once = max(made.most_at_once, made.at_once)
            try:
                self.answer()
            except OSError:  # the other side has left
                self.close_connection = True
            finally:
                with lock:
                    made.at_once -= 1

        def answer(self):
            n = made.asked.count(self.path)
            status, head, body = made.pages.get(self.path, (404, {}, b""))
            if self.path.startswith("/flaky") and n <= 2:
                status, body = 503, b"later"
            if self.path == "/cut":
                head, self.close_connection = {**head, "Content-Length": "1000"}, True
            if self.path == "/dead":
                self.close_connection = True
                return
            if self.path == "/pieces":  # a chunk for every byte
                self.send_response(200)
                for name, value in (("Transfer-Encoding", "chunked"), ("Content-Encoding", "gzip")):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n")
                return
            if self.path == "/drip-head":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
                for _ in range(100):
                    if made.over.wait(0.02):
                        return
                    self.wfile.write(b"x")
                made.asked.append("all of the head")
                self.wfile.write(b"\r\nContent-Length: 0\r\n\r\n")
                return
            if self.path == "/drip":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 90000\r\n\r\na drop")
                self.wfile.flush()
                made.over.wait(10)
                return
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **head}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    yield made
    made.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


class Time:
    """A clock that only pauses move."""

    def __init__(self) -> None:
        self.now, self.pauses = 0.0, []

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)


def fetched(site, path, cfg=QUICK, clock=None):
    told = clock or Time()
    with Fetcher(cfg, lambda: told.now, told.pause) as fetcher:
        return fetcher.page(site.url + path)


def test_pages_are_written_as_archives_that_reading_reads(site, tmp_path):
    for n in range(7):
        site.page(f"/{n}", f"<p>page {n} caf\u00e9".encode("latin-1"))
    site.page("/image", b"\x89PNG", Content_Type="image/png")
    urls = [*(f"{site.url}/{n}" for n in range(7)), f"{site.url}/0#again", f"{site.url}/image", f"{site.url}/none"]
    done = download(urls, tmp_path, SEQUENTIAL, QUICK, quiet=True)
    assert done.outcomes == {"fetched": 7, "no page of text": 1, "status 404": 1}
    assert len(done.files) == 3
    found = [one for file in done.files for one in read_part(str(file))]
    assert {(one.url, one.content) for one in found} == {
        (f"{site.url}/{n}", f"<p>page {n} caf\u00e9".encode("latin-1")) for n in range(7)
    }
    assert all(isinstance(one, Raw) and one.kind == "html" for one in found)
    assert Counter(row["url"] for file in done.files for row in outcomes_of(file)) == Counter(
        url for url in urls if "#" not in url
    )
    assert site.agents == {"foretell/0.1.0"}


def test_the_archives_are_as_warcio_reads_them(site, tmp_path):
    site.page("/a", b"<p>one")
    done = download([f"{site.url}/a"], tmp_path, SEQUENTIAL, QUICK, quiet=True)
    (one,) = ArchiveIterator(io.BytesIO(done.files[0].read_bytes()), check_digests=True)
    assert (one.rec_type, one.http_headers.get_statuscode()) == ("response", "200")
    assert one.rec_headers.get_header("WARC-Target-URI") == f"{site.url}/a"


def test_what_was_fetched_is_not_fetched_again(site, tmp_path):
    urls = [f"{site.url}/{n}" for n in range(8)]
    for n in range(8):
        site.page(f"/{n}")
    first = download(urls, tmp_path, SEQUENTIAL, QUICK, quiet=True)
    asked = len(site.asked)
    before = [file.read_bytes() for file in first.files]
    assert download(urls[::-1], tmp_path, SEQUENTIAL, QUICK, quiet=True) == first
    assert len(site.asked) == asked
    lost = first.files[1]
    lost.with_name(f".{lost.name}.outcomes.jsonl").unlink()  # a kill between the two files
    assert download(urls, tmp_path, SEQUENTIAL, QUICK, quiet=True) == first
    assert len(site.asked) == asked + 1 + len(outcomes_of(lost))
    assert [first.files[0].read_bytes(), first.files[2].read_bytes()] == [before[0], before[2]]


def test_other_links_beside_them_change_nothing_of_what_was_fetched(site, tmp_path):
    for n in range(12):
        site.page(f"/{n}", b"<p>%d" % n)
    urls = [f"{site.url}/{n}" for n in range(12)]
    first = download(urls[:7], tmp_path, SEQUENTIAL, QUICK, quiet=True)
    before = {file: file.read_bytes() for file in first.files}
    more = download(urls, tmp_path, SEQUENTIAL, QUICK, quiet=True)
    assert more.outcomes == {"fetched": 12}
    assert {file: file.read_bytes() for file in first.files} == before
    assert Counter(site.asked) == Counter({"/robots.txt": 2, **{f"/{n}": 1 for n in range(12)}})
    found = [one for part in parts(str(tmp_path)) for one in read_part(part)]  # the folder as a source
    assert sorted(one.url for one in found) == sorted(urls)
    assert set(download(urls[:1], tmp_path, SEQUENTIAL, QUICK, quiet=True).files) < set(more.files)
    first.files[0].with_name(f".{first.files[0].name}.outcomes.jsonl").unlink()
    again = download(urls[::-1], tmp_path, DownloadConfig(batch=2), QUICK, quiet=True)
    assert again.outcomes == {"fetched": 12}
    found = [one for part in parts(str(tmp_path)) for one in read_part(part)]
    assert sorted(one.url for one in found) == sorted(urls)


def test_what_may_pass_is_tried_again_and_the_rest_is_not(site, tmp_path):
    site.page("/a")
    site.page("/busy", b"", 503)
    urls = [f"{site.url}{path}" for path in ("/a", "/busy", "/dead", "/none")]
    first = download(urls, tmp_path, DownloadConfig(), QUICK, quiet=True)
    assert first.outcomes == {"broken answer (ProtocolError)": 1, "fetched": 1, "status 404": 1, "status 503": 1}
    site.page("/busy", b"<p>now")
    asked = len(site.asked)
    then = download(urls, tmp_path, DownloadConfig(), QUICK, quiet=True)
    assert then.outcomes == {"broken answer (ProtocolError)": 1, "fetched": 2, "status 404": 1}
    assert set(site.asked[asked:]) == {"/robots.txt", "/busy", "/dead"}
    assert len(then.files) == 2
    with pytest.raises(Failed, match=r"no page could be fetched \(broken answer \(ProtocolError\): 1\); look at"):
        download(urls[2:3], tmp_path / "other", DownloadConfig(), QUICK, quiet=True)


def test_a_page_is_called_the_same_whenever_it_is_fetched(site, tmp_path, monkeypatch):
    site.page("/a")
    names = []
    for date in ("2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"):
        monkeypatch.setattr("foretell.corpus.fetch.time.strftime", lambda *_, date=date: date)
        (file,) = download([f"{site.url}/a"], tmp_path / date[:4], SEQUENTIAL, QUICK, quiet=True).files
        names += [one.name for one in read_part(str(file))]
        assert date.encode() in gzip.decompress(file.read_bytes())
    assert names[0] == names[1]


def test_outcomes_that_cannot_be_read_are_told(site, tmp_path):
    site.page("/a")
    (file,) = download([f"{site.url}/a"], tmp_path, SEQUENTIAL, QUICK, quiet=True).files
    for content in ("{cut", "[1]", "{}"):
        file.with_name(f".{file.name}.outcomes.jsonl").write_text(content)
        with pytest.raises(Failed, match=r"cannot be read .* delete it, and its links are fetched again"):
            download([f"{site.url}/a"], tmp_path, SEQUENTIAL, QUICK, quiet=True)


def test_robots_are_obeyed_for_our_own_name(site):
    site.page("/robots.txt", ROBOTS.encode())
    for path in ("/secret/x", "/private/x", "/open"):
        site.page(path)
    assert fetched(site, "/secret/x").outcome == "robots.txt disallows it"
    assert fetched(site, "/private/x").outcome == "fetched"  # our own section counts, not that of all
    assert fetched(site, "/open").outcome == "fetched"
    assert "/secret/x" not in site.asked


def test_requests_to_a_host_wait_for_the_longer_of_both_delays(site):
    site.page("/robots.txt", ROBOTS.encode())
    site.page("/a")
    clock = Time()
    with Fetcher(QUICK, lambda: clock.now, clock.pause) as fetcher:
        for _ in range(2):
            fetcher.page(f"{site.url}/a")
    assert clock.pauses == [3.0, 3.0]
    with Fetcher(FetchConfig(delay=5, private=True), lambda: clock.now, clock.pause) as fetcher:
        clock.pauses.clear()
        for _ in range(3):
            fetcher.page(f"{site.url}/a")
    assert clock.pauses == [5.0, 5.0, 5.0]


def test_a_crawl_delay_beyond_reason_gives_the_host_up(site):
    site.page("/robots.txt", b"User-agent: *\nCrawl-delay: 86400")
    assert fetched(site, "/a").outcome == "its Crawl-delay is too long"
    assert site.asked == ["/robots.txt"]


@pytest.mark.parametrize(("status", "outcome"), [(404, "fetched"), (403, "fetched"), (500, "robots.txt cannot be had")])
def test_without_robots_all_is_allowed_unless_the_server_is_in_trouble(site, status, outcome):
    site.page("/robots.txt", b"Disallow: /", status)
    site.page("/a")
    assert fetched(site, "/a").outcome == outcome


def test_a_server_in_trouble_is_asked_again_later_and_later(site):
    site.page("/flaky")
    clock = Time()
    cfg = FetchConfig(delay=0, backoff=2, private=True)
    assert fetched(site, "/flaky", cfg, clock).outcome == "fetched"
    assert clock.pauses == [2.0, 4.0]
    site.page("/always", b"", 500)
    assert fetched(site, "/always").outcome == "status 500"
    assert site.asked.count("/always") == 3


def test_retry_after_is_heard(site):
    site.page("/busy", b"", 429, Retry_After="30")
    clock = Time()
    assert fetched(site, "/busy", clock=clock).outcome == "status 429"
    assert clock.pauses == [30.0, 30.0]
    site.page("/gone", b"", 503, Retry_After="3600")
    assert fetched(site, "/gone").outcome == "asks to wait too long"


def test_redirects_are_followed_and_their_robots_asked(site):
    site.page("/robots.txt", b"User-agent: *\nDisallow: /secret")
    site.page("/a", b"", 301, Location="b?x=1")
    site.page("/b?x=1", b"<p>there")
    site.page("/loop", b"", 302, Location="/loop")
    site.page("/to-secret", b"", 302, Location="/secret")
    site.page("/to-file", b"", 302, Location="file:///etc/passwd")
    page = fetched(site, "/a")
    assert (page.outcome, page.content, page.final_url) == ("fetched", b"<p>there", f"{site.url}/b?x=1")
    assert fetched(site, "/loop").outcome == "too many redirects"
    assert fetched(site, "/to-secret").outcome == "robots.txt disallows it"
    assert fetched(site, "/to-file").outcome == "no web address"


def test_pages_too_large_bombs_and_broken_answers_are_told(site):
    site.page("/large", b"x" * 100_001)
    site.page("/bomb", gzip.compress(b"x" * 10_000_000), Content_Encoding="gzip")
    site.page("/packed", gzip.compress(b"<p>x"), Content_Encoding="gzip")
    site.page("/not-packed", b"<p>x", Content_Encoding="gzip")
    site.page("/cut", b"half")
    assert fetched(site, "/large").outcome == "too large"
    assert fetched(site, "/bomb").outcome == "too large"
    assert fetched(site, "/packed").content == b"<p>x"
    assert fetched(site, "/not-packed").outcome == "broken answer (DecodeError)"
    assert fetched(site, "/cut").outcome == "broken answer (ProtocolError)"
    assert fetched(site, "/dead").outcome == "broken answer (ProtocolError)"
    assert site.asked.count("/dead") == 3
    assert site.asked.count("/not-packed") == 1


def test_a_server_that_is_not_there_cannot_be_connected_to():
    with socket.socket() as taken:  # bound and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        with Fetcher(replace(QUICK, retries=0)) as fetcher:
            page = fetcher.page(f"http://127.0.0.1:{taken.getsockname()[1]}/a")
    assert (page.outcome, page.again) == ("robots.txt: cannot connect", True)


@pytest.mark.parametrize("path", ["/drip", "/drip-head"])
def test_a_page_that_drips_is_given_up_before_the_next_drop(site, path):
    with Fetcher(QUICK, lambda: 1000.0 if path in site.asked else 0.0, lambda seconds: None) as fetcher:
        page = fetcher.page(site.url + path)
    assert (page.outcome, page.again) == ("too slow", True)
    assert site.asked == ["/robots.txt", path]


def test_retries_together_take_no_more_than_a_page_may(site):
    site.page("/busy", b"", 503, Retry_After="50")
    clock = Time()
    page = fetched(site, "/busy", FetchConfig(delay=30, private=True, retries=9, page_seconds=120), clock)
    assert (page.outcome, page.again) == ("status 503", True)
    assert clock.pauses == [30.0, 50.0, 50.0]  # the first is the host's own, behind its robots.txt, and not counted
    assert site.asked == ["/robots.txt", *["/busy"] * 3]


def test_nothing_that_a_server_says_raises(site):
    site.page("/robots.txt", "User-agent: *\nCrawl-delay: \u00b2\nDisallow: //[\nDisallow: /no".encode())
    site.page("/to-nothing", b"", 302, Location="http://[")
    site.page("/to-port", b"", 302, Location="http://a.b:99999/")
    site.page("/busy", b"", 503, Retry_After="\xb2")
    site.page("/length", b"", 200, Content_Length="\xb2")
    site.page("/type", b"<p>x", Content_Type="text/html; charset=\xb2")
    assert fetched(site, "/to-nothing").outcome == "no web address"
    assert fetched(site, "/to-port").outcome == "no web address"
    assert fetched(site, "/busy").outcome == "status 503"
    assert fetched(site, "/length", replace(QUICK, timeout=0.2, retries=0)).outcome == "timed out"
    assert fetched(site, "/type").outcome == "fetched"
    assert fetched(site, "/no").outcome == "robots.txt disallows it"
    site.page("/robots.txt", b"", 301, Location="http://[")
    assert fetched(site, "/type").outcome == "robots.txt leads nowhere"


def test_a_place_is_where_the_client_connects_to():
    assert place_of("http://u:p@A.b:80/x?y#z") == Place("http://a.b", "a.b", "/x?y")
    assert place_of("https://a.b.:443") == Place("https://a.b.", "a.b", "/")
    assert place_of("https://a.b:80/") == Place("https://a.b:80", "a.b", "/")
    assert place_of("http://[::1]:8000/").host == "::1"
    assert place_of("http://10.0.0.1\\@a.b/").host == "10.0.0.1"  # urllib.parse reads a.b, urllib3 connects to 10.0.0.1


def test_a_host_has_one_turn_whatever_its_scheme_port_and_user(site):
    for path in ("/a", "/b"):
        site.page(path)
    clock = Time()
    with Fetcher(FetchConfig(delay=5, private=True), lambda: clock.now, clock.pause) as fetcher:
        assert fetcher.page(f"{site.url}/a").outcome == "fetched"
        assert fetcher.page(f"{site.url.replace('//', '//me@')}/b").outcome == "fetched"
        hosts = [fetcher._host(place_of(url)) for url in ("http://a.b/", "https://A.b:8443/", "http://me@a.b:80/")]
    assert site.asked == ["/robots.txt", "/a", "/b"]
    assert clock.pauses == [5.0, 5.0]
    assert hosts[0] is hosts[1] is hosts[2]


def test_a_public_site_cannot_lead_into_a_private_network(site, monkeypatch):
    ask = socket.getaddrinfo

    def names(host, port, *args, **kwargs):  # public where it is checked, this machine where it is connected to
        if host == "public.example":
            host = "127.0.0.1" if port else "93.184.216.34"
        return ask(host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", names)
    public = site.url.replace("127.0.0.1", "public.example")
    site.page("/robots.txt", b"", 404)
    site.page("/a", b"", 302, Location=f"{site.url}/secret")
    site.page("/b", b"", 302, Location=f"{public}/c")
    site.page("/c")
    site.page("/secret")
    with Fetcher(replace(QUICK, private=False)) as fetcher:
        assert fetcher.page(f"{public}/b").outcome == "fetched"
        assert fetcher.page(f"{public}/a").outcome == "a private address"
    site.page("/robots.txt", b"", 302, Location=f"{site.url}/secret")
    with Fetcher(replace(QUICK, private=False)) as fetcher:
        assert fetcher.page(f"{public}/b").outcome == "robots.txt leads nowhere"
        assert fetcher.page(f"http://10.0.0.1\\@{public.removeprefix('http://')}/b").outcome == "a private address"
    assert "/secret" not in site.asked


def test_a_link_without_a_scheme_is_one_of_the_web(site):
    site.page("/a")
    with Fetcher(QUICK) as fetcher:
        assert fetcher.page(f" {site.url.removeprefix('http:')}/a ").outcome == "fetched"
        assert fetcher.page(f"{site.url.removeprefix('http://')}/a").outcome == "fetched"


def test_private_addresses_are_not_visited(site):
    site.page("/a")
    for url in (site.url, "http://localhost", "http://10.0.0.1", "http://169.254.169.254", "http://[::1]"):
        with Fetcher(FetchConfig(delay=0)) as fetcher:
            assert fetcher.page(f"{url}/a").outcome == "a private address"
    assert site.asked == []


@pytest.mark.parametrize("url", ["", "mailto:a@b.c", "http://", "http://a b", "ftp://a.b/"])
def test_a_link_that_is_no_address_is_told(url):
    with Fetcher(QUICK) as fetcher:
        assert fetcher.page(url).outcome == "no web address"


def test_a_host_gets_one_request_at_a_time_and_hosts_go_together(site, tmp_path):
    for n in range(12):
        site.page(f"/{n}")
    download([f"{site.url}/{n}" for n in range(12)], tmp_path, DownloadConfig(), QUICK, quiet=True)
    assert site.most_at_once == 1


def test_odd_urls_and_types_cannot_forge_a_record(site, tmp_path):
    site.page("/a?x=WARC/1.0", b"\r\n\r\nWARC/1.0\r\nContent-Length: 3\r\n\r\nabc", Content_Type="text/html;  x")
    done = download([f"{site.url}/a?x=WARC/1.0"], tmp_path, SEQUENTIAL, QUICK, quiet=True)
    found = list(read_part(str(done.files[0])))
    assert [one.content for one in found if isinstance(one, Raw)] == [site.pages["/a?x=WARC/1.0"][2]]
    assert not [one for one in found if isinstance(one, Broken)]


def test_no_link_is_refused(tmp_path):
    with pytest.raises(BadUse, match="no link to download"):
        download(["", "mailto:a@b.c"], tmp_path, SEQUENTIAL, QUICK, quiet=True)


def test_a_folder_that_cannot_be_written_is_told(site, tmp_path):
    site.page("/a")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Failed, match="cannot write"):
        download([f"{site.url}/a"], tmp_path / "file", SEQUENTIAL, QUICK, quiet=True)


@pytest.mark.parametrize("wrong", [{"delay": -1}, {"timeout": 0}, {"page_bytes": 0}, {"agent": "a b"}, {"agent": ""}])
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        FetchConfig(**wrong)
    with pytest.raises(ValueError, match="must be 1 or more"):
        DownloadConfig(batch=0)


def test_a_clock_is_a_clock():
    with Fetcher(QUICK) as fetcher:
        assert fetcher._clock() <= time.monotonic()


def test_a_packed_page_in_the_smallest_pieces_is_whole(site):
    site.page("/pieces", gzip.compress(b"<p>" + b"some words " * 30))
    for _ in range(3):
        assert fetched(site, "/pieces").content == b"<p>" + b"some words " * 30
