"""What tasks are made from: a heading and the sentences that say what it is.

    documentation     shutil.copytree(src, dst, symlinks=False)    Recursively copy a directory tree. ...
    any other text    the first sentence of a passage              the sentences that follow it

Only plain sentences are taken: words, no code, no tables, of middling length.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from foretell.corpus.documents import LETTERS_AND_SPACES, Document
from foretell.corpus.sentences import STOPS, sentences
from foretell.corpus.split import place

SHORTEST, LONGEST = 20, 200  # characters of a sentence
LONGEST_HEADING = 160
LEAST_WORDS = 0.75  # share of letters and spaces
LEAST_SIGNATURES = 100  # with fewer, the text is read as prose
PASSAGE = 4  # sentences
PARTS = 4  # groups of a text whose folders and documents are none
LEAST_OF_GROUP = 30  # passages; where most passages are in smaller groups, too little of each is held out
NO_SENTENCE = re.compile(r">>>|::|--|==|\.\.\.|[|{}<>\\]|https?:|@")


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A heading, the sentences after it, and where they are from: a document, and a group of documents."""

    group: str
    document: str
    heading: str
    said: tuple[str, ...]
    whole: str
    """what a reader gets who is not told the heading's name"""


def entries(documents: Sequence[Document]) -> list[Entry]:
    """The entries of documentation, or the passages of other text, no heading and no description twice."""
    documented = _distinct(entry for one in documents for entry in _documented(one))
    if len(documented) >= LEAST_SIGNATURES:
        return documented
    seen: set[str] = set()
    return _grouped([entry for one in documents for entry in _passages(one, seen)])


def _distinct(found: Iterator[Entry]) -> list[Entry]:
    headings: set[str] = set()
    descriptions: set[str] = set()
    kept = []
    for entry in found:
        if entry.heading not in headings and entry.said[0] not in descriptions:
            headings.add(entry.heading)
            descriptions.add(entry.said[0])
            kept.append(entry)
    return kept


def _documented(document: Document) -> Iterator[Entry]:
    """Entries of a document whose first line names a module and whose signatures begin with that name."""
    module, _, rest = document.text.partition("\n")
    if not re.fullmatch(r"[\w.]+", module):
        return
    signature = re.compile(rf"^((?:class )?{re.escape(module)}\.[\w.]+(?:\(.*\))?)\n", re.MULTILINE)
    parts = signature.split(rest)[1:]
    for heading, text in zip(parts[::2], parts[1::2], strict=True):
        said = plain_sentences(text)
        if said and len(heading) <= LONGEST_HEADING and text.lstrip().startswith(said[0].split()[0]):
            yield Entry(group=document.source, document=document.id, heading=heading, said=said, whole=" ".join(said))


def _passages(document: Document, seen: set[str]) -> Iterator[Entry]:
    """Stretches of PASSAGE plain sentences; what is not plain between them, or seen before, is left out."""
    said = [sentence for sentence in dict.fromkeys(plain_sentences(document.text)) if sentence not in seen]
    seen.update(said)
    for start in range(0, len(said) - PASSAGE + 1, PASSAGE):
        first, *others = said[start : start + PASSAGE]
        whole = " ".join((first, *others))
        yield Entry(group=document.source, document=document.id, heading=first, said=tuple(others), whole=whole)


def _grouped(found: list[Entry]) -> list[Entry]:
    """The passages with groups that tell them apart: their folders, or documents, or else the parts of the whole text.

    Folders or documents that give few passages each, as many short files do, are no groups.
    """
    by_folder = [replace(entry, group=entry.document.rpartition("/")[0] or "(top)") for entry in found]
    by_document = [replace(entry, group=entry.document) for entry in found]
    for grouped in (by_folder, by_document):
        sizes = Counter(entry.group for entry in grouped).values()
        if len(sizes) > 1 and sum(n for n in sizes if n >= LEAST_OF_GROUP) >= len(found) / 2:
            return grouped
    return [replace(entry, group=f"part {i * PARTS // len(found) + 1}") for i, entry in enumerate(found)]


def plain_sentences(text: str) -> tuple[str, ...]:
    """The sentences of a text that read as such, each on one line."""
    found = (" ".join(sentence.split()) for sentence in sentences(text))
    return tuple(sentence for sentence in found if is_plain(sentence))


def is_plain(sentence: str) -> bool:
    """Whether it begins with a letter, ends with a full stop and is made of words."""
    if not SHORTEST <= len(sentence) <= LONGEST or sentence[-1] not in STOPS or not sentence[0].isalpha():
        return False
    words = sum(map(len, LETTERS_AND_SPACES.findall(sentence)))
    return words >= LEAST_WORDS * len(sentence) and NO_SENTENCE.search(sentence) is None


def mixed(found: Sequence[Entry]) -> list[Entry]:
    """The entries in an order that follows nothing but their words."""
    return sorted(found, key=lambda entry: place(f"{entry.heading}\n{entry.said[0]}"))
