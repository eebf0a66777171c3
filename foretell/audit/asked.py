"""What an audit is asked, and the file that its samples are kept in.

Every audit is a module foretell/audit/NAME.py with

    audit(asked: Asked) -> {"figures": {name: {"value", "low", "high", "n"}}, "rows": [...], "said": [...], ...}

`figures` are the headline numbers with their 95 % intervals, `rows` the table (flat dicts with the same keys), `said`
the sentences that must be read with them. What else is in the dict is kept too. The command writes it to
OUT/NAME.json; samples are kept in OUT/NAME.samples.jsonl as they are drawn, so that a stopped audit goes on from them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foretell.errors import BadUse, nearest
from foretell.generate.model import Model, load

Results = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is audited and how. Counts of 0 leave the audit's own default, which is the paper's where it tells one."""

    model: str | Path
    out: Path
    limit: int = 0
    """items of a data set; 0 takes all"""
    seed: int = 0
    samples: int = 0
    """outputs of a prompt"""
    data: tuple[Path, ...] = ()
    """folders that are searched for data sets and lexicons"""
    quiet: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    """settings of one audit, by name"""

    def __post_init__(self) -> None:
        if min(self.limit, self.samples) < 0:
            raise ValueError(f"limit={self.limit}, samples={self.samples}: give at least 0; 0 means the default")

    def samples_file(self, name: str) -> Path:
        """Where the samples of an audit are kept."""
        return self.out / f"{name}.samples.jsonl"

    def loaded(self) -> Model:
        """The model that is audited."""
        return load(self.model)

    def option(self, name: str, default: Any) -> Any:
        """A setting, or the default where it is not given."""
        given = self.options.get(name)
        return default if given is None else given

    def find(self, *names: str) -> Path | None:
        """The first file of one of these names in the folders, packed with gzip or not; None where there is none.

        BadUse if a folder is none.
        """
        for folder in self.data:
            if not folder.is_dir():
                raise BadUse(f"{folder} is no folder; give the one that the data sets lie in")
            for name in names:
                found = sorted([*folder.rglob(name), *folder.rglob(f"{name}.gz")])
                if found:
                    return found[0]
        return None


def one_of(what: str, name: str, known: list[str]) -> str:
    """The name, if it is known; BadUse that names the nearest otherwise."""
    if name not in known:
        raise BadUse(f"{what} {name!r} is not known{nearest(name, known)}")
    return name
