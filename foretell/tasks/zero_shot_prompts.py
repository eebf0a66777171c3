"""Tasks said in the form that text of the web has (Radford et al. 2019, sections 3.5 to 3.7).

    tldr_...          <article>\\nTL;DR:              100 tokens, top-k 2; the first 3 sentences count
    equals_en_fr      english sentence = french sentence, a line each, then `english sentence =`; greedy, the first
                      sentence counts
    told_...          <document>, the conversation as `Q: ...` and `A: ...` lines, then `A:`; greedy

The paper gives no number of example pairs (ours: 16) and no line breaks. A beam of one is greedy. Summaries are
measured by the mean of ROUGE-1, 2 and L, its R-AVG.
"""

import re
from functools import partial

from foretell.corpus.sentences import sentences
from foretell.tasks import passages
from foretell.tasks.item import Free
from foretell.tasks.options import free
from foretell.tasks.source import Hub, Row, Source, field
from foretell.tasks.splits import Build, Flat, Split, questions
from foretell.tasks.task import Questions, Task

FAMILY = "zero_shot_prompts"
CUE = "\nTL;DR:"
SUMMARY_TOKENS, SUMMARY_TOP_K, SUMMARY_SENTENCES = 100, 2, 3  # section 3.6
TRANSLATION_SENTENCES = 1  # section 3.7
PAIRS = 16  # of a translation's context
MOST_WORDS = 400  # of an article; with the summary it must fit into 1024 tokens
LANGUAGES = {"en": "English", "fr": "French"}


def article_question(row: Row, name: str) -> Free | None:
    """An article and its summary: {article, highlights} of the hub, {post, summary}, or {text}, whose first three
    sentences are then the summary of the rest (ours, for articles that have none).
    """
    if "text" in row:
        said = sentences(row["text"])
        article, summary = " ".join(said[SUMMARY_SENTENCES:]), " ".join(said[:SUMMARY_SENTENCES])
    else:
        parts = ("article", "highlights") if "article" in row else ("post", "summary")
        article, summary = (field(row, part, name).strip() for part in parts)
    begun = first_words(article, MOST_WORDS)
    return free(name, begun + CUE if begun else "", [summary])


def first_words(text: str, n: int) -> str:
    """The text up to its n-th word, with its own line breaks."""
    begun = re.match(rf"(?:\s*\S+){{0,{n}}}", text)
    return begun.group().strip() if begun else ""


def translation_question(row: Row, name: str, *, direction: tuple[str, str]) -> Free | None:
    """A sentence and its translation: {translation: {en, fr}} of the hub, {en, fr}, or {context, ref_text} with
    `French: ...\\nEnglish:` as context.
    """
    if "ref_text" in row:
        french = field(row, "context", name).strip().removeprefix("French:").removesuffix("English:").strip()
        told = {"fr": french, "en": row["ref_text"]}
    else:
        told = row.get("translation", row)
    source, target = (" ".join(field(told, language, name).split()) for language in direction)
    return free(name, f"{source} =" if source else "", [target], source=source)


def told_question(row: Row, name: str) -> Free | None:
    """A question about a document, after the questions that were asked before."""
    turns = "".join(f"Q: {question}\nA: {answer}\n" for question, answer in row["before"])
    return free(name, f"{row['passage'].strip()}\n{turns}Q: {row['question'].strip()}\nA:", row["texts"])


def load(source: Source, *, name: str, build: Build, files: tuple[str, ...], hub: Hub | None) -> Questions:
    """The questions of a set; example pairs are drawn from among them."""
    return questions(source, name, build, Split(files=files, hub=hub))


def load_told(source: Source, *, name: str, files: tuple[str, ...], hub: Hub, flat: Flat) -> Questions:
    """The questions about documents; demonstrations, for those who want them, are about other documents."""
    asked = Split(files=files, hub=hub)
    return questions(source, name, told_question, asked, flat=flat, kin=lambda row: row["passage"])


def summaries(name: str, about: str, files: tuple[str, ...], hub: Hub | None = None) -> Task:
    """A task of summaries."""
    settings = f"{SUMMARY_TOKENS} tokens with top-k {SUMMARY_TOP_K}, first {SUMMARY_SENTENCES} sentences"
    return Task(
        name=name,
        family=FAMILY,
        about=f"{about}: {settings}; articles up to {MOST_WORDS} words",
        load=partial(load, name=name, build=article_question, files=files, hub=hub),
        shots=0,
        metric="rouge",
        stop=(),
        max_new_tokens=SUMMARY_TOKENS,
        beam=1,
        top_k=SUMMARY_TOP_K,
        keep_sentences=SUMMARY_SENTENCES,
    )


def translations(source: str, target: str) -> Task:
    """A direction of translation."""
    name = f"equals_{source}_{target}"
    build = partial(translation_question, direction=(source, target))
    hub = Hub(dataset="wmt/wmt14", config="fr-en", split="test")
    said = f"{LANGUAGES[source]} to {LANGUAGES[target]} by example pairs with `=`: greedy, first sentence"
    return Task(
        name=name,
        family=FAMILY,
        about=said,
        load=partial(load, name=name, build=build, files=("wmt14_fr_en", "fr_to_en"), hub=hub),
        shots=PAIRS,
        metric="bleu",
        separator="\n",
        max_new_tokens=96,
        beam=1,
        keep_sentences=TRANSLATION_SENTENCES,
    )


def told(name: str, about: str, files: tuple[str, ...], hub: Hub, flat: Flat) -> Task:
    """A task of questions about documents."""
    return Task(
        name=name,
        family=FAMILY,
        about=f"{about}: greedy, to the end of the line",
        load=partial(load_told, name=name, files=files, hub=hub, flat=flat),
        shots=0,
        metric="f1",
        max_new_tokens=32,
        beam=1,
    )


TASKS = (
    summaries(
        "tldr_news",
        "news and their highlights",
        ("cnn_dailymail",),
        Hub(dataset="abisee/cnn_dailymail", config="3.0.0", split="test"),
    ),
    summaries("tldr_posts", "posts and their authors' own summaries (not in the paper)", ("tldr",)),
    summaries("tldr_lead", "articles and their first sentences (not in the paper)", ("wiki_articles", "articles")),
    translations("en", "fr"),
    translations("fr", "en"),
    told(
        "told_conversation",
        "a story, a conversation, and `A:`",
        ("coqa", "coqa-dev-v1.0"),
        Hub(dataset="stanfordnlp/coqa"),
        passages.coqa,
    ),
    told(
        "told_document",
        "a paragraph, questions about it, and `A:` (not in the paper)",
        ("squad", "dev-v1.1", "xquad_en_squad"),
        Hub(dataset="rajpurkar/squad"),
        passages.squad,
    ),
)
