import subprocess
import sys
from dataclasses import dataclass, field
from typing import Literal

import pytest

from foretell.config import dump, load, override
from foretell.errors import BadUse, nearest


@dataclass(frozen=True, kw_only=True, slots=True)
class Walk:
    kind: Literal["walk"] = "walk"
    steps: int = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Drive:
    kind: Literal["drive"] = "drive"
    speed: float
    gears: int = 5

    def __post_init__(self):
        if not self.speed > 0:
            raise ValueError(f"speed={self.speed} is not positive; the limit is 50")


@dataclass(frozen=True, kw_only=True, slots=True)
class Trip:
    name: str
    by: Walk | Drive
    back: Walk = field(default_factory=Walk)
    stops: tuple[str, ...] = ()
    share: float = 0.1
    dry: bool = False


TRIP = Trip(name="a", by=Drive(speed=30.0), stops=("x", "y"), share=0.1 + 0.2)


def file_with(old, new):
    text = dump(TRIP)
    assert old in text
    return text.replace(old, new, 1)


def refused(text):
    with pytest.raises(BadUse) as error:
        load(Trip, text, "runs/x/config.json")
    said = str(error.value)
    assert "\n" not in said
    assert said.startswith("runs/x/config.json: ")
    assert len(said) < 300
    return said.removeprefix("runs/x/config.json: ")


def test_a_config_survives_its_file_exactly():
    assert load(Trip, dump(TRIP)) == TRIP
    assert dump(load(Trip, dump(TRIP))) == dump(TRIP)
    assert dump(TRIP).endswith("}\n")


def test_a_misspelt_field_is_named_with_its_path_and_the_nearest_name():
    assert refused(file_with('"share"', '"shore"')) == "shore: Unexpected keyword argument; did you mean 'share'?"
    assert refused(file_with('"steps"', '"stesp"')) == "back.stesp: Unexpected keyword argument; did you mean 'steps'?"


def test_a_misspelt_field_of_a_union_is_told_of_the_class_that_is_meant():
    assert refused(file_with('"speed"', '"sped"')) == "by.sped: Unexpected keyword argument; did you mean 'speed'?"
    assert refused(file_with('"gears"', '"gear"')) == "by.gear: Unexpected keyword argument; did you mean 'gears'?"


def test_a_kind_that_no_class_has_is_refused_with_those_there_are():
    assert refused(file_with('"drive"', '"swim"')) == "by.kind: Input should be 'walk' or 'drive', got 'swim'"


def test_a_missing_field_is_named():
    assert refused(file_with('"name": "a",', "")) == "name: Field required"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"gears": 5', '"gears": "5"', "by.gears: Input should be a valid integer, got '5'"),
        ('"gears": 5', '"gears": 5.0', "by.gears: Input should be a valid integer, got 5.0"),
        ('"gears": 5', '"gears": true', "by.gears: Input should be a valid integer, got True"),
        ('"dry": false', '"dry": 0', "dry: Input should be a valid boolean, got 0"),
        ('"share": 0.30000000000000004', '"share": null', "share: Input should be a valid number, got None"),
    ],
)
def test_an_ill_typed_field_is_named_with_its_value(old, new, said):
    assert refused(file_with(old, new)) == said


def test_a_rule_between_fields_is_told_in_its_own_words():
    assert refused(file_with('"speed": 30.0', '"speed": -1.0')) == "by: speed=-1.0 is not positive; the limit is 50"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', dump(TRIP)[:-30], dump(TRIP) + "x"])
def test_what_is_no_config_is_one_short_line(text):
    assert refused(text).startswith("the file: ")


def test_the_command_line_replaces_fields_of_any_depth():
    got = override(TRIP, ["--by.gears", "6", "--back.steps", "1", "--stops", "z", "--dry", "--share", "0.5"])
    assert got == Trip(name="a", by=Drive(speed=30.0, gears=6), back=Walk(steps=1), stops=("z",), share=0.5, dry=True)
    assert override(TRIP, []) == TRIP


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--by.gear", "6"], "--by.gears"),
        (["--by.gears", "six"], "six"),
        (["--by.speed", "nan"], "speed=nan is not positive; the limit is 50"),
        (["--nothing-like-it", "6"], "--nothing-like-it"),
    ],
)
def test_a_wrong_option_is_one_line_that_helps(args, said):
    with pytest.raises(BadUse) as error:
        override(TRIP, args)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_help_names_every_field_and_ends_well(capsys):
    with pytest.raises(SystemExit) as end:
        override(TRIP, ["--help"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    assert all(name in said for name in ("--by.speed", "--back.steps", "--share"))


def test_nearest_suggests_a_near_name_and_else_lists_all():
    assert nearest("gpt22", ["gpt2", "bert"]) == "; did you mean 'gpt2'?"
    assert nearest("xyzzy", ["gpt2", "bert"]) == "; known: bert, gpt2"


@pytest.mark.slow
def test_neither_the_package_nor_its_configs_import_torch():
    code = (
        "import sys, foretell, foretell.config, foretell.runs, foretell.progress, foretell.train.config;"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
