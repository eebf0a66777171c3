"""What the later steps of a partition read of all documents together: held in few bytes, or read along with them."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from foretell.corpus.partition import PAGE_COLUMNS
from foretell.corpus.schema import document_id
from foretell.corpus.steps import Pages, copies_of

IDS = sorted(document_id("test", str(i)) for i in range(60))


def test_copies_are_found_as_a_dictionary_finds_them(tmp_path):
    rng = np.random.default_rng(1)
    kinds = rng.choice(["kept", "exact", "fuzzy"], 40).tolist()
    clusters = [IDS[i] for i in rng.integers(0, 60, 40)]
    pq.write_table(pa.table({"id": IDS[10:50], "cluster": clusters, "kind": kinds}), tmp_path / "clusters.parquet")
    plain = dict(zip(IDS[10:50], zip(clusters, kinds, strict=True), strict=True))
    copies = copies_of(str(tmp_path / "clusters.parquet"), "")
    for order in (IDS, IDS[::-1], IDS[:10], IDS[50:], []):
        assert copies.of(pa.chunked_array([order], pa.string())) == [plain.get(one, ("", "")) for one in order]
    assert sum(column.nbytes for column in copies) == 17 * 40


def test_no_copies_are_none(tmp_path):
    columns = [(name, pa.string()) for name in ("id", "cluster", "kind")]
    pq.write_table(pa.schema(columns).empty_table(), tmp_path / "clusters.parquet")
    copies = copies_of(str(tmp_path / "clusters.parquet"), "")
    assert copies.of(pa.chunked_array([IDS[:2]], pa.string())) == [("", "")] * 2


def test_pages_are_read_along_with_the_documents(tmp_path):
    words = "A sentence that is long enough to be taken for the text of this page, number {}, and not for a menu. "
    html = {
        one: f"<html><body><article><p>{words.format(i) * 8}</p></article></body></html>" for i, one in enumerate(IDS)
    }
    rows = [{"id": one, "html": html[one]} for one in IDS[::2]]
    pq.write_table(pa.Table.from_pylist(rows, schema=PAGE_COLUMNS), tmp_path / "pages.parquet")
    pages = Pages(tmp_path / "pages.parquet")
    found = [
        pages.exact_texts(IDS[5:15]),
        pages.exact_texts([]),
        pages.exact_texts(IDS[21:22]),
        pages.exact_texts(IDS[40:]),
    ]
    assert [list(one) for one in found] == [IDS[6:15:2], [], [], IDS[40::2]]
    assert all(f"number {IDS.index(name)}," in text for one in found for name, text in one.items())
