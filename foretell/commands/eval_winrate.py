"""`foretell eval winrate A B --judge labellers|reward|MODEL`: how often A's answers are preferred to B's."""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foretell.commands.flags import count, parser
from foretell.errors import BadUse

if TYPE_CHECKING:
    from foretell.align.answering import Answering
    from foretell.align.judges import Judge, Score
    from foretell.align.sides import Side

EXAMPLES = """  foretell eval winrate runs/instructgpt.ppo-nano runs/instructgpt.sft-nano --labels labels.db
  foretell eval winrate runs/gpt2.pretrain-nano runs/instructgpt.sft-nano --labels labels.db --prompted a
  foretell eval winrate A B --prompts prompts.jsonl --judge reward --reward runs/instructgpt.reward-nano
  foretell eval winrate A B --prompts prompts.jsonl --judge hf:gpt2     a language model, asked in both orders
  foretell eval winrate A B --labels labels.db --best-of 8 --reward runs/instructgpt.reward-nano
  foretell eval winrate answers-a.jsonl answers-b.jsonl --prompts prompts.jsonl

A and B are models, or files whose lines have prompt_id and answer. The labellers are simulated: nobody has judged
anything. They are those of `foretell label simulate` with the same seed (--labeller-seed)."""
COMMON = ("out", "seed", "device", "threads", "json", "quiet")
SIMULATED = "The labellers are simulated: nobody has judged anything."


def winrate(args: list[str]) -> None:
    """Sample, judge, and print how often A is preferred, with the interval."""
    given = flags().parse_args(args)
    check(given)
    import torch

    from foretell.align.sides import fitting, opened
    from foretell.eval.results import as_json
    from foretell.runs import write_whole

    torch.set_num_threads(given.threads or 1)
    given.out = Path(given.out or "evals/winrate")
    prompts, examples = asked(given)
    sides = [(side, opened(side, given.device or "cpu")) for side in both(given, examples)]
    kept = fitting(prompts, sides)
    score = rewarded(given)
    a, b = answered(given, sides, kept, score)
    results, comparisons = judged(given, kept, a, b, score)
    told = {"a": given.a, "b": given.b, "judge": given.judge, **results, "left_out": len(prompts) - len(kept)}
    told |= {"best_of": {"n": given.best_of, "kl_at_most": bound(given.best_of)}} if given.best_of > 1 else {}
    told |= {"said": SIMULATED} if given.judge == "labellers" else {}
    write_whole(given.out / "winrate.json", as_json(told, indent=1) + "\n")
    write_whole(given.out / "comparisons.jsonl", "".join(json.dumps(one) + "\n" for one in comparisons))
    print(as_json(told) if given.json else "\n".join(lines(told, given)))


def flags() -> argparse.ArgumentParser:
    """The parser with the flags of this command."""
    made = parser("eval winrate", "How often A's answers are preferred to B's.", EXAMPLES, COMMON)
    for name in ("a", "b"):
        made.add_argument(name, metavar=name.upper(), help="a run folder, hf:NAME, or a file of answers (.jsonl)")
    made.add_argument("--judge", default="labellers", metavar="labellers|reward|MODEL", help="who prefers; labellers")
    made.add_argument("--labels", metavar="DB", help="prompts of a label store")
    made.add_argument("--prompts", metavar="FILE", help="prompts as JSON lines with text")
    made.add_argument("--split", choices=("valid", "train", "all"), default="valid", help="side of the prompts; valid")
    made.add_argument("--limit", type=count, default=0, metavar="N", help="prompts at most; 0 takes all")
    made.add_argument("--temperature", type=float, default=1.0, help="of the sampling")
    made.add_argument("--max-new-tokens", type=int, default=64, metavar="N", help="of an answer")
    made.add_argument("--best-of", type=count, default=1, metavar="N", help="A answers N times, the reward chooses")
    made.add_argument("--reward", metavar="RUN", help="the reward model of --judge reward and --best-of")
    made.add_argument("--prompted", choices=("a", "b", "both"), help="this side is shown examples before the prompt")
    made.add_argument("--prefix", metavar="FILE", help="the examples' text; else demonstrations of the store")
    made.add_argument("--labellers", type=count, default=6, metavar="N", help="simulated, of the group that trains")
    made.add_argument("--held-out", type=count, default=3, metavar="N", help="simulated, more that never train")
    made.add_argument("--labeller-seed", type=int, default=0, metavar="N", help="who the simulated labellers are")
    return made


def check(given: argparse.Namespace) -> None:
    """BadUse for flags that contradict each other or lack another."""
    if bool(given.labels) == bool(given.prompts):
        raise BadUse("the prompts are named once: --labels labels.db or --prompts prompts.jsonl")
    if (given.judge == "reward" or given.best_of > 1) and not given.reward:
        raise BadUse("a reward model chooses here; give --reward RUN")
    if given.reward and given.judge != "reward" and given.best_of < 2:
        raise BadUse("--reward is of --judge reward and --best-of, and neither is given; leave it out")
    if given.best_of < 1:
        raise BadUse("--best-of 0 chooses among no answers; give 1 or more")
    if given.prefix and not given.prompted:
        raise BadUse("--prefix is of a prompted side; give --prompted a, b or both")
    if given.judge == "labellers" and not given.labellers:
        raise BadUse("0 labellers judge nothing; give --labellers of at least 1")


def asked(given: argparse.Namespace) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The prompts of the side, and the demonstrations for training, which a prompted side is shown."""
    from foretell.align.record_files import read_records
    from foretell.align.records import Prompt, as_json
    from foretell.corpus.labels import side_of

    if given.labels:
        from foretell.align.store import close, demonstrations, open_store, prompts

        store = open_store(given.labels)
        found, shown = prompts(store), demonstrations(store, "train", held_out=False)
        close(store)
    else:
        found, shown = read_records(Path(given.prompts), Prompt), []
    rows = [as_json(one) for one in found]
    kept = [row for row in rows if given.split == "all" or (row["split"] or side_of(row)) == given.split]
    if not kept:
        rule = "give --split all, or prompts of that side"
        raise BadUse(f"{given.labels or given.prompts} holds no prompt of the side {given.split}; {rule}")
    unique = list({row["prompt_id"]: row for row in kept}.values())
    return unique[: given.limit] if given.limit else unique, [as_json(one) for one in shown]


def both(given: argparse.Namespace, examples: Sequence[Mapping[str, Any]]) -> list["Side"]:
    """The two sides; the best of n is A's."""
    from foretell.align.sides import Side

    return [
        Side(name=source, source=source, how=how(given, name, source, examples), best_of=n)
        for name, source, n in (("a", given.a, given.best_of), ("b", given.b, 1))
    ]


def how(given: argparse.Namespace, name: str, source: str, examples: Sequence[Mapping[str, Any]]) -> "Answering":
    """How a side is asked."""
    from foretell.align.answering import Answering, prefix_of, style_of
    from foretell.runs import read_text

    made = Answering(
        max_new_tokens=given.max_new_tokens,
        temperature=given.temperature,
        seed=given.seed or 0,
        style=style_of(source),
    )
    if given.prompted not in (name, "both"):
        return made
    prefix = read_text(Path(given.prefix)) if given.prefix else prefix_of(examples)
    return replace(made, style="prompted", prefix=prefix)


def rewarded(given: argparse.Namespace) -> "Score | None":
    """The score of the reward model that is named."""
    from foretell.align.sides import reward_score

    return reward_score(given.reward) if given.reward else None


def answered(
    given: argparse.Namespace, sides: Sequence[Any], prompts: Sequence[Any], score: "Score | None"
) -> list[dict[str, str]]:
    """The answers of both sides, which are kept in the folder."""
    from foretell.align.sides import side_answers

    named = reward_name(given.reward) if given.reward else ""
    quiet = given.quiet or given.json
    return [
        side_answers(side, model, prompts, given.out, score, score_name=named, quiet=quiet) for side, model in sides
    ]


def reward_name(run: str) -> str:
    """What tells a reward model from another: the hash of its weights."""
    from foretell.exchange.source import find_folder
    from foretell.exchange.weights import WEIGHTS
    from foretell.runs import sha256

    return sha256(find_folder(run) / WEIGHTS)


def judged(
    given: argparse.Namespace, prompts: Sequence[Any], a: Mapping[str, str], b: Mapping[str, str], score: "Score | None"
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The results and the single comparisons."""
    from foretell.align.comparing import compare, labelled
    from foretell.align.judges import ahead, reward_judge
    from foretell.align.simulated import panel

    if given.judge == "labellers":
        people = panel(given.labellers, held_out=given.held_out, seed=given.labeller_seed)
        return labelled(prompts, a, b, people, given.labeller_seed)
    seed = given.seed or 0
    if given.judge == "reward":
        assert score is not None, "check() has seen the reward model"
        judges: dict[str, Judge] = {"reward": reward_judge(ahead(score, prompts, a, b))}
    else:
        judges = {given.judge: asked_model(given.judge, given.device or "cpu")}
    return compare(prompts, a, b, judges, seed=seed)


def asked_model(source: str, device: str) -> "Judge":
    """A language model as a judge: the letter that it finds likelier, asked in both orders."""
    from foretell.align.judges import both_ways, model_judge
    from foretell.generate.model import load
    from foretell.model.device import choose_device

    model = load(source)
    model.network.to(choose_device(device))

    def likelihood(text: str, letters: Sequence[str]) -> list[float]:
        return [one.logprob for one in model.score([(text, letter) for letter in letters])]

    return both_ways(model_judge(likelihood))


def bound(n: int) -> float:
    """How far, in nats, the best of n is at most from the model's own distribution."""
    from foretell.align.best_of_n import kl_bound

    return kl_bound(n)


def lines(told: Mapping[str, Any], given: argparse.Namespace) -> list[str]:
    """The results as a person reads them."""
    rate = told["win_rate"]
    found = [f"{told['a']} is preferred to {told['b']} in {rated(rate)}"]
    found += [
        f"  {told['prompts']} prompts, {told['judges']} judges ({told['judge']}), ties {100 * rate['ties']:.1f} %"
    ]
    if told["judges"] == 1:
        found.append("  one judge: the interval says nothing of other judges")
    for title, name in (("by labellers", "by_group"), ("by use case", "by_use_case")):
        found += [f"  {title} {key}: {rated(one)}" for key, one in told[name].items()]
    words = told["words"]
    found.append(f"  words an answer: {words['a']:.1f} of A, {words['b']:.1f} of B")
    like = told["like_lengths"]
    found.append(f"  of like lengths: {rated(like)}" if like else "  no two answers are of like lengths")
    if "best_of" in told:
        best = told["best_of"]
        found.append(
            f"  A is the best of {best['n']}: at most {best['kl_at_most']:.2f} nats from one answer's distribution"
        )
    if told["left_out"]:
        found.append(f"  {told['left_out']} prompts leave no room for an answer and are left out")
    return found + ([told["said"]] if "said" in told else []) + [f"the answers are in {given.out.resolve()}"]


def rated(m: Mapping[str, float]) -> str:
    """A win rate with its interval."""
    return f"{100 * m['value']:.1f} % [{100 * m['low']:.1f}, {100 * m['high']:.1f}] of n = {m['n']:.0f}, ties as half"
