"""News articles that a model writes from a title and a subtitle (Brown et al. 2020, section 3.9.4, appendix E).

    before the title    three earlier articles, the same for all titles, so that they are computed once
    5 texts a title     the one with the nearest number of words to the human article's is kept
    control             a small model that sees no earlier articles and samples at a higher temperature

news.jsonl holds rows {title, subtitle, text} and perhaps a date, by which they are put in order; the first three are
those that stand before. Without it articles are made: of wiki_articles.jsonl {text} or of this machine's documentation,
whose first sentence becomes a title and the second a subtitle. That shows the study at work, it is no news.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from foretell.corpus.split import place
from foretell.errors import BadUse, Failed
from foretell.tasks.entries import plain_sentences
from foretell.tasks.source import Row, Source, field, found, rows

N_BEFORE, N_ASKED, N_TRIES = 3, 25, 5  # appendix E
SHORTEST, LONGEST = 60, 200  # words of a made article; the paper's were about 200
MOST_OF_ONE = 2  # made articles of one document
TEXT_BYTES = 2_000_000
CODE = re.compile(r"[(_=*`]|\w\.\w")
"""what a sentence of an article has not: names and calls of documentation, headings run together of encyclopaedias"""
NEXT_ARTICLE = "\nTitle:"
Generate = Callable[[Sequence[str]], Sequence[str]]
"""prompts -> what a model writes after each, without the prompt"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Article:
    """A title, a subtitle and what a human wrote below them."""

    title: str
    subtitle: str
    text: str
    date: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """The articles that stand before every title, those that are asked for, and where they are from."""

    before: tuple[Article, ...]
    asked: tuple[Article, ...]
    origin: str


def news(source: Source, n_asked: int = N_ASKED) -> News:
    """Three articles and the next n_asked ones; BadUse where a file has fewer than four."""
    articles, origin = from_file(source) if found(source, "news") is not None else made(source, N_BEFORE + n_asked)
    if len(articles) <= N_BEFORE:
        raise BadUse(f"{origin} has {len(articles)} articles; {N_BEFORE} stand before the titles, give 1 more or more")
    asked = articles[N_BEFORE : N_BEFORE + n_asked]
    return News(before=tuple(articles[:N_BEFORE]), asked=tuple(asked), origin=origin)


def from_file(source: Source) -> tuple[list[Article], str]:
    """The articles of news.jsonl by date; those without a date, or of one date, stay in the file's order."""
    found_rows, origin = rows(source, "news")
    articles = [article_of(row, f"news-{number}") for number, row in enumerate(found_rows)]
    return sorted(articles, key=lambda article: article.date), origin


def article_of(row: Row, name: str) -> Article:
    """A row {title, subtitle, text, date}; BadUse where the text is empty."""
    title, subtitle, text = (str(field(row, key, name)).strip() for key in ("title", "subtitle", "text"))
    if not title or not text:
        raise BadUse(f"{name} has an empty title or text; leave the row out")
    return Article(title=title, subtitle=subtitle, text=text, date=str(row.get("date") or ""))


def made(source: Source, n: int) -> tuple[list[Article], str]:
    """At most n articles made of text that has no titles, chosen and put in order by the seed."""
    if found(source, "wiki_articles") is not None:
        found_rows, origin = rows(source, "wiki_articles")
        texts = [field(row, "text", f"wiki_articles-{number}") for number, row in enumerate(found_rows)]
    else:
        from foretell.corpus.documents import documentation

        texts, origin = [one.text for one in documentation(TEXT_BYTES, quiet=True)], "generated"
    mixed = sorted(texts, key=lambda text: place(f"{source.seed} {text}"))
    articles: dict[str, Article] = {}
    for article in islice((article for text in mixed for article in cut_up(prose(text))), n):
        articles.setdefault(article.title, article)
    return sorted(articles.values(), key=lambda article: place(f"{source.seed} {article.title}")), origin


def prose(text: str) -> list[str]:
    """The plain sentences of a text that name no code, each once."""
    return [sentence for sentence in dict.fromkeys(plain_sentences(text)) if not CODE.search(sentence)]


def cut_up(said: Sequence[str]) -> Iterator[Article]:
    """A few articles of a document's sentences: a title, a subtitle, and sentences up to LONGEST words."""
    at = 0
    for _ in range(MOST_OF_ONE):
        head, at = said[at : at + 2], at + 2
        body: list[str] = []
        while at < len(said) and n_words(" ".join((*body, said[at]))) <= LONGEST:
            body.append(said[at])
            at += 1
        if n_words(" ".join(body)) < SHORTEST:
            return
        yield Article(title=head[0].rstrip("."), subtitle=head[1].rstrip("."), text=" ".join(body))


def shown(article: Article) -> str:
    """An article as it stands before a title (figure 3.14)."""
    return f"{heading(article)} {article.text}"


def heading(article: Article) -> str:
    """What a text is asked for with."""
    return f"Title: {article.title}\nSubtitle: {article.subtitle}\nArticle:"


def prompt(article: Article, before: Sequence[Article] = ()) -> str:
    """The earlier articles and the heading of the new one; the control model sees the heading alone."""
    return "\n\n".join([*map(shown, before), heading(article)])


def written(asked: Sequence[Article], before: Sequence[Article], generate: Generate, tries: int = N_TRIES) -> list[str]:
    """For each article the model's text whose number of words is nearest to the human one's, of so many tries.

    What follows the heading of a next article is cut off. Failed where all tries for a title are empty.
    """
    prompts = [prompt(article, before) for article in asked for _ in range(tries)]
    texts = [only_article(text) for text in generate(prompts)]
    if len(texts) != len(prompts):
        raise Failed(f"{len(prompts)} articles were asked for and {len(texts)} came; one text a prompt is needed")
    return [nearest(texts[i * tries : (i + 1) * tries], article) for i, article in enumerate(asked)]


def only_article(text: str) -> str:
    """What stands before the model's next title."""
    return text.partition(NEXT_ARTICLE)[0].strip()


def nearest(texts: Iterable[str], article: Article) -> str:
    """The text of the nearest length in words, the first of equals."""
    candidates = [text for text in texts if text]
    if not candidates:
        raise Failed(f"the model wrote nothing below {article.title!r}; sample more tokens, or at a higher temperature")
    return min(candidates, key=lambda text: abs(n_words(text) - n_words(article.text)))


def n_words(text: str) -> int:
    """The words of a text as white space divides them."""
    return len(text.split())
