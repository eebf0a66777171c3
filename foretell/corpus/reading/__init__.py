"""Raw sources as records, one at a time; what is broken is a record too, with its reason, and never ends the reading.

kind_of      what a source is: a folder, JSON lines, Parquet, WARC, WET, Reddit posts, a data set of the hub, a file,
             or the documentation of this machine
parts        the pieces of a source that are read independently of each other
read_part    the records of a piece: Raw or Broken
submissions  the posts of a piece of a source of kind `reddit`
"""

from foretell.corpus.reading.documentation import version_of
from foretell.corpus.reading.kinds import KINDS, SourceKind, kind_of, pack_free
from foretell.corpus.reading.parts import files_of, linked_folders, parts, read_part
from foretell.corpus.reading.records import Broken, Limits, Raw
from foretell.corpus.reading.submissions import Submission, submissions

__all__ = [
    "KINDS",
    "Broken",
    "Limits",
    "Raw",
    "SourceKind",
    "Submission",
    "files_of",
    "kind_of",
    "linked_folders",
    "pack_free",
    "parts",
    "read_part",
    "submissions",
    "version_of",
]
