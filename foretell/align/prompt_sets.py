"""Sets of prompts: the three ways to write one, groups that fall on one side, near duplicates, at most so many a group.

    plain        any task                                       (Ouyang et al. 2022, appendix A.1)
    few_shot     an instruction with K examples becomes K prompts, each with the other K - 1 in its context
    user_based   a use case that somebody has asked for

The paper splits and limits by user in section 3.2, and by organisation in A.2. The stricter one, the organisation, is
the default here; a prompt without one is grouped by its user, and without either it is a group of its own. So is each
prompt that a labeller wrote, as are the K of one instruction together: of labellers' prompts there is no limit and no
search for near duplicates, since they were written to be labelled, and 40 labellers wrote 12,845 of the paper's.
"""

import hashlib
import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from foretell.align.prompt_tags import language_of, masked_prompt, use_case_of
from foretell.align.records import Conversation, Prompt, Split, as_turns, content_id
from foretell.errors import BadUse

GroupBy = Literal["organisation", "user"]
MOST = 200  # prompts of a group (section 3.2 and A.2)
NEAR = 0.8  # our choice: the paper tells no threshold for its "long common prefix"
VALID = 0.1  # share of the groups that is held out: our choice
SCALE = 2**64


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Prompts that can be labelled; how many were left out, by reason; how much was masked, by kind."""

    prompts: list[Prompt]
    left_out: Counter[str]
    masked: Counter[str]


def few_shot(instruction: str, examples: Sequence[tuple[str, str]], like: Prompt) -> list[tuple[Prompt, str]]:
    """K prompts of an instruction with K pairs of query and response, each with the response that answers it.

    The k-th asks the k-th query after the other K - 1 pairs, in their order. `like` gives what else a prompt tells. All
    are of one group. How the pairs are laid out is our choice, as the paper shows none.
    """
    if len(examples) < 2:
        raise BadUse(f"a few-shot prompt has {len(examples)} examples; give two or more, or a plain prompt")
    group = like.group_id or content_id(instruction)
    made = []
    for k, (query, response) in enumerate(examples):
        shown = [f"Input: {other}\nOutput: {answer}" for i, (other, answer) in enumerate(examples) if i != k]
        text = "\n\n".join([instruction, *shown, f"Input: {query}\nOutput:"])
        made.append((replace(like, prompt_id="", kind="few_shot", text=text, group_id=group), response))
    return made


def group_of(prompt: Prompt, by: GroupBy = "organisation") -> str:
    """The group of a prompt: its organisation or user, else the group that it names, else itself."""
    if prompt.source == "labeller":
        return prompt.group_id or prompt.prompt_id
    first, second = (prompt.organisation, prompt.user) if by == "organisation" else (prompt.user, "")
    return first or second or prompt.group_id or prompt.prompt_id


def split_of(group: str, valid: float = VALID, seed: int = 0) -> Split:
    """The side of a group, a pure function of its name and the seed: valid for that share of all names."""
    return "valid" if _draw(group, seed) < valid else "train"


def _draw(name: str, seed: int) -> float:
    """A number in [0, 1) that follows from a name and a seed."""
    return int.from_bytes(hashlib.sha256(f"{seed}\0{name}".encode()).digest()[:8], "big") / SCALE


def prepared(
    prompts: Iterable[Prompt],
    there: Sequence[Prompt] = (),
    *,
    by: GroupBy = "organisation",
    valid: float = VALID,
    most: int = MOST,
    near: float = NEAR,
    seed: int = 0,
) -> Prepared:
    """The prompts that are kept, each with its group, side, language and use case; of the training side masked.

    In this order: near duplicates of an earlier one or of one that is `there` go; of each group `most` are kept, those
    that are there counted; a whole group goes to one side. A side that a prompt brings is its group's.
    """
    grouped = [replace(prompt, group_id=group_of(prompt, by)) for prompt in prompts]
    apart = without_near_duplicates(grouped, near, there)
    kept = at_most(apart, most, seed, Counter(one.group_id for one in there if one.source == "user"))
    texts, staying = {words(one.text) for one in there}, set(map(id, apart))
    again = sum(words(one.text) in texts for one in grouped if id(one) not in staying)
    near_ones, above = len(grouped) - len(apart) - again, len(apart) - len(kept)
    left_out = Counter({"there already": again, "near duplicates": near_ones, "above the limit": above})
    sides = _sides([*there, *kept], valid, seed)
    masks: Counter[str] = Counter()
    made = []
    for one in kept:
        prompt = replace(one, split=sides[one.group_id])
        if prompt.split == "train":
            prompt, found = masked_prompt(prompt)
            masks += found
        language = prompt.language or language_of(words(prompt.text))
        made.append(replace(prompt, language=language, use_case=prompt.use_case or use_case_of(prompt.text)))
    return Prepared(prompts=made, left_out=+left_out, masked=masks)


def _sides(prompts: Sequence[Prompt], valid: float, seed: int) -> dict[str, Split]:
    """The side of each group; BadUse where its prompts name both."""
    given: dict[str, Split] = {}
    for one in prompts:
        if one.split and given.setdefault(one.group_id, one.split) != one.split:
            raise BadUse(f"group {one.group_id!r} has prompts on both sides; give them one split, or none")
    return {one.group_id: given.get(one.group_id) or split_of(one.group_id, valid, seed) for one in prompts}


def at_most(prompts: Sequence[Prompt], most: int, seed: int, there: Mapping[str, int] | None = None) -> list[Prompt]:
    """The prompts in their order, of users at most so many of each group: those that a draw by their id puts first."""
    groups: dict[str, list[Prompt]] = defaultdict(list)
    for prompt in prompts:
        if prompt.source == "user":
            groups[prompt.group_id].append(prompt)
    chosen = {one.prompt_id for one in prompts if one.source != "user"}
    for name, some in groups.items():
        room = max(0, most - (there.get(name, 0) if there else 0))
        chosen |= {one.prompt_id for one in sorted(some, key=lambda one: _draw(one.prompt_id, seed))[:room]}
    return [one for one in prompts if one.prompt_id in chosen]


def without_near_duplicates(
    prompts: Sequence[Prompt], threshold: float = NEAR, there: Sequence[Prompt] = ()
) -> list[Prompt]:
    """The prompts in their order without users' that begin as an earlier one that is kept, or is `there`, does.

    Two are near duplicates where what they have in common from the start is at least `threshold` of the longer one's
    characters. The earlier ones are kept in order of their text, in lists of similar length, so that those with the
    same start stand beside the place where a new one belongs, and few are looked at.
    """
    if not 0 < threshold <= 1:
        raise BadUse(f"a near duplicate shares {threshold} of its text; give a share above 0, at most 1")
    kept: dict[int, list[str]] = defaultdict(list)
    for one in there:
        _insert(kept, words(one.text), threshold)
    found = []
    for prompt in prompts:
        text = words(prompt.text)
        if prompt.source != "user" or not _is_near(kept, text, threshold):
            _insert(kept, text, threshold)
            found.append(prompt)
    return found


def _length_class(text: str, threshold: float) -> int:
    """Texts that may be near each other are of one class or of neighbours: one is at least `threshold` of the other."""
    return math.floor(math.log(max(1, len(text))) / -math.log(min(threshold, 0.9)))


def _insert(kept: dict[int, list[str]], text: str, threshold: float) -> None:
    some = kept[_length_class(text, threshold)]
    some.insert(bisect_left(some, text), text)


def _is_near(kept: dict[int, list[str]], text: str, threshold: float) -> bool:
    middle = _length_class(text, threshold)
    for length in (middle - 1, middle, middle + 1):
        some = kept.get(length, [])
        at = bisect_left(some, text)
        for places in (range(at, len(some)), range(at - 1, -1, -1)):
            for place in places:
                shared = _shared(text, some[place])
                if shared < threshold * len(text):
                    break  # farther on, less is shared
                if shared >= threshold * len(some[place]):
                    return True
    return False


def _shared(one: str, other: str) -> int:
    """How many characters two texts have in common from the start; halves the doubt, as slices compare fast."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low


def words(prompt: Conversation) -> str:
    """The text of a prompt: that of its turns, one after the other."""
    return prompt if isinstance(prompt, str) else "\n\n".join(turn.content for turn in as_turns(prompt))
