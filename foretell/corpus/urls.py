"""URLs: what makes two of them the same page, whose page it is, and which links lead out to a page of text.

WebText follows outbound links of Reddit posts (Radford et al. 2019, section 2.1). The paper does not say what counts as
the same link; we choose what servers overwhelmingly treat alike: scheme, "www.", letter case of the host, default port,
fragment, order of the query and what advertisers add to it, a trailing slash, and how characters are escaped.
"""

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, quote_from_bytes, unquote_to_bytes, urlsplit

SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")
OTHER_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:(?!\d|//)")  # mailto: and javascript:, not HOST:PORT
PORTS = {"http": 80, "https": 443}
TRACKING = re.compile(r"utm_\w+|fbclid|gclid|dclid|msclkid|yclid|igshid|mc_[ce]id|_ga|ref_src", re.IGNORECASE)
KEPT = "!$'()*,:;@~"  # punctuation that means itself in a path or a query, beside letters, digits and _.-
REDDIT = ("reddit.com", "redd.it", "redditmedia.com", "redditstatic.com", "reddituploads.com")
MEDIA = (
    "jpg jpeg jpe png gif gifv bmp webp svg tif tiff ico heic avif psd "
    "mp4 webm mov avi mkv wmv flv m4v mpg mpeg ogv 3gp mp3 wav ogg oga flac m4a aac wma mid swf "
    "pdf ps doc docx xls xlsx ppt pptx odt epub mobi djvu "
    "zip gz tgz bz2 xz 7z rar tar jar apk exe msi dmg iso deb rpm bin torrent css js"
)
NO_TEXT = frozenset(MEDIA.split())


def canonical(url: str) -> str:
    """The key under which a URL is the same page as another, HOST[:PORT]/PATH[?QUERY]; '' if it names no web page.

    The key with http:// before it has itself as its key.
    """
    parts = _split(url)
    if parts is None:
        return ""
    host, port = _host(parts), _port(parts)
    if not host or port is None:
        return ""
    where = f"[{host}]" if ":" in host else host
    query = _query(parts.query)
    return where + (f":{port}" if port else "") + _path(parts.path) + (f"?{query}" if query else "")


def domain(url: str) -> str:
    """The host of a URL in lower case, without "www."; '' if it names no web page."""
    parts = _split(url)
    return "" if parts is None else _host(parts)


def is_within(host: str, domains: tuple[str, ...]) -> bool:
    """Whether a host is one of the domains or a subdomain of one."""
    return any(host == one or host.endswith(f".{one}") for one in domains)


def unfollowed(url: str) -> str:
    """Why a link is not followed: it leads to no web page, back to Reddit, or to media; '' if it is."""
    key, host = canonical(url), domain(url)
    if not key:
        return "no web address"
    if is_within(host, REDDIT):
        return "reddit itself"
    path = key.partition("?")[0].partition("/")[2]
    ending = path.rpartition("/")[2].rpartition(".")
    return "media or a file" if ending[0] and ending[2].lower() in NO_TEXT else ""


def _split(url: str) -> SplitResult | None:
    """The parts of an http or https URL; a URL without a scheme is taken as http."""
    url = url.strip().replace("\\", "/")
    if url.startswith("//"):
        url = f"http:{url}"
    elif OTHER_SCHEME.match(url):
        return None
    elif not SCHEME.match(url):
        url = f"http://{url}"
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that are no IPv6 address, a host that normalises to another's punctuation
        return None
    return parts if parts.scheme in PORTS and parts.netloc else None


def _host(parts: SplitResult) -> str:
    """The host in lower case and ASCII, without "www." and a last dot; '' if it cannot be one."""
    name = (parts.hostname or "").rstrip(".")
    try:
        return str(ip_address(name))
    except ValueError:
        pass
    try:
        name = name.encode("idna").decode().lower()
    except UnicodeError:
        return ""
    name = name.removeprefix("www.") if name.count(".") > 1 else name
    usable = "." in name and re.fullmatch(r"[a-z0-9_.-]+", name) and ".." not in name
    return name if usable or name == "localhost" else ""


def _port(parts: SplitResult) -> int | None:
    """The port, 0 if it is the scheme's own, None if it is none."""
    try:
        port = parts.port
    except ValueError:
        return None
    return 0 if port is None or port in PORTS.values() else port


def _escaped(text: str) -> str:
    """The text with every character escaped in the one way, where it must be."""
    return quote_from_bytes(unquote_to_bytes(text.encode("utf-8", "replace")), safe=KEPT)


def _path(path: str) -> str:
    kept: list[str] = []
    for segment in map(_escaped, path.split("/")):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    return "/" + "/".join(kept)


def _query(query: str) -> str:
    pairs = []
    for one in query.split("&"):
        name, is_pair, value = one.replace("+", " ").partition("=")
        if one and not TRACKING.fullmatch(name):
            pairs.append(_escaped(name) + (f"={_escaped(value)}" if is_pair else ""))
    return "&".join(sorted(pairs))
