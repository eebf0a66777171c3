"""datatrove's MinHash de-duplication in four stages, for benchmarks/corpus_dedup.py: run by a Python that has it.

$ PYTHON benchmarks/datatrove_dedup.py FOLDER OUT WORKERS

It imports nothing of foretell. Its choices favour datatrove: words are split at spaces (its own splitter is spaCy's),
processes are forked and not started anew, and signatures are read whole and not five at a time.
"""

import sys
from pathlib import Path

from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.readers import ParquetReader
from datatrove.pipeline.writers import ParquetWriter
from datatrove.utils.word_tokenizers import WordTokenizer

BANDS, ROWS, NGRAM = 14, 8, 5
WHOLE = -1  # signatures in memory at a time


class Spaces(WordTokenizer):
    """Words between spaces."""

    def word_tokenize(self, text: str) -> list[str]:
        """The words of a text."""
        return text.split()

    def sent_tokenize(self, text: str) -> list[str]:
        """Not asked for by MinHash."""
        raise NotImplementedError

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        """Not asked for by MinHash."""
        raise NotImplementedError


def stages(folder: str, out: str, workers: int) -> list[LocalPipelineExecutor]:
    """Signatures, buckets, clusters, filter: a task for each file, for each band, one, and for each file."""
    cfg = MinhashConfig(n_grams=NGRAM, num_buckets=BANDS, hashes_per_bucket=ROWS)
    reader = ParquetReader(folder, glob_pattern="*.parquet")
    n_files = len(list(Path(folder).glob("*.parquet")))
    signed = [reader, MinhashDedupSignature(f"{out}/signatures", config=cfg, language=Spaces())]
    banded = [MinhashDedupBuckets(f"{out}/signatures", f"{out}/buckets", config=cfg, lines_to_buffer=WHOLE)]
    grouped = [
        MinhashDedupCluster(
            f"{out}/buckets", f"{out}/clusters", config=cfg, save_cluster_id=True, lines_to_buffer=WHOLE
        )
    ]
    left = [reader, MinhashDedupFilter(f"{out}/clusters"), ParquetWriter(f"{out}/left", compression="zstd")]
    plan = [(signed, n_files), (banded, BANDS), (grouped, 1), (left, n_files)]
    return [
        LocalPipelineExecutor(
            steps, tasks=tasks, workers=min(workers, tasks), start_method="fork", logging_dir=f"{out}/logs/{i}"
        )
        for i, (steps, tasks) in enumerate(plan)
    ]


if __name__ == "__main__":
    for stage in stages(sys.argv[1], sys.argv[2], int(sys.argv[3])):
        stage.run()
