"""The page's chapter on alignment: its tables beside the paper's, its curves, and the two claims that it tests."""

import base64
import csv
import io
from dataclasses import replace

import pytest

from foretell.report.aligned import COLOURS, PAPER_RATES, PAPER_TAX, TITLES, aligned
from foretell.report.claims import aligned_claims, task_gains
from foretell.report.measured import Measured
from foretell.report.read import read_demo
from foretell.report.verdicts import FAILS, HOLDS, UNCLEAR


@pytest.fixture(scope="module")
def read(whole):
    return read_demo(whole)


@pytest.fixture(scope="module")
def parts(read):
    return {part.title: part for part in aligned(read)}


def rows_of(part):
    return list(csv.DictReader(io.StringIO(base64.b64decode(part.data.uri.partition(",")[2]).decode())))


def test_every_part_is_there_and_says_n_and_that_labellers_are_simulated(parts):
    for title in ("The data", "What the prompts are for", "The reward model", "Win rate by size", "The alignment tax"):
        assert title in parts
    assert {title.partition(":")[0] for title in parts} >= set(TITLES)
    for title in ("The data", "The reward model", "Win rate by size"):
        assert "The labellers are simulated: nobody has ranked anything." in parts[title].said
    for title in ("The reward model", "Win rate by size", "The alignment tax", "PPO: reward"):
        assert "n = " in parts[title].said


def test_what_is_the_papers_is_shaded(parts):
    for part in parts.values():
        if part.kind == "table":
            for head in part.heads:
                assert head.paper == ("paper" in head.text)
    table = parts["Win rate by size: the numbers"]
    ours = {(row[0].text, row[2].text): [one.value for one in row[-3:]] for row in table.rows}
    assert ours["PPO-ptx", "held out"] == [0.64, 0.68, 0.70]
    assert ours["GPT prompted", "train"] == [0.22, 0.26, 0.41]


def test_the_papers_printed_results_follow_from_the_figures_read_off_it():
    """Who is preferred more often stands higher at 175B, and prompting helps, as the printed 85 and 71 % say."""
    for group in ("train", "held_out"):
        at_175b = [PAPER_RATES[role, group][2] for role in COLOURS]
        assert at_175b == sorted(at_175b)
    assert PAPER_TAX["PPO"] < PAPER_TAX["PPO-ptx"]


def test_every_win_rate_is_in_the_data_and_the_table(parts, read):
    rows = rows_of(parts["Win rate by size"])
    assert len(rows) == len(read.aligned.win_rates) == 20
    assert {(row["role"], row["size"], row["labellers"]) for row in rows} == {
        (row.role, row.size, row.group) for row in read.aligned.win_rates
    }
    table = parts["Win rate by size: the numbers"]
    assert len(table.rows) == 20
    assert table.rows[0][6].text == "-"
    assert table.rows[1][6].text == "50.0 % [40.0, 59.0] (n = 80)"


def test_curves_have_a_panel_a_size_and_a_line_with_and_without_the_mix(parts):
    rows = rows_of(parts["PPO: reward"])
    assert {row["run"] for row in rows} == {
        f"instructgpt.{s}-{size}" for s in ("ppo", "ptx") for size in ("pico", "nano")
    }
    assert len(rows) == 4 * 24
    assert len(rows_of(parts["PPO: held-out text"])) == 4 * 2


def test_the_tax_tells_what_the_mix_takes_back(parts):
    said = parts["The alignment tax"].said
    assert "At 366k parameters PPO alone raises the loss by nothing that can be told." in said
    assert "At 1.33M parameters the mix takes back 92.0 % [87.0, 96.5] of the rise" in said
    row = next(row for row in parts["The alignment tax"].rows if row[0].text == "PPO")
    assert [one.text for one in row[-2:]] == ["51.95", "27.78"]


def test_a_folder_without_the_chapter_names_what_makes_it(read):
    bare = replace(read, aligned=None)
    assert [part.title for part in aligned(bare)] == list(TITLES)
    no_runs = replace(read, runs={name: run for name, run in read.runs.items() if "instructgpt" not in name})
    assert any(part.kind == "missing" and part.title == "PPO" for part in aligned(no_runs))


def moved(read, role, value, half=0.02):
    rows = [
        replace(row, rate=Measured(value=value, low=value - half, high=value + half, n=720))
        if row.role == role
        else row
        for row in read.aligned.win_rates
    ]
    return replace(read, aligned=replace(read.aligned, win_rates=rows))


@pytest.mark.parametrize(("small", "wanted"), [(0.6, HOLDS), (0.5, UNCLEAR), (0.4, FAILS)])
def test_a_small_aligned_model_against_the_largest_that_only_reads(read, small, wanted):
    demo = moved(moved(read, "GPT", 0.5), "PPO-ptx", small)
    mixed, preferred = aligned_claims(demo)
    assert (mixed.number, preferred.number) == (7, 6)
    assert preferred.verdict == wanted
    assert "with 3.6 times fewer parameters (n = 720)" in preferred.result
    assert preferred.caution.startswith("1 seed")


def test_one_size_alone_tells_nothing_of_a_smaller_model(read):
    rows = [row for row in read.aligned.win_rates if row.size == "nano"]
    demo = replace(read, aligned=replace(read.aligned, win_rates=rows))
    assert aligned_claims(demo)[1].verdict == UNCLEAR


@pytest.mark.parametrize(
    ("back", "score", "wanted"),
    [(0.95, 0.5, HOLDS), (0.82, 0.5, UNCLEAR), (0.5, 0.5, FAILS), (0.95, 0.2, UNCLEAR), (None, 0.5, UNCLEAR)],
)
def test_the_mix_must_take_back_four_fifths_and_the_tasks(read, back, score, wanted):
    found = read.aligned
    share = None if back is None else Measured(value=back, low=back - 0.05, high=back + 0.05, n=200)
    last = replace(found.recovered[-1], recovered=share)
    tax = [
        replace(row, tasks=[replace(row.tasks[0], value=score, low=score - 0.1, high=score + 0.1)])
        if row.model == "PPO-ptx"
        else row
        for row in found.tax
    ]
    demo = replace(read, aligned=replace(found, recovered=[found.recovered[0], last], tax=tax))
    assert aligned_claims(demo)[0].verdict == wanted
    assert [round(gain.value, 2) for gain in task_gains(demo.aligned)] == [round(score - 0.2, 2)]


def test_what_is_not_measured_names_the_command(read):
    for claim in aligned_claims(replace(read, aligned=None)):
        assert claim.result == f"{read.command} measures it"


def test_every_part_has_data_of_its_own_name(parts):
    names = [part.data.name for part in parts.values() if part.kind in ("picture", "table")]
    assert len(set(names)) == len(names) == 9
