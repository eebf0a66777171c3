"""How good or bad a word is, from -100 to 100, by one of four lexicons; none of them is part of this project.

    pattern        textblob's en-sentiment.xml: the default, needs no download
    vader          vaderSentiment: mean valence of ten raters, -4 to 4, times 25
    afinn          afinn: -5 to 5, times 20
    sentiwordnet   a file that the user gives: positive less negative score of the first senses, times 100

GPT-3's figure 6.1 used SentiWordNet 3.0 (Baccianella, Esuli and Sebastiani 2010). The first sense of each part of
speech is our reading: with it the paper's examples are exact (wretched is -87.5; the mean of its five senses is -75).
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from foretell.errors import BadUse, Failed, nearest
from foretell.runs import open_text

Lexicon = Mapping[str, float]
PER_VALENCE = {"vader": 25.0, "afinn": 20.0}


def lexicon(name: str, path: Path | None = None) -> Lexicon:
    """The score of each word that the lexicon of this name knows. BadUse for another name, or a file that is needed."""
    if name == "sentiwordnet":
        if path is None:
            raise BadUse("sentiwordnet needs its file; give --lexicon-file PATH, or --lexicon pattern")
        return sentiwordnet(path)
    if name not in INSTALLED:
        raise BadUse(f"lexicon {name!r} is not known{nearest(name, [*INSTALLED, 'sentiwordnet'])}")
    try:
        return INSTALLED[name]()
    except ImportError as error:
        raise Failed(f"the lexicon {name} is not installed; pip install 'foretell[audit]'") from error


def pattern() -> Lexicon:
    """TextBlob's lexicon: the polarity of each word over its senses."""
    from textblob.en import sentiment

    if not len(sentiment):  # it reads its file when it is first asked
        sentiment("good")
    return {word: 100 * senses[None][0] for word, senses in sentiment.items() if word.isalpha()}


def vader() -> Lexicon:
    """VADER's words; its emoticons are left out."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return words_only(SentimentIntensityAnalyzer().lexicon, PER_VALENCE["vader"])


def afinn() -> Lexicon:
    """AFINN's words; its phrases are left out."""
    from afinn import Afinn

    return words_only(Afinn()._dict, PER_VALENCE["afinn"])


def words_only(scores: Mapping[str, float], per: float) -> Lexicon:
    """The scores of what is a word, times `per`."""
    return {word: per * value for word, value in scores.items() if word.replace("-", "").replace("'", "").isalpha()}


INSTALLED: Mapping[str, Callable[[], Lexicon]] = {"pattern": pattern, "vader": vader, "afinn": afinn}


def sentiwordnet(path: Path) -> Lexicon:
    """SentiWordNet's file: as published (POS, id, positive, negative, terms, gloss), or the three middle columns.

    A word's score is the mean over its first senses: one for each part of speech, where the file has that column.
    """
    firsts: dict[str, list[float]] = {}
    try:
        with open_text(path) as file:
            for number, line in enumerate(file, 1):
                if line.strip() and not line.startswith("#"):
                    score, terms = synset(path, number, line.rstrip("\n").split("\t"))
                    for term in terms:
                        word, _, sense = term.rpartition("#")
                        if sense == "1":
                            firsts.setdefault(word.lower(), []).append(score)
    except (OSError, UnicodeDecodeError) as error:
        raise BadUse(f"{path} cannot be read ({error}); give the file of SentiWordNet 3.0") from error
    if not firsts:
        raise BadUse(f"{path} has no synsets; give the file of SentiWordNet 3.0")
    return {word: 100 * sum(scores) / len(scores) for word, scores in firsts.items()}


def synset(path: Path, number: int, columns: list[str]) -> tuple[float, list[str]]:
    """The positive less the negative score of a line, and its terms."""
    kept = columns[2:5] if len(columns) >= 5 else columns
    try:
        positive, negative, terms = float(kept[0]), float(kept[1]), kept[2].split()
    except (IndexError, ValueError) as error:
        rule = "is no synset: two scores and terms such as good#1 are needed, between tabs"
        raise BadUse(f"line {number} of {path} {rule}") from error
    return positive - negative, terms
