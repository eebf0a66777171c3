"""One page from the web, politely: robots.txt, a pause between a host's requests, retries, limits of size and time."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock, local
from types import TracebackType
from typing import Any, NamedTuple, Self

from foretell.corpus.connections import connections
from foretell.corpus.places import Place, Refused, check_public, joined, place_of, with_scheme
from foretell.corpus.robots import Robots, is_allowed, robots
from foretell.version import VERSION

PAGES = ("text/html", "application/xhtml+xml", "text/plain", "")  # media types that are kept; '' is none given
MOVED, LATER = (301, 302, 303, 307, 308), (429, 500, 502, 503, 504)
ROBOTS_BYTES = 512_000  # of a robots.txt that are read: RFC 9309, section 2.5
READ = 1 << 16
SECONDS = re.compile(r"[0-9]{1,9}")


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
    """seconds that a page may take in all, its retries and redirects too, but not the pauses between requests"""
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
    """A link and what became of it; all but url, outcome and again are empty unless the outcome is `fetched`."""

    url: str
    outcome: str
    final_url: str = ""
    content_type: str = ""
    content: bytes = b""
    date: str = ""
    again: bool = False
    """not fetched for a reason that may pass: the network, a server in trouble"""


class Answer(NamedTuple):
    """A server's answer, its content unpacked, of at most the bytes asked for and one more."""

    status: int
    headers: Any
    content: bytes


@dataclass(slots=True)
class Host:
    """What is known of a host while a Fetcher lives; robots.txt is each scheme's and port's own (RFC 9309, 2.3)."""

    lock: Lock = field(default_factory=Lock)
    free_at: float = 0.0
    delay: float = 0.0
    robots: dict[str, Robots | Refused] = field(default_factory=dict)


class Fetcher:
    """Fetches pages from many threads; a host gets one request at a time. `clock` and `pause` are for tests."""

    def __init__(
        self,
        cfg: FetchConfig,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        contact = f" (+{cfg.contact})" if cfg.contact else ""
        self.cfg, self._clock, self._pause = cfg, clock, pause
        self._hosts: dict[str, Host] = {}
        self._lock = Lock()
        self._page = local()  # `until`: when the page that this thread fetches has taken too long
        headers = {"User-Agent": f"{cfg.agent}/{VERSION}{contact}", "Accept": "text/html,text/plain;q=0.5"}
        self._pool = connections(
            self._is_late, headers={**headers, "Accept-Encoding": "gzip, deflate"}, timeout=cfg.timeout, retries=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.clear()

    def page(self, url: str) -> Fetched:
        """The page of a link, or why there is none; nothing that a server does raises."""
        self._page.until = self._clock() + self.cfg.page_seconds
        try:
            final, answer = self._followed(with_scheme(url))
        except Refused as reason:
            return Fetched(url, str(reason), again=reason.again)
        typed = answer.headers.get("Content-Type", "")
        mime = typed.partition(";")[0].strip().lower()
        if mime not in PAGES:
            return Fetched(url, "no page of text", final)
        date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return Fetched(url, "fetched", final, " ".join(typed.split()), answer.content, date)

    def _is_late(self) -> bool:
        return self._clock() > self._page.until

    @contextmanager
    def _uncounted(self) -> Iterator[None]:
        """Time that is not the page's own: a pause, the host's robots.txt."""
        begun, until = self._clock(), self._page.until
        try:
            yield
        finally:
            self._page.until = until + self._clock() - begun

    def _followed(self, url: str) -> tuple[str, Answer]:
        for _ in range(self.cfg.redirects + 1):
            place = place_of(url)
            host = self._host(place)
            asked_at = self._clock()
            with host.lock:
                self._page.until += self._clock() - asked_at  # another page's turn
                self._ask_robots(host, place)
                answer = self._answer(host, url, self.cfg.page_bytes)
            if answer.status in MOVED and answer.headers.get("Location"):
                url = joined(url, answer.headers["Location"])
                continue
            if answer.status != 200:
                raise Refused(f"status {answer.status}", answer.status in LATER)
            if len(answer.content) > self.cfg.page_bytes:
                raise Refused("too large")
            return url, answer
        raise Refused("too many redirects")

    def _host(self, place: Place) -> Host:
        with self._lock:
            return self._hosts.setdefault(place.host, Host(delay=self.cfg.delay))

    def _ask_robots(self, host: Host, place: Place) -> None:
        """Refuse what the host's robots.txt disallows. No such file allows all; a server in trouble, nothing."""
        if place.origin not in host.robots:
            with self._uncounted():
                self._page.until = self._clock() + self.cfg.page_seconds
                host.robots[place.origin] = self._robots(host, place)
        found = host.robots[place.origin]
        if isinstance(found, Refused):
            raise Refused(str(found), found.again)
        if not is_allowed(found, place.target):
            raise Refused("robots.txt disallows it")

    def _robots(self, host: Host, place: Place) -> Robots | Refused:
        """The rules of a place, or why it is refused as a whole."""
        try:
            self._check(place)
            answer = self._robots_answer(host, f"{place.origin}/robots.txt")
        except Refused as reason:
            return reason
        if answer.status >= 500 or answer.status in LATER:
            return Refused("robots.txt cannot be had", True)
        text = answer.content[:ROBOTS_BYTES].decode("utf-8", "replace") if answer.status == 200 else ""
        found = robots(text, self.cfg.agent)
        if found.delay > self.cfg.longest_wait:
            return Refused("its Crawl-delay is too long")
        host.delay = max(host.delay, found.delay)
        host.free_at = self._clock() + host.delay  # the file itself was a request
        return found

    def _robots_answer(self, host: Host, url: str) -> Answer:
        """The answer to a request for a robots.txt, after redirects; after too many of them the last one."""
        for _ in range(self.cfg.redirects + 1):
            try:
                answer = self._answer(host, url, ROBOTS_BYTES)
            except Refused as reason:
                raise Refused(f"robots.txt: {reason}", reason.again) from reason
            if answer.status not in MOVED or not answer.headers.get("Location"):
                break
            try:
                url = joined(url, answer.headers["Location"])
                self._check(place_of(url))
            except Refused as reason:
                raise Refused("robots.txt leads nowhere") from reason
        return answer

    def _check(self, place: Place) -> None:
        if not self.cfg.private:
            check_public(place)

    def _answer(self, host: Host, url: str, most: int) -> Answer:
        """A server's answer, after retries; Refused if there is none."""
        for attempt in range(self.cfg.retries + 1):
            wait, answer, said = self.cfg.backoff * 2**attempt, None, ""
            try:
                answer = self._once(host, url, most)
                if answer.status not in LATER:
                    return answer
                wait = max(wait, _seconds(answer.headers.get("Retry-After", "")))
            except OSError as error:
                said = str(error)
            if attempt == self.cfg.retries:
                break
            if wait > self.cfg.longest_wait:
                raise Refused("asks to wait too long", True)
            if self._clock() + wait > self._page.until:
                break
            self._pause(wait)
        if answer is None:
            raise Refused(said, True)
        return answer

    def _once(self, host: Host, url: str, most: int) -> Answer:
        """One request, when the host's pause is over; OSError with a short reason if it fails."""
        import urllib3

        if (left := host.free_at - self._clock()) > 0:
            with self._uncounted():
                self._pause(left)
        content = bytearray()
        try:
            response = self._pool.request("GET", url, preload_content=False, redirect=False)
            try:
                while len(content) <= most and (piece := response.read1(READ, decode_content=True)):
                    content += piece
                    if self._is_late():
                        raise Refused("too slow", True)
            finally:
                response.close()
        except urllib3.exceptions.DecodeError as error:  # the next answer would be no other
            raise Refused("broken answer (DecodeError)") from error
        except urllib3.exceptions.HTTPError as error:
            if self._is_late():
                raise Refused("too slow", True) from error
            raise OSError(_failure(error)) from error
        except ValueError as error:  # a URL that only looked like one
            raise Refused("no web address") from error
        finally:
            host.free_at = self._clock() + host.delay
        return Answer(response.status, response.headers, bytes(content))


def _failure(error: Exception) -> str:
    import urllib3

    if isinstance(error, urllib3.exceptions.NewConnectionError):  # which is a TimeoutError too
        return "cannot connect"
    late = isinstance(error, urllib3.exceptions.TimeoutError)
    return "timed out" if late else f"broken answer ({type(error).__name__})"


def _seconds(retry_after: str) -> float:
    """The seconds of a Retry-After; 0 where it is a date, which clocks that differ make worthless."""
    found = retry_after.strip()
    return float(found) if SECONDS.fullmatch(found) else 0.0
