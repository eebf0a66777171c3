import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch.optim import AdamW

from foretell.train.parts import Held, box_of, held, load_into, optimizer_like, read, write_parts


def cut(n, pieces):
    """n numbers in pieces, as torch.chunk cuts them: perhaps fewer, with empty ones behind."""
    ends = [(min(i * -(-n // pieces), n), min((i + 1) * -(-n // pieces), n)) for i in range(pieces)]
    return [(a, b) for a, b in ends if a < b]


@given(st.integers(1, 9), st.integers(1, 7), st.integers(1, 4), st.integers(1, 3), st.integers(1, 5))
def test_what_some_processes_wrote_any_number_reads(tmp_path_factory, rows, columns, n, m, readers):
    folder = tmp_path_factory.mktemp("parts")
    whole = torch.arange(rows * columns).float().view(rows, columns)
    boxes = [(one, other) for one in cut(rows, n) for other in cut(columns, m)]
    for i, box in enumerate(boxes):
        part = whole[tuple(slice(*ends) for ends in box)].contiguous()
        write_parts(folder / f"model-{i:05d}.safetensors", {"w": (part, box, (rows, columns))})
    there = held(folder, "model")
    assert there["w"].shape == (rows, columns)
    for ends in cut(rows, readers):
        assert torch.equal(read(there["w"], "w", (ends, (0, columns))), whole[slice(*ends)])


def test_a_file_without_places_holds_whole_tensors(tmp_path):
    tensors = {"w": torch.randn(3, 2), "step": torch.tensor(4.0), "none": torch.zeros(0, 2)}
    save_file(tensors, tmp_path / "model.safetensors")
    targets = {name: torch.full_like(x, 9) for name, x in tensors.items()}
    load_into(targets, held(tmp_path, "model"))
    assert all(torch.equal(targets[name], x) for name, x in tensors.items())


def test_a_part_that_is_in_no_file_is_told(tmp_path):
    write_parts(tmp_path / "model-00001.safetensors", {"w": (torch.ones(2, 3), ((0, 2), (0, 3)), (4, 3))})
    with pytest.raises(ValueError, match="w: 6 of 12 numbers are in no file"):
        load_into({"w": torch.zeros(4, 3)}, held(tmp_path, "model"))


@pytest.mark.parametrize("place", [[[3, 0], [4, 3]], [[0, 0], [1, 3]]])
def test_parts_beyond_the_whole_are_refused(tmp_path, place):
    header = {"places": json.dumps({"w": place})}
    save_file({"w": torch.ones(2, 3)}, tmp_path / "model-00001.safetensors", metadata=header)
    with pytest.raises(ValueError, match="w does not fit into the whole"):
        held(tmp_path, "model")


def test_files_that_contradict_each_other_are_refused(tmp_path):
    for i, shape in enumerate([(4, 3), (5, 3)]):
        part = torch.ones(2, 3), ((2 * i, 2 * i + 2), (0, 3)), shape
        write_parts(tmp_path / f"model-{i:05d}.safetensors", {"w": part})
    with pytest.raises(ValueError, match="does not fit"):
        held(tmp_path, "model")


def test_other_names_and_other_shapes_are_refused(tmp_path):
    save_file({"w": torch.ones(2, 3)}, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="v is in one of the two only"):
        load_into({"v": torch.ones(2, 3), "w": torch.ones(2, 3)}, held(tmp_path, "model"))
    with pytest.raises(ValueError, match=r"w has shape \(2, 3\), not \(3, 2\)"):
        load_into({"w": torch.ones(3, 2)}, held(tmp_path, "model"))


def test_another_precision_is_converted(tmp_path):
    save_file({"w": torch.ones(2, 3).bfloat16()}, tmp_path / "model.safetensors")
    target = torch.zeros(2, 3)
    load_into({"w": target}, held(tmp_path, "model"))
    assert target.sum() == 6


def test_of_a_plain_tensor_a_process_holds_all():
    assert box_of(torch.zeros(3, 2)) == ((0, 3), (0, 2))
    assert box_of(torch.tensor(1.0)) == ()


def test_an_optimizers_state_of_an_unknown_parameter_is_an_error():
    optimizer = AdamW([torch.zeros(2)])
    with pytest.raises(IndexError):
        optimizer_like([optimizer], {"0.7.exp_avg": Held((2,), [])})
