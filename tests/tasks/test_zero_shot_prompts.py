import pytest

from foretell.tasks import registry
from foretell.tasks.zero_shot_prompts import FAMILY, first_words
from tests.tasks.made_rows import asked, check_real, from_hub, loaded


def test_a_summary_is_asked_for_by_tldr(tmp_path, monkeypatch):
    (item,) = loaded(tmp_path, "tldr_posts", tldr=[{"post": "It rained.\nWe left.", "summary": "Rain."}]).items
    assert (asked("tldr_posts", item), item.answers) == ("It rained.\nWe left.\nTL;DR:", (" Rain.",))
    hub = {("abisee/cnn_dailymail", "3.0.0", "test"): [{"article": "It rained.", "highlights": "Rain."}]}
    (item,) = from_hub(monkeypatch, "tldr_news", hub).items
    assert (asked("tldr_news", item), item.answers) == ("It rained.\nTL;DR:", (" Rain.",))


def test_an_article_without_a_summary_is_summed_up_by_its_first_sentences(tmp_path):
    text = "One is here. Two is here. Three is here. Four is here. Five is here."
    (item,) = loaded(tmp_path, "tldr_lead", articles=[{"text": text}]).items
    assert (item.context, item.answers) == (
        "Four is here. Five is here.\nTL;DR:",
        (" One is here. Two is here. Three is here.",),
    )
    found = loaded(tmp_path, "tldr_lead", articles=[{"text": "One is here."}, {"text": text}])
    assert (len(found.items), found.origin) == (1, "articles.jsonl, 1 row without text left out")


@pytest.mark.parametrize("text", ["a b c d", " a\nb  c\n\nd e ", "", "a"])
@pytest.mark.parametrize("n", [0, 1, 3, 9])
def test_the_first_words_keep_what_stands_between_them(text, n):
    cut = first_words(text, n)
    assert cut.split() == text.split()[:n]
    assert cut in text


def test_translation_is_by_pairs_with_an_equals_sign(tmp_path, monkeypatch):
    rows = [{"en": "It rains.", "fr": "Il pleut."}, {"en": "It snows.", "fr": "Il neige."}]
    one, other = loaded(tmp_path, "equals_en_fr", wmt14_fr_en=rows).items
    assert asked("equals_en_fr", one, other) == "It snows. = Il neige.\nIt rains. ="
    assert (one.answers, one.source) == ((" Il pleut.",), "It rains.")
    hub = {("wmt/wmt14", "fr-en", "test"): [{"translation": rows[0]}]}
    (item,) = from_hub(monkeypatch, "equals_fr_en", hub).items
    assert (asked("equals_fr_en", item), item.answers) == ("Il pleut. =", (" It rains.",))


def test_a_document_and_its_conversation_end_in_a(tmp_path):
    qas = [{"question": "Who?", "answers": [{"text": "Ann"}]}, {"question": "When?", "answers": [{"text": "now"}]}]
    rows = [{"data": [{"title": "t", "paragraphs": [{"context": "Ann is here now.", "qas": qas}]}]}]
    _, second = loaded(tmp_path, "told_document", squad=rows).items
    assert asked("told_document", second) == "Ann is here now.\nQ: Who?\nA: Ann\nQ: When?\nA:"
    story = {
        "story": "Ann is here.",
        "questions": ["Who?", "Where?"],
        "answers": {"input_text": ["Ann", "here"], "answer_start": [0, 7]},
    }
    _, second = loaded(tmp_path, "told_conversation", coqa=[story]).items
    assert asked("told_conversation", second) == "Ann is here.\nQ: Who?\nA: Ann\nQ: Where?\nA:"


def test_settings_are_the_papers():
    tasks = [task for task in registry.every().values() if task.family == FAMILY]
    assert {task.beam for task in tasks} == {1}
    summaries = [task for task in tasks if task.name.startswith("tldr")]
    said = {(task.max_new_tokens, task.stop, task.top_k, task.keep_sentences, task.metric) for task in summaries}
    assert said == {(100, (), 2, 3, "rouge")}
    assert all("top-k 2" in task.about for task in summaries)
    assert {(task.top_k, task.keep_sentences) for task in tasks if task.name.startswith("equals")} == {(0, 1)}
    assert {task.shots for task in tasks} == {0, 16}


@pytest.mark.parametrize(
    ("task", "n", "pool"),
    [
        ("tldr_posts", 2084, 0),
        ("tldr_lead", 22, 0),
        ("equals_en_fr", 72, 0),
        ("equals_fr_en", 72, 0),
        ("told_document", 813, 0),
    ],
)
def test_the_real_files_are_read(shared_data, task, n, pool):
    found = check_real(task, shared_data, n, pool)
    assert max(len(item.context.split()) for item in found.items) <= 700
