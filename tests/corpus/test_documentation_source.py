"""The documentation of this machine as a source: two halves of one whole, and what tells another one."""

import json
from types import SimpleNamespace

import pytest

from foretell.corpus import installed, pipeline
from foretell.corpus.assemble import identity_of
from foretell.corpus.corpus_config import CorpusConfig, SourceConfig
from foretell.corpus.installed import gather_documentation
from foretell.corpus.pages import parts_of
from foretell.corpus.pipeline import Making
from foretell.corpus.reading import Limits, Raw, documentation, files_of, kind_of, parts, read_part, version_of
from foretell.corpus.reading.kinds import SPECS
from foretell.errors import BadUse

LIMIT = 3_000_000  # bytes: the standard library's and some of the packages', as in test_installed.py


@pytest.fixture(autouse=True)
def _less(monkeypatch):
    monkeypatch.setattr(documentation, "DOCUMENTATION_BYTES", LIMIT)


@pytest.fixture
def newer(monkeypatch):
    """A function that installs a package, as far as its name and version go."""
    there = installed.installed()

    def install(version):
        monkeypatch.setattr(installed, "installed", lambda: [*there, ("new", SimpleNamespace(version=version))])

    return install


@pytest.mark.slow
def test_the_halves_are_disjoint_and_together_the_whole():
    whole, standard, packages = (list(read_part(spec)) for spec in SPECS)
    names = [{record.name for record in half} for half in (standard, packages)]
    assert names[0]
    assert names[1]
    assert not names[0] & names[1]
    assert [record for record in whole if record.name in names[0]] == standard
    assert [record for record in whole if record.name in names[1]] == packages
    assert len(whole) == len(standard) + len(packages)


def test_the_records_are_the_documents_that_are_gathered():
    gathered = gather_documentation(LIMIT, True).documents
    records = list(read_part("embedded"))
    assert [record.content for record in records] == [one.text for one in gathered]
    assert len({record.name for record in records}) == len(records)
    assert all(isinstance(record, Raw) and record.kind == "text" and not record.url for record in records)
    own = {record.name.partition("/")[0] for record in read_part("embedded:standard")}
    assert own == {"python"}
    assert "python/help/else" in {record.name for record in read_part("embedded:standard")}


def test_a_record_over_the_limit_is_broken_like_any_other():
    found = list(read_part("embedded:standard", Limits(record_bytes=5000)))
    assert {isinstance(record, Raw) for record in found} == {True, False}
    assert all(len(record.content) <= 5000 for record in found if isinstance(record, Raw))


@pytest.mark.parametrize("spec", SPECS)
def test_it_is_a_source_of_one_part_and_no_file(spec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert kind_of(spec) == "embedded"
    assert parts(spec) == [spec]
    assert files_of(spec) == []
    (part,) = parts_of(SourceConfig(name="a", paths=(spec,)))
    assert (part.path, part.place) == (spec, spec)
    (tmp_path / spec).mkdir()
    assert kind_of(spec) == "embedded", "a folder of that name is ./embedded"
    assert kind_of(f"./{spec}") == "folder"


@pytest.mark.parametrize("spec", ["embedded:", "embedded:python", "Embedded", "embedded:standard:x"])
def test_another_half_is_no_source(spec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadUse, match="does not exist; give a folder, a file"):
        kind_of(spec)


def test_its_version_is_that_of_what_is_installed(newer):
    before = {spec: version_of(spec) for spec in SPECS}
    assert all(before.values())
    newer("1.0")
    first = version_of("embedded")
    newer("1.1")
    assert len({before["embedded"], first, version_of("embedded")}) == 3
    assert [version_of(part) for part in ("a.txt", "hf:a/b", "embedded:none", "x/embedded")] == [""] * 4


def test_a_corpus_of_other_documentation_is_another_corpus(newer):
    cfg = CorpusConfig(recipe="x", sources=(SourceConfig(name="a", paths=("embedded:packages",)),))
    before = identity_of(cfg)
    assert identity_of(cfg) == before
    newer("1.0")
    after = identity_of(cfg)
    assert (after["config"], after["inputs"] == before["inputs"]) == (before["config"], False)


def test_a_run_that_was_stopped_reads_other_documentation_anew(newer, tmp_path, monkeypatch):
    seen = []

    def stopped(_, partitions, *__, **___):
        seen.append(partitions)
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "map_partitions", stopped)
    cfg = CorpusConfig(recipe="x", sources=(SourceConfig(name="a", paths=("embedded",)),))
    for version in ("1.0", "1.0", "1.1"):
        newer(version)
        with pytest.raises(KeyboardInterrupt):
            pipeline.read(cfg, Making(out=tmp_path / "x"), "")
    one, again, other = (partitions[0] for partitions in seen)
    assert one == again != other
    assert json.loads(one.inputs[0]) == json.loads(other.inputs[0]), "nothing but the version differs"
