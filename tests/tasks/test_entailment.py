import pytest

from foretell.errors import BadUse
from foretell.tasks import registry
from foretell.tasks.item import shown
from tests.tasks.made_rows import asked, check_real, from_hub, loaded, right

QUARK = {
    "premise": "The bet regarded the top quark.",
    "hypothesis": "The Top Quark is the last of six flavors.",
    "label": 1,
}
SUPERGLUE = "aps/super_glue"


def both_splits(dataset, config, rows, asked_split="validation", train="train"):
    return {(dataset, config, split): rows for split in (asked_split, train)}


@pytest.mark.parametrize(
    ("label", "answer"), [("entailment", " True"), ("not_entailment", " False"), (0, " True"), (1, " False")]
)
def test_rte_wants_true_or_false(tmp_path, label, answer):
    (item,) = loaded(tmp_path, "rte", rte=[{**QUARK, "label": label}]).items
    assert asked("rte", item) == (
        "The bet regarded the top quark.\nquestion: The Top Quark is the last of six flavors. True or False?\nanswer:"
    )
    assert (item.options, right(item)) == ((" True", " False"), answer)


@pytest.mark.parametrize(
    ("label", "answer"),
    [(0, " true"), (1, " false"), (2, " neither"), ("neutral", " neither"), ("contradiction", " false")],
)
def test_cb_wants_one_of_three(tmp_path, label, answer):
    row = {"premise": "Rents fell.", "hypothesis": "Manhattan comes cheap.", "label": label}
    for task in ("cb", "cb_f1"):
        (item,) = loaded(tmp_path, task, cb=[row]).items
        assert asked(task, item) == "Rents fell.\nquestion: Manhattan comes cheap. true, false, or neither?\nanswer:"
        assert right(item) == answer


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize(("label", "answer"), [(0, " True"), (1, " Neither"), (2, " False"), ("c", " False")])
def test_anli_names_its_round(monkeypatch, number, label, answer):
    row = {"uid": "u", "premise": "The loophole was shut.", "hypothesis": "The loophole is now gone", "label": label}
    hub = both_splits("facebook/anli", "", [row], f"test_r{number}", f"train_r{number}")
    found = from_hub(monkeypatch, f"anli_r{number}", hub)
    (item,) = found.items
    assert asked(f"anli_r{number}", item) == (
        f"anli {number}: The loophole was shut.\nQuestion: The loophole is now gone True, False, or Neither?"
    )
    assert (item.options, right(item)) == ((" True", " False", " Neither"), answer)
    assert len(found.pool) == 1


@pytest.mark.parametrize("label", [1, True])
def test_wic_quotes_the_word(tmp_path, label):
    row = {"word": "outfitter", "sentence1": "An outfitter came.", "sentence2": "He saw an outfitter.", "label": label}
    (item,) = loaded(tmp_path, "wic", wic=[row]).items
    assert asked("wic", item) == (
        "An outfitter came.\nHe saw an outfitter.\nquestion: Is the word \u2018outfitter\u2019 used in the same way in "
        "the two sentences above?\nanswer:"
    )
    assert (item.options, right(item)) == ((" no", " yes"), " yes")


MONCRIEFF = {
    "text": "Mr. Moncrieff visited Edward, who no longer requires his, financial support.",
    "span1_text": "Mr. Moncrieff",
    "span1_index": 0,
    "span2_text": "his",
    "span2_index": 8,
    "label": 1,
}
EXAM = (
    "Final Exam with Answer Key\nInstructions: Please carefully read the following passages. For each passage, you "
    "must identify which noun the pronoun marked in *bold* refers to.\n=====\n"
)


def test_wsc_is_an_examination_whose_answer_is_written(monkeypatch):
    found = from_hub(monkeypatch, "wsc", both_splits(SUPERGLUE, "wsc.fixed", [MONCRIEFF]))
    (item,) = found.items
    passage = "Passage: Mr. Moncrieff visited Edward, who no longer requires *his*, financial support.\n"
    question = 'Question: In the passage above, what does the pronoun "*his*" refer to?\nAnswer:'
    assert asked("wsc", item) == EXAM + passage + question
    assert item.answers == (" mr. moncrieff", " Mr. Moncrieff")
    assert asked("wsc", item, found.pool[0]) == f"{EXAM}{passage}{question} mr. moncrieff\n\n{passage}{question}"


def test_rows_of_wsc_that_name_no_right_noun_are_left_out(tmp_path):
    found = loaded(tmp_path, "wsc", wsc=[MONCRIEFF, {**MONCRIEFF, "label": 0}], wsc__train=[MONCRIEFF])
    assert len(found.items) == 1
    assert found.origin == "wsc.jsonl, 1 row without a right noun left out"
    with pytest.raises(BadUse, match=r"wsc-0 has no word 'her' in 'Mr\. Moncrieff visited"):
        loaded(tmp_path, "wsc", wsc=[{**MONCRIEFF, "span2_text": "her"}])


def test_the_pronoun_is_found_where_the_set_miscounts(tmp_path):
    row = {**MONCRIEFF, "text": "Ann gave this to  Sue, and his to his.", "span2_index": 6}
    (item,) = loaded(tmp_path, "wsc", wsc=[row]).items
    assert item.context.startswith("Passage: Ann gave this to  Sue, and *his* to his.\n")


def multirc(question, *answers):
    paragraph = "Diplomacy continued."
    return [
        {"paragraph": paragraph, "question": question, "answer": answer, "label": label, "idx": {}}
        for answer, label in answers
    ]


def test_multirc_asks_each_answer_and_shows_whole_questions(monkeypatch):
    rows = multirc("Who should visit?", ("Bin Laden", 0), ("Clinton", 1)) + multirc("Who went?", ("nobody", 1))
    found = from_hub(monkeypatch, "multirc", both_splits(SUPERGLUE, "multirc", rows))
    first, second, third = found.items
    said = "READING COMPREHENSION ANSWER KEY\n\nDiplomacy continued.\n\nWho should visit?"
    assert asked("multirc", first) == asked("multirc", second) == said
    assert first.options == ("\n- [False] Bin Laden", "\n- [True] Bin Laden")
    assert (right(first), right(second)) == ("\n- [False] Bin Laden", "\n- [True] Clinton")
    assert first.group == second.group != third.group
    assert len({item.id for item in found.items}) == 3
    assert len(found.pool) == 2
    assert asked("multirc", third, found.pool[0]) == (
        f"{said}\n- [False] Bin Laden\n- [True] Clinton\n\nDiplomacy continued.\n\nWho went?"
    )
    assert shown(found.pool[0], 1).endswith("\n- [True] Bin Laden\n- [False] Clinton")


def test_record_tries_each_entity_in_the_last_highlight(monkeypatch):
    row = {
        "passage": "(CNN) Yuval Rabin criticized Donald Trump.\n@highlight\nThe son wrote.\n@highlight\nHe warns.",
        "query": "Rabin condemned @placeholder's rhetoric.",
        "entities": ["Donald Trump", "Trump", "Hillary Clinton", "Yuval Rabin", "Hillary Clinton"],
        "answers": ["Donald Trump", "Trump", "Donald Trump"],
    }
    (item,) = from_hub(monkeypatch, "record", both_splits(SUPERGLUE, "record", [row])).items
    assert asked("record", item) == "(CNN) Yuval Rabin criticized Donald Trump.\n\n- The son wrote.\n- He warns."
    assert item.gold == 0
    assert item.options == tuple(
        f"\n- Rabin condemned {who}'s rhetoric." for who in ("Donald Trump", "Hillary Clinton", "Yuval Rabin")
    )


def test_qnli_sick_and_mrpc_have_words_of_ours(tmp_path, monkeypatch):
    row = {"question": "Where is it?", "sentence": "It is here.", "label": "entailment"}
    (item,) = loaded(tmp_path, "qnli", qnli=[row]).items
    assert (
        asked("qnli", item) + right(item) == "It is here.\nquestion: Where is it? Is this answered above?\nanswer: yes"
    )
    row = {"sentence1": "A boy runs", "sentence2": "Nobody runs.", "label": "CONTRADICTION"}
    (item,) = loaded(tmp_path, "sick", sick=[row]).items
    assert asked("sick", item) + right(item) == (
        "A boy runs.\nquestion: Nobody runs. true, false, or neither?\nanswer: false"
    )
    row = {"sentence_A": "A boy runs", "sentence_B": "Nobody runs", "label": 2}
    (other,) = from_hub(monkeypatch, "sick", both_splits("RobZamp/sick", "", [row], "test")).items
    assert (other.context, other.gold) == (item.context, item.gold)
    row = {"sentence1": "It rains.", "sentence2": "Rain falls.", "label": 1}
    (item,) = loaded(tmp_path, "mrpc", mrpc=[row]).items
    assert asked("mrpc", item) + right(item) == (
        "It rains.\nRain falls.\nquestion: Do the two sentences above mean the same?\nanswer: yes"
    )


def test_k_and_metric_are_the_papers():
    names = ("rte", "cb", "wic", "wsc", "multirc", "record", "anli_r1", "anli_r2", "anli_r3")
    assert [registry.task(name).shots for name in names] == [32] * 6 + [50] * 3
    metrics = {registry.task(name).metric for name in ("cb_f1", "wsc", "multirc")}
    assert metrics == {"f1_macro", "exact_match", "group_accuracy"}


def test_a_label_that_means_nothing_is_named(tmp_path):
    with pytest.raises(BadUse, match="rte-0 has the label 'maybe'; it must be one of 0, '0', 'entailment'"):
        loaded(tmp_path, "rte", rte=[{**QUARK, "label": "maybe"}])


@pytest.mark.parametrize(
    ("task", "n", "pool"), [("rte", 2490, 0), ("qnli", 3973, 0), ("sick", 500, 4500), ("mrpc", 500, 3576)]
)
def test_the_real_files_are_read(shared_data, task, n, pool):
    found = check_real(task, shared_data, n, pool)
    assert {item.gold for item in found.items} == set(range(len(found.items[0].options)))
