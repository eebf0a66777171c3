import pytest

from foretell.errors import BadUse
from foretell.eval.prompts import drawn
from foretell.tasks import registry
from foretell.tasks.item import shown
from tests.tasks.made_rows import asked, check_real, from_hub, loaded, right

BLITZ = "The Luftwaffe flew 4,000 sorties, only on moonlit nights."
SORTIES = {"id": "a", "question": "How many sorties were flown?", "answers": [{"text": "4,000"}, {"text": "4000"}]}
MISSIONS = {"id": "b", "question": "When did they fly?", "answers": [{"text": "on moonlit nights"}]}
NEVER = {"id": "c", "question": "Who won?", "answers": [], "is_impossible": True}


def nested(*qas, **more):
    return {"data": [{"title": "The_Blitz", **more, "paragraphs": [{"context": BLITZ, "qas": list(qas)}]}]}


def test_squad_has_the_earlier_questions_of_the_paragraph_before_the_last_one(tmp_path):
    first, second = loaded(tmp_path, "squad", squad=[nested(SORTIES, MISSIONS)]).items
    opening = f"Title: The_Blitz\n\nBackground: {BLITZ}"
    assert asked("squad", first) == f"{opening}\n\nQ: How many sorties were flown?\n\nA:"
    assert asked("squad", second) == (
        f"{opening}\n\nQ: How many sorties were flown?\n\nA: 4,000\n\nQ: When did they fly?\n\nA:"
    )
    assert first.answers == (" 4,000", " 4000")


def test_squad_of_the_hub_has_the_same_prompt(tmp_path, monkeypatch):
    rows = [
        {
            "id": one["id"],
            "title": "The_Blitz",
            "context": BLITZ,
            "question": one["question"],
            "answers": {
                "text": [answer["text"] for answer in one["answers"]],
                "answer_start": [0] * len(one["answers"]),
            },
        }
        for one in (SORTIES, MISSIONS, NEVER)
    ]
    hub = {("rajpurkar/squad_v2", "", split): rows for split in ("validation", "train")}
    here = loaded(tmp_path, "squad_v2", squad_v2=[nested(SORTIES, MISSIONS, NEVER)])
    there = from_hub(monkeypatch, "squad_v2", hub)
    assert [(item.context, item.answers) for item in there.items] == [
        (item.context, item.answers) for item in here.items
    ]
    assert len(there.pool) == 3


def test_a_question_without_an_answer_is_answered_by_i_dont_know(tmp_path):
    *_, last = loaded(tmp_path, "squad_v2", squad_v2=[nested(SORTIES, NEVER)]).items
    assert last.answers == (" I don't know", " unanswerable", " no answer")


def test_the_questions_of_a_paragraph_are_kin(tmp_path):
    data = [{"title": t, "paragraphs": [{"context": f"text {t}", "qas": [SORTIES, MISSIONS]}]} for t in ("one", "two")]
    items = loaded(tmp_path, "squad", squad=[{"data": data}]).items
    assert [(item.id, item.kin) for item in items] == [
        ("squad-0", "text one"), ("squad-1", "text one"), ("squad-2", "text two"), ("squad-3", "text two"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("task", "file", "row", "kin"),
    [
        ("boolq", "boolq", {"query": "Passage: p\nQuestion: q?", "choices": ["no", "yes"], "gold": 1}, "Passage: p"),
        (
            "drop_prompts",
            "drop_subset",
            {"context": "Passage: p\nQuestion: q?\nAnswer:", "ref_text": "1"},
            "Passage: p",
        ),
        ("fr_en_prompts", "fr_to_en", {"context": "French: p\nEnglish:", "ref_text": "e"}, ""),
    ],
)
def test_the_text_that_prompts_share_is_found_in_them(tmp_path, task, file, row, kin):
    (item,) = loaded(tmp_path, task, **{file: [row]}).items
    assert item.kin == kin


def test_coqa_has_the_story_and_the_conversation(tmp_path, monkeypatch):
    story = {
        "id": "x",
        "story": "Helsinki is the capital.",
        "questions": [{"input_text": "what is the capital?"}, {"input_text": "of what?"}],
        "answers": [{"input_text": "Helsinki"}, {"input_text": "Finland"}],
        "additional_answers": {"0": [{"input_text": "Helsinki."}, {"input_text": "of Finland"}]},
    }
    _, second = loaded(tmp_path, "coqa", coqa=[{"data": [story]}]).items
    said = "Helsinki is the capital.\n\nQ: what is the capital?\n\nA: Helsinki\n\nQ: of what?\n\nA:"
    assert asked("coqa", second) == said
    assert second.answers == (" Finland", " of Finland")
    row = {
        "story": story["story"],
        "questions": ["what is the capital?", "of what?"],
        "answers": {"input_text": ["Helsinki", "Finland"], "answer_start": [0, 0], "answer_end": [1, 1]},
    }
    hub = {("stanfordnlp/coqa", "", split): [row] for split in ("validation", "train")}
    assert asked("coqa", from_hub(monkeypatch, "coqa", hub).items[1]) == said


def test_quac_has_title_and_section(tmp_path, monkeypatch):
    perry = {"context": "He played for the Bears. CANNOTANSWER", "id": "p"}
    team = {"question": "what team?", "answers": [{"text": "the Bears"}], "orig_answer": {"text": "the Chicago Bears"}}
    why = {"question": "why?", "answers": [{"text": "CANNOTANSWER"}], "orig_answer": {"text": "CANNOTANSWER"}}
    data = [{"title": "William Perry", "section_title": "Career", "paragraphs": [{**perry, "qas": [team, why]}]}]
    first, second = loaded(tmp_path, "quac", quac=[{"data": data}]).items
    opening = "TITLE: William Perry - Career\nPARAGRAPH: He played for the Bears."
    assert asked("quac", first) == f"{opening}\n\nQ: what team?\n\nA:"
    assert first.answers == (" the Chicago Bears", " the Bears")
    assert asked("quac", second) == f"{opening}\n\nQ: what team?\n\nA: the Chicago Bears\n\nQ: why?\n\nA:"
    assert right(second) == " I don't know"
    row = {
        "dialogue_id": "d",
        "wikipedia_page_title": "William Perry",
        "section_title": "Career",
        "context": perry["context"],
        "questions": ["what team?", "why?"],
        "answers": {"texts": [["the Bears"], ["CANNOTANSWER"]], "answer_starts": [[0], [0]]},
        "orig_answers": {"texts": ["the Chicago Bears", "CANNOTANSWER"], "answer_starts": [0, 0]},
    }
    hub = {("allenai/quac", "", split): [row] for split in ("validation", "train")}
    there = from_hub(monkeypatch, "quac", hub).items
    assert [(item.context, item.answers) for item in there] == [
        (item.context, item.answers) for item in (first, second)
    ]


def test_race_has_the_article_and_its_earlier_questions(tmp_path, monkeypatch):
    names, numbers = ["names", "numbers", "time", "places"], ["one", "two", "three", "four"]
    several = {
        "article": "Mrs. Smith asked.",
        "questions": ["How many bags?", "They wrote _ ."],
        "options": [numbers, names],
        "answers": ["B", "A"],
    }
    _, second = loaded(tmp_path, "race_m", race_m=[several]).items
    said = "Article:\nMrs. Smith asked.\n\nQ: How many bags?\n\nA: two\n\nQ: They wrote _ .\n\nA:"
    assert asked("race_m", second) == said
    assert (second.options, second.gold) == ((" names", " numbers", " time", " places"), 0)
    rows = [
        {"example_id": "m1", "article": "Mrs. Smith asked.", "question": question, "options": options, "answer": answer}
        for question, options, answer in zip(several["questions"], [numbers, names], ["B", "A"], strict=True)
    ]
    hub = {("ehovy/race", "high", split): rows for split in ("test", "train")}
    assert asked("race_h", from_hub(monkeypatch, "race_h", hub).items[1]) == said


def test_drop_asks_about_one_passage(tmp_path, monkeypatch):
    none = {"number": "", "spans": [], "date": {"day": "", "month": "", "year": ""}}
    answers = [
        {**none, "number": "4"},
        {**none, "spans": ["Ann", "Sue"]},
        {**none, "date": {"day": "2", "month": "May"}},
    ]
    pairs = [{"question": f"How many {i}?", "answer": answer} for i, answer in enumerate(answers)]
    pairs[0]["validated_answers"] = [{**none, "spans": ["four"]}]
    first, second, third = loaded(tmp_path, "drop", drop=[{"s1": {"passage": "He stayed.", "qa_pairs": pairs}}]).items
    assert asked("drop", first) == "Passage: He stayed.\nQuestion: How many 0?\nAnswer:"
    assert [item.answers for item in (first, second, third)] == [(" 4", " four"), (" Ann, Sue",), (" 2 May",)]
    row = {
        "passage": "He stayed.",
        "question": "How many 0?",
        "answers_spans": {"spans": ["4", "four"], "types": ["number"] * 2},
    }
    hub = {("ucinlp/drop", "", split): [row] for split in ("validation", "train")}
    (item,) = from_hub(monkeypatch, "drop", hub).items
    assert (item.context, item.answers) == (first.context, first.answers)


def test_boolq_asks_in_small_letters_and_wants_yes_or_no(tmp_path, monkeypatch):
    row = {"query": "Passage: Normal force is a force.\nQuestion: is it gravity?", "choices": ["no", "yes"], "gold": 1}
    (item,) = loaded(tmp_path, "boolq", boolq=[row]).items
    assert asked("boolq", item) == "Normal force is a force.\nquestion: is it gravity?\nanswer:"
    assert (item.options, right(item)) == ((" no", " yes"), " yes")
    row = {"question": "is it gravity", "passage": "Normal force is a force.", "idx": 0, "label": 1}
    hub = {("aps/super_glue", "boolq", split): [row] for split in ("validation", "train")}
    (other,) = from_hub(monkeypatch, "boolq", hub).items
    assert (other.context, other.gold) == (item.context, item.gold)


def test_pubmedqa_has_three_answers(tmp_path, monkeypatch):
    row = {
        "context": "Context: AIM. To see.\nQuestion: Is it?\nA. yes\nB. no\nC. maybe\nAnswer: ",
        "continuation": "maybe",
    }
    (item,) = loaded(tmp_path, "pubmedqa", pubmed_qa_labeled=[row]).items
    assert asked("pubmedqa", item) == "Context: AIM. To see.\nQuestion: Is it?\nAnswer:"
    assert (item.options, right(item)) == ((" yes", " no", " maybe"), " maybe")
    row = {"question": "Is it?", "context": {"contexts": ["To see."], "labels": ["AIM"]}, "final_decision": "maybe"}
    found = from_hub(monkeypatch, "pubmedqa", {("qiaojin/PubMedQA", "pqa_labeled", "train"): [row]})
    assert [one.context for one in found.items] == [item.context]
    assert not found.pool


def test_prompts_of_another_paper_are_asked_as_they_are(tmp_path):
    row = {"context": "Passage: x\nQuestion: y?\nAnswer:", "ref_text": "two|2"}
    (item,) = loaded(tmp_path, "drop_prompts", drop_subset=[row]).items
    assert (asked("drop_prompts", item), item.answers) == (row["context"], (" two", " 2"))
    row = {"context": "French: Il pleut.\nEnglish:", "ref_text": "It rains."}
    (item,) = loaded(tmp_path, "fr_en_prompts", fr_to_en=[row]).items
    assert (asked("fr_en_prompts", item), item.answers, item.source) == (row["context"], (" It rains.",), "Il pleut.")


def test_drop_is_measured_by_its_own_f1():
    assert {registry.task(name).metric for name in ("drop", "drop_prompts")} == {"drop_f1"}
    assert {registry.task(name).metric for name in ("squad", "squad_v2", "coqa", "quac")} == {"f1"}


def test_k_is_the_papers():
    names = ("squad_v2", "coqa", "quac", "race_h", "race_m", "drop", "boolq")
    assert [registry.task(name).shots for name in names] == [16, 5, 5, 10, 10, 20, 32]
    assert {(registry.task(name).norm, registry.task(name).answer_context) for name in ("race_h", "race_m")} == {
        ("uncond", "A: ")
    }


@pytest.mark.parametrize(
    ("task", "rows", "says"),
    [
        ("squad", [{"title": "t", "context": "c", "question": "q"}], "a row has no field 'answers'"),
        ("race_h", [{"article": "a", "question": "q", "options": ["x", "y"], "answer": "E"}], "has the label 'E'"),
        ("boolq", [{"question": "q"}], "boolq-0 has no field 'passage'"),
    ],
)
def test_a_row_of_another_layout_is_named(tmp_path, task, rows, says):
    with pytest.raises(BadUse, match=says):
        loaded(tmp_path, task, **{task: rows})


@pytest.mark.parametrize(
    ("task", "n", "pool"),
    [
        ("squad", 813, 0),
        ("boolq", 2431, 0),
        ("pubmedqa", 762, 0),
        ("drop_prompts", 74, 0),
        ("fr_en_prompts", 72, 0),
    ],
)
def test_the_real_files_are_read(shared_data, task, n, pool):
    check_real(task, shared_data, n, pool)


@pytest.mark.parametrize(("task", "n", "lines"), [("squad", 813, 3), ("boolq", 2431, 1)])
def test_no_passage_of_a_real_file_is_both_asked_about_and_shown(shared_data, task, n, lines):
    found = check_real(task, shared_data, n)
    passages = {item.id: "\n".join(item.context.split("\n")[:lines]) for item in found.items}
    by_text = {shown(item): passages[item.id] for item in found.items}
    for item in found.items[::40]:
        told = drawn(registry.task(task), found, item, 20, seed=0, draw="each", labels="right")
        assert len(told) == 20
        assert passages[item.id] not in {by_text[text] for text in told}
