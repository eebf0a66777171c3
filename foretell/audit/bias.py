"""The audit `bias`: gender and trades, words that describe him and her, pronouns, pairs with a stereotype.

    occupations   P(female) against P(male) after `The nurse was a`            needs nothing
    described     GPT-3's table 6.1                                            needs samples
    winogender    whom a pronoun means                                         needs templates.tsv of Winogender
    crows         CrowS-Pairs: entropy in bits, with another model's beside    needs crows_pairs.jsonl
    stereoset     StereoSet: lms, ss, icat                                     needs its dev.json

(Brown et al. 2020, section 6.2; Ouyang et al. 2022, section 4.2.) What has no file in the data folders is left out, and
`said` tells so.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from foretell.audit import groups, occupations, stereotypes, winogender
from foretell.audit.asked import Asked, Results, one_of
from foretell.audit.described import described
from foretell.audit.sampled import Drawing
from foretell.audit.sentiment import outputs
from foretell.audit.tagging import descriptive
from foretell.audit.two_way import compared, metric_of
from foretell.errors import BadUse
from foretell.generate.model import Model, load

FILES: Mapping[str, tuple[str, ...]] = {
    "winogender": ("winogender_templates.tsv", "winogender-schemas/data/templates.tsv"),
    "statistics": ("winogender_occupations-stats.tsv", "occupations-stats.tsv"),
    "crows": ("crows_pairs.jsonl",),
    "stereoset": ("stereoset.dev.json", "StereoSet/data/dev.json"),
}


def audit(asked: Asked) -> Results:
    """Figures of every part, and a table for each. Options: `parts`, `against` (another model, for the pairs).

    BadUse where a part is asked for by name whose file is not there.
    """
    named = asked.option("parts", None)
    parts = [one_of("the part", part, list(PARTS)) for part in named or PARTS]
    model = asked.loaded()
    if model.network.cfg.kind != "decoder" and named is None:
        parts = ["crows", "stereoset"]  # what needs no text that is written
    found: Results = {"figures": {}, "rows": [], "tables": {}, "said": []}
    for part in parts:
        file = asked.find(*FILES[part]) if part in FILES else None
        if part in FILES and file is None:
            if named is not None:
                raise BadUse(f"the part {part} needs {FILES[part][0]}; give --data FOLDER that holds it")
            found["said"].append(f"{part}: no file {FILES[part][0]} in the data folders; left out")
            continue
        told = PARTS[part](model, asked, file)
        found["figures"] |= told["figures"]
        found["tables"] |= told["tables"]
        found["said"] += told.get("said", [])
    return found


def of_occupations(model: Model, asked: Asked, file: Path | None) -> Results:
    """Section 6.2.1's leaning, with labour statistics where the file is there: then also of its occupations."""
    table = asked.find(*FILES["statistics"])
    statistics = occupations.statistics(table) if table else {}
    jobs = list(dict.fromkeys([*groups.OCCUPATIONS, *statistics]))
    rows = occupations.leanings(model, jobs[: asked.limit] if asked.limit else jobs, quiet=asked.quiet)
    figures = occupations.figures(rows, statistics)
    said = [
        f"{len(jobs)} occupations of our own list{' and the table' if table else ''}; GPT-3's 388 are not published"
    ]
    return {"figures": figures, "tables": {"occupations": rows}, "said": said}


def of_descriptions(model: Model, asked: Asked, file: Path | None) -> Results:
    """Table 6.1."""
    drawing = Drawing(samples=asked.samples or Drawing().samples, seed=asked.seed)
    texts = outputs(
        model, groups.gender_prompts(), drawing, asked.samples_file("bias"), "he and she", quiet=asked.quiet
    )
    found = described({name: descriptive(some) for name, some in texts.items()})
    outputs_of = found["outputs"]
    said = [
        f"{name}: a word is in {one['average']:.1f} of {outputs_of[name]} outputs on average ({one['words']} words)"
        for name, one in found["averages"].items()
    ]
    return {"figures": found["figures"], "tables": {"words that describe": found["rows"]}, "said": said}


def of_pronouns(model: Model, asked: Asked, file: Path | None) -> Results:
    """Winogender."""
    assert file is not None, "the part has a file"
    given = winogender.templates(file)
    given = given[: asked.limit] if asked.limit else given
    figures, table = winogender.accuracy(winogender.answers(model, given, quiet=asked.quiet))
    figures["Winogender entropy (bits)"] = winogender.undecided(model, given)
    return {"figures": figures, "tables": {"Winogender": table}}


def of_pairs(model: Model, asked: Asked, file: Path | None) -> Results:
    """CrowS-Pairs, and the paired difference to another model."""
    assert file is not None, "the part has a file"
    pairs = stereotypes.crows_rows(file, asked.limit)
    rows = stereotypes.preferred(model, pairs, quiet=asked.quiet)
    figures, table = stereotypes.pair_figures(rows)
    said = [f"CrowS-Pairs: metric {metric_of(model)}; {len(pairs) - len(rows)} pairs do not fit into the context"]
    against = asked.option("against", None)
    if against:
        figures["entropy less the other model's"] = beside(
            rows, stereotypes.preferred(load(against), pairs, quiet=asked.quiet)
        )
    named = {f"CrowS-Pairs {name}": one for name, one in figures.items()}
    return {"figures": named, "tables": {"CrowS-Pairs": table}, "said": said}


def beside(mine: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> dict[str, float]:
    """The mean difference of the entropies of two models on the pairs that both could read; BadUse for none."""
    other = {row["key"]: row["entropy"] for row in theirs}
    both = [(row["entropy"], other[row["key"]]) for row in mine if row["key"] in other]
    if not both:
        raise BadUse("no pair fits into the contexts of both models; give another model to --against")
    return compared([a for a, _ in both], [b for _, b in both])


def of_clusters(model: Model, asked: Asked, file: Path | None) -> Results:
    """StereoSet."""
    assert file is not None, "the part has a file"
    found = stereotypes.stereoset(model, stereotypes.stereoset_rows(file, asked.limit), quiet=asked.quiet)
    said = [f"StereoSet: metric {metric_of(model)}, sentences within one sentence"]
    return {"figures": {f"StereoSet {name}": one for name, one in found.items()}, "tables": {}, "said": said}


PARTS: Mapping[str, Callable[[Model, Asked, Path | None], Results]] = {
    "occupations": of_occupations,
    "described": of_descriptions,
    "winogender": of_pronouns,
    "crows": of_pairs,
    "stereoset": of_clusters,
}
