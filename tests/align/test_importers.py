"""Labels of other projects: written by hand in each format, and the real files where they are."""

import json

import pytest

from foretell.align.contradictions import contradictions
from foretell.align.importers import FORMATS, NAMES, PAIRS, read_labels
from foretell.align.record_files import lines, write_records
from foretell.align.records import Candidates, Demonstration, Output, Prompt, Ranking, Turn, prompt_id
from foretell.commands.label_exchange import FORMS
from foretell.errors import BadUse


def read(tmp_path, form, *rows):
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read_labels(path, form)


def only(found):
    (one,) = found.rankings
    return one


def texts(ranking):
    return [output.text for output in ranking.outputs]


def test_hh_rlhf_is_split_at_its_last_answer(tmp_path):
    start = "\n\nHuman: Say a.\n\nAssistant: a\n\nHuman: And\n\nnow: b?"
    one = only(
        read(tmp_path, "hh", {"chosen": f"{start}\n\nAssistant: b", "rejected": f"{start}\n\nAssistant: c\n\nd"})
    )
    assert one.prompt == (
        Turn(role="user", content="Say a."),
        Turn(role="assistant", content="a"),
        Turn(role="user", content="And\n\nnow: b?"),
    )
    assert (texts(one), one.ranks, one.labeller) == (["b", "c\n\nd"], (1, 2), "")


def test_pairs_that_start_alike_are_of_one_group(tmp_path):
    def pair(more):
        return {side: f"\n\nHuman: Hi.{more}\n\nAssistant: {side}" for side in ("chosen", "rejected")}

    found = read(tmp_path, "hh", pair(""), pair("\n\nAssistant: Hi.\n\nHuman: So?"), pair(" You."))
    groups = [one.group_id for one in found.rankings]
    assert groups[0] == groups[1] != groups[2]
    assert len({one.split for one in found.rankings[:2]}) == 1


def test_an_hh_pair_that_parts_earlier_is_counted(tmp_path):
    good = {"chosen": "\n\nHuman: a\n\nAssistant: b", "rejected": "\n\nHuman: a\n\nAssistant: c"}
    other = {"chosen": "\n\nHuman: x\n\nAssistant: b", "rejected": "\n\nHuman: a\n\nAssistant: c"}
    open_end = {"chosen": "\n\nHuman: x", "rejected": "\n\nHuman: x"}
    assert dict(read(tmp_path, "hh", good, other, open_end).left_out) == {
        "with conversations that differ before the last answer": 1,
        "that end without an answer": 1,
    }


SFF = {
    "info": {"id": "t3_x", "post": "I lost my hat.", "title": "Hat", "subreddit": "hats"},
    "split": "valid2",
    "summaries": [{"text": " Hat lost.", "policy": "sup4", "note": "ok"}, {"text": " A hat.", "policy": "ref"}],
    "choice": 1,
    "worker": "w1",
    "batch": "batch9",
    "extra": {"confidence": 7},
}


def test_summarize_from_feedback_keeps_worker_split_and_confidence(tmp_path):
    found = read(tmp_path, "sff", SFF, {**SFF, "split": "train", "choice": 0}, {**SFF, "split": "valid1"})
    one, other, third = found.rankings
    assert one.prompt == "SUBREDDIT: r/hats\nTITLE: Hat\nPOST: I lost my hat.\nTL;DR:"
    assert (one.ranks, one.split, one.labeller, one.instructions, one.group_id) == (
        *((2, 1), "valid", "w1", "batch9", "t3_x"),
    )
    assert one.extra == {"split": "valid2", "batch": "batch9", "confidence": 7}
    assert [output.model for output in one.outputs] == ["sup4", "ref"]
    assert (other.ranks, other.split, third.extra["split"]) == ((1, 2), "train", "valid1")
    assert len(contradictions(found.rankings)) == 1


def test_an_article_has_no_subreddit(tmp_path):
    row = {**SFF, "info": {"id": "1", "article": "News.", "site": "x"}}
    assert only(read(tmp_path, "sff", row)).prompt == "News.\nTL;DR:"


def test_webgpt_has_ties(tmp_path):
    both = ["## Human:\nWhy?\n\n\n\n## Assistant:\n A.", "## Human:\nWhy?\n\n\n\n## Assistant:\n B."]
    rows = [{"texts": both, "scores": scores} for scores in ([1.0, 1.0], [0.5, 1.5], [2.0, 0.0])]
    found = read(tmp_path, "webgpt", *rows).rankings
    assert [one.ranks for one in found] == [(1, 1), (2, 1), (1, 2)]
    assert (found[0].prompt, texts(found[0])) == ("Why?", ["A.", "B."])
    assert found[1].extra == {"score_1": 0.5, "score_2": 1.5}


def judged(ranks):
    return [0 if ranks[i] == ranks[j] else 1 if ranks[i] < ranks[j] else 2 for i, j in PAIRS]


@pytest.mark.parametrize("ranks", [(1, 2, 3, 4), (4, 3, 2, 1), (1, 1, 1, 1), (1, 1, 3, 4), (3, 1, 3, 1), (2, 1, 4, 2)])
def test_judged_pairs_give_back_the_ranks_that_they_came_from(ranks, tmp_path):
    row = {"prompt": "Q?", "outputs": list("abcd"), "pairwise": judged(ranks), "passages": [["T", "One.", "Two."]]}
    one = only(read(tmp_path, "qa", row))
    assert (one.ranks, one.prompt, one.group_id) == (ranks, "T: One. Two.\n\nQ?", "Q?")


def test_judged_pairs_that_are_no_ranking_stay_pairs(tmp_path):
    pairwise = [0, 1, 1, 0, 1, 1]  # a = b and b = c, but a above c
    found = read(tmp_path, "qa", {"prompt": "Q?", "outputs": list("abcd"), "pairwise": pairwise}).rankings
    assert [(texts(one), one.ranks) for one in found] == [
        *[(["a", "b"], (1, 1)), (["a", "c"], (1, 2)), (["a", "d"], (1, 2))],
        *[(["b", "c"], (1, 1)), (["b", "d"], (1, 2)), (["c", "d"], (1, 2))],
    ]


def said(role, text):
    return {"role": role, "content": text}


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Say.", "chosen": "a", "rejected": "b"},
        {"prompt": [said("user", "Say.")], "chosen": [said("assistant", "a")], "rejected": [said("assistant", "b")]},
        {
            "chosen": [said("user", "Say."), said("assistant", "a")],
            "rejected": [said("user", "Say."), said("assistant", "b")],
        },
        {
            "conversations": [{"from": "human", "value": "Say."}],
            "chosen": {"from": "gpt", "value": "a"},
            "rejected": {"from": "gpt", "value": "b"},
        },
        {"prompt": "Say.", "chosen": [said("assistant", "a")], "rejected": [said("assistant", "b")]},
    ],
)
def test_pairs_are_read_however_they_are_written(row, tmp_path):
    one = only(read(tmp_path, "pairs", row))
    assert (texts(one), one.ranks, one.prompt_id) == (["a", "b"], (1, 2), prompt_id("Say."))
    assert one.group_id == only(read(tmp_path, "pairs", {"prompt": "Say.", "chosen": "c", "rejected": "d"})).group_id


def test_pairs_that_part_early_or_end_without_an_answer_are_counted(tmp_path):
    good = {"prompt": "Say.", "chosen": "a", "rejected": "b"}
    early = {
        "chosen": [said("user", "x"), said("assistant", "a")],
        "rejected": [said("user", "y"), said("assistant", "a")],
    }
    no_answer = {"prompt": "Say.", "chosen": [said("user", "a")], "rejected": [said("user", "b")]}
    assert read(tmp_path, "pairs", good, early, no_answer).left_out.total() == 2


def message(role, text, rank=None, replies=(), **more):
    said = {"message_id": text, "role": role, "text": text, "rank": rank, "replies": list(replies), "deleted": False}
    return {**said, **more}


def test_a_tree_gives_a_ranking_for_each_message_with_ranked_replies(tmp_path):
    deep = [message("assistant", "d", 1), message("assistant", "e", 0), message("assistant", "gone", 2, deleted=True)]
    replies = [
        message("assistant", "b", 1, [message("prompter", "more?", 0, deep)], model_name="chip"),
        message("assistant", "a", 0),
        message("assistant", "unranked"),
    ]
    tree = {"message_tree_id": "t", "prompt": message("prompter", "Say.", replies=replies)}
    lonely = {"message_tree_id": "u", "prompt": message("prompter", "Say.", replies=[message("assistant", "a", 0)])}
    found = read(tmp_path, "oasst", tree, lonely)
    first, second = found.rankings
    assert (texts(first), first.ranks, first.group_id) == (["b", "a"], (2, 1), "t")
    assert first.outputs[0].model == "chip"
    assert [turn.content for turn in second.prompt] == ["Say.", "b", "more?"]
    assert (texts(second), second.ranks) == (["d", "e"], (2, 1))
    assert dict(found.left_out) == {"trees without two ranked replies": 1}


ARGILLA = {
    "id": "r1",
    "fields": {"instruction": "Say.", "reply-1": "a", "reply-2": "b", "reply-3": "c"},
    "responses": {
        "order": [
            {"value": ["reply-2", "reply-1", "reply-3"], "user_id": "u1"},
            {
                "value": [
                    {"value": "reply-1", "rank": 1},
                    {"value": "reply-2", "rank": 1},
                    {"value": "reply-3", "rank": 2},
                ],
                "user_id": "u2",
                "status": "submitted",
            },
            {"value": ["reply-1", "reply-2", "reply-3"], "user_id": "u3", "status": "discarded"},
        ],
        "topics": [{"value": ["news", "sport"], "user_id": "u1"}],
        "quality": [{"value": 4, "user_id": "u1"}],
    },
}


def test_argilla_gives_a_ranking_for_each_user_who_submitted_one(tmp_path):
    one, other = read(tmp_path, "argilla", ARGILLA).rankings
    assert (texts(one), one.ranks, one.labeller, one.prompt) == (["b", "a", "c"], (1, 2, 3), "u1", "Say.")
    assert (texts(other), other.ranks, other.labeller) == (["a", "b", "c"], (1, 1, 3), "u2")
    assert [output.model for output in one.outputs] == ["reply-2", "reply-1", "reply-3"]


def test_argillas_older_rows_are_read(tmp_path):
    value = {"rank": [2, 1], "value": ["reply-1", "reply-2"]}
    row = {"prompt": "Say.", "reply-1": "a", "reply-2": "b", "external_id": "x"}
    one = only(
        read(tmp_path, "argilla", {**row, "ranking": [{"user_id": "u1", "value": value, "status": "submitted"}]})
    )
    assert (one.prompt, texts(one), one.ranks) == ("Say.", ["a", "b"], (2, 1))


ITEMS = [{"id": "i1", "body": "a"}, {"id": "i2", "title": "b", "model": "m"}, {"id": "i3", "html": "c"}]


def annotation(ranker, **more):
    result = {"from_name": "rank", "to_name": "results", "type": "ranker", "value": {"ranker": ranker}}
    return {"result": [result], "completed_by": 4, "lead_time": 12.5, **more}


def test_label_studios_ranker_is_an_order_and_its_buckets_are_ties(tmp_path):
    annotations = [
        annotation(["i3", "i1", "i2"]),
        annotation({"_": ["i1"], "good": ["i3", "i2"]}, completed_by={"id": 5, "email": "x@host.de"}),
        annotation(["i1", "i2", "i3"], was_cancelled=True),
    ]
    task = {"id": 7, "data": {"prompt": "Say.", "items": ITEMS}, "annotations": annotations}
    (tmp_path / "export.json").write_text(json.dumps([task, {**task, "annotations": []}], indent=1))
    found = read_labels(tmp_path / "export.json", "labelstudio")
    one, other = found.rankings
    assert (texts(one), one.ranks, one.labeller, one.seconds) == (["c", "a", "b"], (1, 2, 3), "4", 12.5)
    assert [output.order for output in one.outputs] == [2, 0, 1]
    assert (texts(other), other.ranks, other.labeller) == (["c", "b"], (1, 1), "5")
    assert dict(found.left_out) == {"tasks without a ranking": 1}


def test_buckets_rank_in_their_order(tmp_path):
    given = annotation({"good": ["i2"], "bad": ["i1", "i3"]})
    task = {"id": 7, "data": {"question": "Say.", "items": ITEMS}, "annotations": [given]}
    assert only(read(tmp_path, "labelstudio", task)).ranks == (1, 2, 2)


def test_records_of_all_kinds_may_stand_in_one_file(tmp_path):
    same = {"prompt_id": "p", "group_id": "g", "split": "train", "prompt": "Say."}
    outputs = (Output(text="a"), Output(text="b"))
    ranking = Ranking(outputs=outputs, ranks=(1, 1), **same)
    demonstration = Demonstration(completion="a", **same)
    candidates, prompt = Candidates(prompt="Say.", outputs=outputs), Prompt(text="Say.")
    write_records(tmp_path / "all.jsonl", [ranking, demonstration, candidates, prompt])
    found = read_labels(tmp_path / "all.jsonl", "jsonl")
    assert (found.rankings, found.demonstrations) == ([ranking], [demonstration])
    assert (found.candidates, found.prompts) == ([candidates], [prompt])


@pytest.mark.parametrize(
    ("form", "row", "why"),
    [
        ("hh", {"chosen": "\n\nHuman: a"}, "line 1: no row of hh ('rejected' is missing); is --format right?"),
        ("hh", {"chosen": "a", "rejected": "b"}, "a conversation does not start with"),
        ("hh", {"chosen": 1, "rejected": "b"}, "'chosen' is int, it must be text"),
        ("sff", {"chosen": "a", "rejected": "b"}, "no row of sff"),
        ("sff", {**SFF, "choice": None}, "choice is None of 2 summaries"),
        ("webgpt", {"texts": ["a", "b"], "scores": [1, 2]}, "a text is no question and answer"),
        ("webgpt", {"texts": ["a"], "scores": ["x", 2]}, "no row of webgpt"),
        ("qa", {"prompt": "Q?", "outputs": ["a"], "pairwise": [1]}, "1 outputs and the judgements [1]"),
        ("oasst", {"prompt": "Q?"}, "no row of oasst"),
        ("pairs", {"prompt": "a", "chosen": "b"}, "'rejected' is missing"),
        ("pairs", {"chosen": [said("tool", "a")], "rejected": []}, "a message of 'tool' with str; roles are system"),
        ("pairs", {"chosen": [], "rejected": []}, "no row of pairs"),
        ("argilla", {"fields": {}, "responses": {}}, "holds no ranking (1 records without a submitted ranking"),
        ("argilla", {**ARGILLA, "fields": {"a": "x"}}, "holds no ranking"),
        ("labelstudio", {"data": {"prompt": "x"}, "annotations": []}, "data has 0 lists of items"),
        (
            "labelstudio",
            {"data": {"prompt": "x", "items": ITEMS}, "annotations": [annotation(["i9"])]},
            "'i9' is missing",
        ),
        ("jsonl", {"ranks": [1]}, "labels.jsonl, line 1: "),
        ("jsonl", [1], "no object"),
    ],
)
def test_a_row_of_another_format_is_named(form, row, why, tmp_path):
    with pytest.raises(BadUse) as error:
        read(tmp_path, form, row)
    assert why in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("form", NAMES)
def test_an_empty_file_is_told(form, tmp_path):
    with pytest.raises(BadUse, match="is empty; give a file with at least one row"):
        read(tmp_path, form)


def test_the_command_offers_every_format():
    assert FORMS == NAMES


@pytest.mark.parametrize(
    ("name", "form", "n", "left_out"),
    [
        ("hh_harmless_base", "hh", 1885, 4),
        ("hh_helpful_base", "hh", 1883, 5),
        ("webgpt_pairs", "webgpt", 710, 0),
        ("qa_feedback_k4", "qa", 384 + 6 * 19, 0),
        ("oasst_trees_100", "oasst", 172, 0),
        ("dpo_en_300", "pairs", 250, 0),
    ],
)
def test_real_labels_are_read_and_none_is_lost_unseen(name, form, n, left_out, shared_data, tmp_path):
    path = shared_data / "prefs" / f"{name}.jsonl.gz"
    found = read_labels(path, form)
    assert (len(found.rankings), found.left_out.total()) == (n, left_out)
    if form in ("hh", "webgpt", "pairs"):
        assert n + left_out == len(list(lines(path)))
    write_records(tmp_path / "ours.jsonl", found.rankings)
    assert read_labels(tmp_path / "ours.jsonl", "jsonl").rankings == found.rankings
    sides = {}
    assert all(sides.setdefault(one.group_id, one.split) == one.split for one in found.rankings)
    assert {one.split for one in found.rankings} == {"train", "valid"}


def test_real_judgements_have_their_points_and_ties(shared_data):
    path = shared_data / "prefs" / "qa_feedback_k4.jsonl.gz"
    rows = {row["prompt"]: row for row in (json.loads(line) for _, line in lines(path))}
    for one in read_labels(path, "qa").rankings:
        row = rows[one.group_id]
        if len(one.outputs) == 4:
            assert sorted(one.ranks) == sorted(1 + sum(w > x for w in row["wins"]) for x in row["wins"])
            assert judged(one.ranks) == row["pairwise"]


def test_real_ties_of_webgpt_are_kept(shared_data):
    found = read_labels(shared_data / "prefs" / "webgpt_pairs.jsonl.gz", "webgpt")
    assert sum(one.ranks == (1, 1) for one in found.rankings) == 188


def test_every_format_says_what_it_reads():
    assert all(read.__doc__ for read in FORMATS.values())
