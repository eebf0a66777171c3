"""Where a URL leads, and why one is not followed there."""

import socket
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urljoin

from foretell.corpus.urls import PORTS, SCHEME, canonical

NO_NAME = tuple(getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA") if hasattr(socket, name))


class Refused(Exception):
    """A page is not fetched, for a reason that goes into its outcome; `again` if it may pass."""

    def __init__(self, reason: str, again: bool = False) -> None:
        super().__init__(reason)
        self.again = again


class Place(NamedTuple):
    """Where a URL leads, as the client that asks for it reads it: another reading might take another host."""

    origin: str
    host: str
    target: str
    """path and query"""


def with_scheme(url: str) -> str:
    """The URL with http:// before it where it has no scheme."""
    url = url.strip()
    return url if SCHEME.match(url) or not canonical(url) else f"http://{url.lstrip('/')}"


def place_of(url: str) -> Place:
    """Where a URL leads; Refused if that is nowhere on the web. User names and the scheme's own port are left out."""
    from urllib3.util import parse_url

    try:
        found = parse_url(url)
    except ValueError as error:
        raise Refused("no web address") from error
    if not canonical(url) or found.scheme not in PORTS or not found.host:
        raise Refused("no web address")
    port = f":{found.port}" if found.port not in (None, PORTS[found.scheme]) else ""
    return Place(f"{found.scheme}://{found.host}{port}", found.host.strip("[].").lower(), found.request_uri)


def joined(url: str, location: str) -> str:
    """The URL to which a redirect leads; Refused where it is none."""
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise Refused("no web address") from error


def check_public(place: Place) -> None:
    """Return where a host is public; Refused where its name leads nowhere or into a private network."""
    try:
        found = socket.getaddrinfo(place.host, None, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as error:
        may_pass = isinstance(error, socket.gaierror) and error.errno not in NO_NAME
        raise Refused("no such host", may_pass) from error
    addresses = [ip_address(str(address[4][0]).partition("%")[0]) for address in found]
    if not all(address.is_global for address in addresses):
        raise Refused("a private address")
