"""The documentation installed on this machine as a source: `embedded`, or one of its two halves.

embedded:standard    Python's own: docstrings of the standard library, help pages
embedded:packages    what the installed packages bring: descriptions, licences, docstrings
"""

from collections.abc import Iterator

from foretell.corpus.config import EMBEDDED
from foretell.corpus.documents import DOCUMENTATION_BYTES
from foretell.corpus.installed import STANDARD_LIBRARY, documentation_source, gather_documentation
from foretell.corpus.reading.kinds import SPECS
from foretell.corpus.reading.records import Broken, Limits, Raw, checked


def read_documentation(spec: str, limits: Limits) -> Iterator[Raw | Broken]:
    """The documents of one of SPECS, in the order in which they are gathered."""
    _, standard, _ = SPECS
    for document in gather_documentation(DOCUMENTATION_BYTES, quiet=True).documents:
        own = document.source == STANDARD_LIBRARY
        if spec == EMBEDDED or own == (spec == standard):
            yield checked(f"{document.source}/{document.id}", "", "text", document.text, limits)


def version_of(part: str) -> str:
    """What tells a changed part where no file does: a hash for the documentation, else nothing."""
    return documentation_source(DOCUMENTATION_BYTES) if part in SPECS else ""
