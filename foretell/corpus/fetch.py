"""One page from the web, politely: robots.txt, a pause between a host's requests, retries, limits of size and time."""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from threading import Lock
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urljoin, urlsplit
from urllib.robotparser import RobotFileParser

from foretell.corpus.urls import canonical
from foretell.version import VERSION

PAGES = ("text/html", "application/xhtml+xml", "text/plain", "")  # media types that are kept; '' is none given
MOVED, LATER = (301, 302, 303, 307, 308), (429, 500, 502, 503, 504)
ROBOTS_BYTES = 512_000  # of a robots.txt that are read: RFC 9309, section 2.5
READ = 1 << 16


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchConfig:
    """How a host is treated, and when a page is given up."""

    agent: str = "foretell"
    """the name that robots.txt is asked about; servers see it with the version and the contact"""
    contact: str = ""
    """a URL or an e-mail address where a site's owner can complain"""
    delay: float = 1.0
    """seconds between two requests to a host; a longer Crawl-delay of its robots.txt is kept instead"""
    longest_wait: float = 60.0
    """seconds of a Crawl-delay or a Retry-After above which the page is given up"""
    timeout: float = 20.0
    """seconds without a byte after which a request has failed"""
    page_seconds: float = 120.0
    """seconds that a page may take in all, however steadily it drips"""
    page_bytes: int = 10_000_000
    """bytes of a page, unpacked, above which it is given up"""
    retries: int = 3
    backoff: float = 2.0
    """seconds before the first retry, doubled with each"""
    redirects: int = 5
    private: bool = False
    """visit private and local addresses too; links come from strangers, so only for one's own server"""

    def __post_init__(self) -> None:
        least = min(self.delay, self.longest_wait, self.backoff, self.retries, self.redirects)
        if least < 0 or min(self.timeout, self.page_seconds, self.page_bytes) <= 0:
            raise ValueError("delay, waits, retries and redirects must not be negative; timeouts and sizes above 0")
        if not self.agent.isascii() or not self.agent.replace("-", "").isalnum():
            raise ValueError(f"agent={self.agent!r} must be letters, digits and hyphens; robots.txt knows no other")


class Fetched(NamedTuple):
    """A link and what became of it; all but url and outcome are empty unless the outcome is `fetched`."""

    url: str
    outcome: str
    final_url: str = ""
    content_type: str = ""
    content: bytes = b""
    date: str = ""


class Refused(Exception):
    """A page is not fetched, for a reason that goes into its outcome."""


class Answer(NamedTuple):
    """A server's answer, its content unpacked, of at most the bytes asked for and one more."""

    status: int
    headers: Any
    content: bytes


@dataclass(slots=True)
class Host:
    """What is known of a scheme, host and port while a Fetcher lives."""

    lock: Lock = field(default_factory=Lock)
    free_at: float = 0.0
    delay: float = 0.0
    robots: RobotFileParser | None = None
    refused: str = ""


class Fetcher:
    """Fetches pages from many threads; a host gets one request at a time. `clock` and `pause` are for tests."""

    def __init__(
        self,
        cfg: FetchConfig,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        import urllib3

        contact = f" (+{cfg.contact})" if cfg.contact else ""
        self.cfg, self._clock, self._pause = cfg, clock, pause
        self._hosts: dict[str, Host] = {}
        self._lock = Lock()
        headers = {"User-Agent": f"{cfg.agent}/{VERSION}{contact}", "Accept": "text/html,text/plain;q=0.5"}
        self._pool = urllib3.PoolManager(
            headers={**headers, "Accept-Encoding": "gzip, deflate"}, timeout=cfg.timeout, retries=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.clear()

    def page(self, url: str) -> Fetched:
        """The page of a link, or why there is none; nothing that a server does raises."""
        try:
            final, answer = self._followed(url)
        except Refused as reason:
            return Fetched(url, str(reason))
        typed = answer.headers.get("Content-Type", "")
        mime = typed.partition(";")[0].strip().lower()
        if mime not in PAGES:
            return Fetched(url, "no page of text", final)
        date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return Fetched(url, "fetched", final, " ".join(typed.split()), answer.content, date)

    def _followed(self, url: str) -> tuple[str, Answer]:
        for _ in range(self.cfg.redirects + 1):
            host = self._host(url)
            with host.lock:
                self._ask_robots(host, url)
                answer = self._answer(host, url, self.cfg.page_bytes)
            if answer.status in MOVED and answer.headers.get("Location"):
                url = urljoin(url, answer.headers["Location"])
                continue
            if answer.status != 200:
                raise Refused(f"status {answer.status}")
            if len(answer.content) > self.cfg.page_bytes:
                raise Refused("too large")
            return url, answer
        raise Refused("too many redirects")

    def _host(self, url: str) -> Host:
        if not canonical(url):
            raise Refused("no web address")
        parts = urlsplit(url)
        with self._lock:
            return self._hosts.setdefault(f"{parts.scheme}://{parts.netloc.lower()}", Host(delay=self.cfg.delay))

    def _ask_robots(self, host: Host, url: str) -> None:
        """Refuse what the host's robots.txt disallows. No such file allows all; a server in trouble, nothing."""
        if host.robots is None and not host.refused:
            host.refused = self._private(url) or self._read_robots(host, urljoin(url, "/robots.txt"))
        if host.refused:
            raise Refused(host.refused)
        if host.robots is not None and not host.robots.can_fetch(self.cfg.agent, url):
            raise Refused("robots.txt disallows it")

    def _read_robots(self, host: Host, url: str) -> str:
        """Ask for a robots.txt; why the host is refused as a whole, or ''. Redirects of it are followed."""
        try:
            for _ in range(self.cfg.redirects + 1):
                answer = self._answer(host, url, ROBOTS_BYTES)
                if answer.status not in MOVED or not answer.headers.get("Location"):
                    break
                url = urljoin(url, answer.headers["Location"])
                if not canonical(url) or self._private(url):
                    return "robots.txt leads nowhere"
        except Refused as reason:
            return f"robots.txt: {reason}"
        if answer.status >= 500:
            return "robots.txt cannot be had"
        text = answer.content[:ROBOTS_BYTES].decode("utf-8", "replace") if answer.status == 200 else ""
        host.robots = RobotFileParser()
        host.robots.parse(text.removeprefix("\ufeff").splitlines())
        asked = float(host.robots.crawl_delay(self.cfg.agent) or 0)
        host.delay = max(self.cfg.delay, asked)
        return "its Crawl-delay is too long" if asked > self.cfg.longest_wait else ""

    def _private(self, url: str) -> str:
        """Why a host is not visited: its name leads nowhere or into a private network."""
        if self.cfg.private:
            return ""
        try:
            found = socket.getaddrinfo(urlsplit(url).hostname, None, proto=socket.IPPROTO_TCP)
        except (OSError, UnicodeError):
            return "no such host"
        addresses = [ip_address(str(address[4][0]).partition("%")[0]) for address in found]
        return "" if all(address.is_global for address in addresses) else "a private address"

    def _answer(self, host: Host, url: str, most: int) -> Answer:
        """A server's answer, after retries; Refused if there is none."""
        said = "no answer"
        for attempt in range(self.cfg.retries + 1):
            wait = self.cfg.backoff * 2**attempt
            try:
                answer = self._once(host, url, most)
                if answer.status not in LATER or attempt == self.cfg.retries:
                    return answer
                wait = max(wait, _seconds(answer.headers.get("Retry-After", "")))
            except OSError as error:
                said = str(error)
            if wait > self.cfg.longest_wait:
                raise Refused("asks to wait too long")
            if attempt < self.cfg.retries:
                self._pause(wait)
        raise Refused(said)

    def _once(self, host: Host, url: str, most: int) -> Answer:
        """One request, when the host's pause is over; OSError with a short reason if it fails."""
        import urllib3

        if (left := host.free_at - self._clock()) > 0:
            self._pause(left)
        begun, content = self._clock(), bytearray()
        try:
            response = self._pool.request("GET", url, preload_content=False, redirect=False)
            try:
                while len(content) <= most and (piece := response.read1(READ, decode_content=True)):
                    content += piece
                    if self._clock() - begun > self.cfg.page_seconds:
                        raise Refused("too slow")
            finally:
                response.close()
        except urllib3.exceptions.HTTPError as error:
            late = isinstance(error, urllib3.exceptions.TimeoutError)
            raise OSError("timed out" if late else _failure(error)) from error
        except ValueError as error:  # a URL that only looked like one
            raise Refused("no web address") from error
        finally:
            host.free_at = self._clock() + host.delay
        return Answer(response.status, response.headers, bytes(content))


def _failure(error: Exception) -> str:
    return "cannot connect" if "Connection" in type(error).__name__ else f"broken answer ({type(error).__name__})"


def _seconds(retry_after: str) -> float:
    """The seconds of a Retry-After; 0 where it is a date, which clocks that differ make worthless."""
    return float(retry_after) if retry_after.strip().isdigit() else 0.0
