"""From a recipe's word for its data to folders on disk: what `embedded` and a folder of text mean.

corpora/embedded-bpe-4096/       tokens of the documentation text on this machine
corpora/embedded-signatures/     signature -> first sentence, for translation
corpora/multi30k-en-de-bpe-6000/ the tokenizer of both languages of a folder of pairs
corpora/embedded-topic/ ...      tasks made from the same text
corpora/embedded-instructions/   prompts and demonstrations made from it
corpora/drawn-scenes/            questions about drawn pictures and digits
corpora/people/                  made people, documents on them, prompts and demonstrations
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from foretell.corpus.config import (
    EMBEDDED,
    PEOPLE,
    Data,
    DemonstrationData,
    ImageData,
    PromptData,
    RankingData,
    SegmentData,
    TaskData,
    TextData,
    TranslationData,
    tokens_of,
)
from foretell.corpus.documents import DOCUMENTATION_BYTES, Document, documentation, source_hash, text_folder
from foretell.corpus.examples import task_card, task_tokenizer
from foretell.corpus.installed import documentation_source
from foretell.corpus.parallel import read_pairs, shared_tokenizer
from foretell.corpus.pictures import prepare_images
from foretell.corpus.prepare import prepare_tokens
from foretell.corpus.tokens import is_token_folder
from foretell.errors import BadUse
from foretell.recipes.label_files import check_embedded
from foretell.runs import read_json, write_whole
from foretell.tasks import documentation as made
from foretell.tasks.drawn_scenes import drawn_questions
from foretell.tasks.instructions import instructions as make_instructions
from foretell.text.specials import IMAGE
from foretell.text.tokenizer import FILE, Tokenizer
from foretell.train.config import RunConfig

CORPORA = Path("corpora")
SCRATCH = "scratch"
TASKS = {
    "topic": made.topic,
    "describes": made.describes,
    "same_text": made.same_text,
    "which_description": made.which_description,
}


def resolve(cfg: RunConfig, into: Path = CORPORA, *, text: str = EMBEDDED, quiet: bool = False) -> RunConfig:
    """The config with every folder there: text tokenised, pairs and tasks made, outputs as the task's card says.

    `text` is what `embedded` means: this machine's documentation, or a folder of the user's.

    BadUse if a folder, or the run that the config starts from, is not there, or the vocabulary is another.
    """
    cfg = replace(cfg, start="" if cfg.start == SCRATCH else cfg.start)
    if cfg.start and not Path(cfg.start).exists():
        raise BadUse(
            f"{cfg.start} does not exist, and {cfg.recipe} starts from it; train it first, or give --start DIR"
        )
    data = resolved_data(cfg, into, text, quiet)
    cfg = replace(cfg, data=data)
    if isinstance(data, TaskData):
        heads = replace(cfg.model.heads, n_outputs=task_card(Path(data.folder))["n_outputs"])
        # a vocabulary that was published without delimiters has grown
        n_vocab = Tokenizer.load(Path(data.tokens)).n_vocab if cfg.start else cfg.model.n_vocab
        cfg = replace(cfg, model=replace(cfg.model, heads=heads, n_vocab=n_vocab))
    check_vocabulary(cfg)
    return cfg


def resolved_data(cfg: RunConfig, into: Path, text: str, quiet: bool) -> Data:
    """The data config with real folders. Text is read with the tokenizer of the model that the run starts from."""
    data, own = with_people(cfg.data, into), tokenizer_folder(cfg.start)
    known = Tokenizer.load(own) if own else None

    def tokens(folder: str, n_vocab: int = cfg.model.n_vocab) -> Path:
        source = text if folder == EMBEDDED else folder
        found = prepare_tokens(source, data.tokenizer, n_vocab, into, tokenizer=known, quiet=quiet)
        check_tokenizer(found, known, cfg.start)
        return found

    match data:
        case TextData() | SegmentData():
            return replace(data, folder=str(tokens(data.folder)))
        case TranslationData():
            if data.folder == EMBEDDED:
                pairs = signatures(into, text, quiet=quiet)
                return replace(data, folder=str(pairs), tokens=str(tokens(data.tokens)))
            if data.tokens == EMBEDDED:
                return replace(data, tokens=str(own or pair_tokens(data, cfg.model.n_vocab, into, quiet=quiet)))
            read_with = bare_tokenizer(data.tokens, known, cfg.start) or tokens(data.tokens)
            return replace(data, tokens=str(read_with))
        case DemonstrationData() | RankingData() | PromptData():
            read_with = own or tokenizer_folder(data.tokens) or tokens(data.tokens)
            return label_data(replace(data, tokens=str(read_with)), cfg.model.n_vocab, into, text, quiet)
        case ImageData():
            own = own or tokenizer_folder(data.tokens)
            read_with = image_tokenizer(own or tokens(data.tokens, cfg.model.n_vocab - 1), into)
            source = drawn_scenes(into) if data.folder == EMBEDDED else Path(data.folder)
            folder = prepare_images(str(source), data.image_size, into, quiet=quiet)
            return replace(data, folder=str(folder), tokens=str(read_with))
        case TaskData():
            folder = task_folder(data.folder, into, text, quiet=quiet)
            read_with = own or tokenizer_folder(data.tokens) or tokens(data.tokens)
            return replace(data, folder=str(folder), tokens=str(task_tokenizer(read_with, data.layout, into)))


def label_data(
    data: DemonstrationData | RankingData | PromptData, n_vocab: int, into: Path, text: str, quiet: bool
) -> Data:
    """Data of labels whose tokenizer is there, with real folders: what is embedded is made from the text."""
    if data.folder == EMBEDDED:
        check_embedded(data)
        data = replace(data, folder=str(instructions(into, text, quiet=quiet)))
    if isinstance(data, RankingData) or not data.text:
        return data
    known = Tokenizer.load(Path(data.tokens))
    source = text if data.text == EMBEDDED else data.text
    found = prepare_tokens(source, data.tokenizer, n_vocab, into, tokenizer=known, quiet=quiet)
    check_tokenizer(found, known, data.tokens)
    return replace(data, text=str(found))


def drawn_scenes(into: Path) -> Path:
    """The folder of questions about drawn pictures, made once."""
    folder = into / "drawn-scenes"
    return folder if folder.exists() else drawn_questions(folder)


def image_tokenizer(folder: Path, into: Path) -> Path:
    """A folder whose tokenizer has the place of an image: the given one, or one with <|image|> made in `into`."""
    tokenizer = Tokenizer.load(folder)
    if IMAGE in tokenizer.specials:
        return folder
    grown = tokenizer.with_specials([IMAGE])
    made = into / f"{tokenizer.kind}-with-images-{grown.sha()[:8]}"
    write_whole(made / FILE, grown.to_json())
    return made


def with_people(data: Data, into: Path) -> Data:
    """The data with the folder of made people where they name it, made once."""
    found = people(into) if PEOPLE in (data.folder, getattr(data, "text", "")) else into
    if isinstance(data, DemonstrationData | PromptData) and data.text == PEOPLE:
        data = replace(data, text=str(found / "documents"))
    if data.folder != PEOPLE:
        return data
    return replace(data, folder=str(found / "documents" if isinstance(data, TextData) else found))


def people(into: Path) -> Path:
    """The folder of made people, made once."""
    from foretell.safety.dialogues import make_dialogues

    folder = into / PEOPLE
    return folder if folder.exists() else make_dialogues(folder)


def pair_tokens(data: TranslationData, n_vocab: int, into: Path, *, quiet: bool = False) -> Path:
    """The folder of the tokenizer that both languages share, learnt from the training pairs themselves."""
    pairs = read_pairs(Path(data.folder), "train", data.source, data.target)
    name = "-".join(filter(None, (Path(data.folder).resolve().name, data.source, data.target)))
    return shared_tokenizer(pairs, name, data.tokenizer, n_vocab, into, quiet=quiet)


def bare_tokenizer(folder: str, known: Tokenizer | None, start: str) -> Path | None:
    """The folder if it holds a tokenizer without tokens; BadUse if that is another than the start's."""
    if not (Path(folder) / "tokenizer.json").exists() or is_token_folder(Path(folder)):
        return None
    if known is not None and Tokenizer.load(Path(folder)).sha() != known.sha():
        raise BadUse(f"{folder} holds another tokenizer than that of {start}; leave --data.tokens out")
    return Path(folder)


def tokenizer_folder(start: str) -> Path | None:
    """Where the model that a run starts from keeps its tokenizer."""
    if not start:
        return None
    for folder in (Path(start) / "model", Path(start)):
        if (folder / "tokenizer.json").exists():
            return folder
    return None


def check_tokenizer(folder: Path, known: Tokenizer | None, start: str) -> None:
    """BadUse if tokens were made with another tokenizer than the model's: the same ids would mean other words."""
    if known is not None and read_json(folder / "card.json").get("tokenizer_sha256") != known.sha():
        raise BadUse(f"{folder} was encoded by another tokenizer than that of {start}; give --data the text itself")


def check_vocabulary(cfg: RunConfig) -> None:
    """BadUse if the tokenizer has other ids than the network; a bare tokenizer may leave some of them out."""
    folder, n_vocab = Path(tokens_of(cfg.data)), cfg.model.n_vocab
    if (folder / "card.json").exists():
        there = read_json(folder / "card.json")["n_vocab"]
        fits = there == n_vocab
    elif (folder / FILE).exists():
        there = Tokenizer.load(folder).n_vocab
        fits = there <= n_vocab
    else:
        return
    if not fits:
        raise BadUse(f"{folder} has {there} token ids, the network {n_vocab}; add --model.n-vocab {there}")


def documents(text: str, *, quiet: bool = False) -> list[Document]:
    """The documents of a folder of text, or of this machine."""
    return documentation(quiet=quiet) if text == EMBEDDED else text_folder(Path(text))


def signatures(into: Path, text: str = EMBEDDED, *, quiet: bool = False) -> Path:
    """The folder of translation pairs made from the text, made once."""
    return made_once(into / f"{name_of(text)}-signatures", made.signature_pairs, text, quiet)


def instructions(into: Path, text: str = EMBEDDED, *, quiet: bool = False) -> Path:
    """The folder of prompts and demonstrations made from the text, made once."""
    return made_once(into / f"{name_of(text)}-instructions", make_instructions, text, quiet)


def task_folder(task: str, into: Path, text: str = EMBEDDED, *, quiet: bool = False) -> Path:
    """The folder of a task: the given one, or one of TASKS made once from the text. `embedded` means topic."""
    name = "topic" if task == EMBEDDED else task
    if name in TASKS:
        return made_once(into / f"{name_of(text)}-{name}", TASKS[name], text, quiet)
    if not Path(task).is_dir():
        raise BadUse(f"{task!r} is no task folder and none of {', '.join(TASKS)}; name one or give a folder")
    return Path(task)


def made_once(folder: Path, make: Callable[[list[Document], Path], Path], text: str, quiet: bool) -> Path:
    """A folder made from a text, unless it is there; a changed text gets a folder with its hash in the name."""
    found = None if text == EMBEDDED else documents(text)
    source = documentation_source(DOCUMENTATION_BYTES) if found is None else source_hash(found)
    mark = folder.parent / f"{folder.name}.source"
    apart = folder.with_name(f"{folder.name}-{source[:8]}")
    if folder.exists() and mark.exists() and mark.read_text() == source:
        return folder
    if apart.exists():
        return apart
    target = apart if folder.exists() else folder
    make(documents(text, quiet=quiet) if found is None else found, target)
    if target == folder:
        write_whole(mark, source)
    return target


def name_of(text: str) -> str:
    """The short name of a source of text, for the folders made from it."""
    return EMBEDDED if text == EMBEDDED else Path(text).resolve().name
