"""Rows of labels: which are held out, by their side or by a hash of their group."""

import pytest

from foretell.corpus.jsonl import write_lines
from foretell.corpus.labels import held_out_rows, label_rows, side_of
from foretell.errors import BadUse


def test_rows_without_a_side_go_by_their_group_and_evaluation_reads_what_training_does_not(tmp_path):
    rows = [{"prompt": f"p{i}", "group_id": f"g{i // 2}"} for i in range(200)]
    write_lines(tmp_path / "rankings.jsonl", rows)
    train, valid = label_rows(tmp_path, "rankings")
    assert held_out_rows(tmp_path, "rankings") == valid
    assert 5 <= len(valid) <= 40
    assert not {row["group_id"] for row in train} & {row["group_id"] for row in valid}


def test_a_conversation_has_one_side_whatever_the_order_of_its_keys():
    for i in range(100):
        turn = {"role": "user", "content": f"Question {i}?"}
        assert side_of({"prompt": [turn]}) == side_of({"prompt": [dict(reversed(turn.items()))]})


def test_sides_that_are_told_are_kept(tmp_path):
    rows = [{"prompt": f"p{i}", "split": "valid" if i == 3 else "train"} for i in range(5)]
    write_lines(tmp_path / "rankings.jsonl", rows)
    assert held_out_rows(tmp_path, "rankings") == [rows[3]]


def test_nothing_held_out_is_told(tmp_path):
    write_lines(tmp_path / "rankings.jsonl", [{"prompt": "p", "split": "train"}])
    with pytest.raises(BadUse, match="no rankings that training leaves out"):
        held_out_rows(tmp_path, "rankings")
