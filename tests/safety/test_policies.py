"""Policies are read whole or refused in a line that names the field."""

import shutil

import pytest

from foretell.errors import BadUse
from foretell.safety.policies import EMBEDDED, read_policies, read_policy


def test_the_policies_that_come_along_are_read_by_id():
    found = read_policies()
    assert set(found) == {"secrets"}
    policy = found["secrets"]
    assert policy.disallowed
    assert policy.allowed
    for text in ("4821", "4-8-2-1", "4 8 2 1", "the code is 4, 8, 2, 1"):
        assert policy.content.search(text)
    for text in ("482", "in 3 rooms", "four digits"):
        assert not policy.content.search(text)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('id = "secrets"', "", "has no id"),
        ('id = "secrets"', "id = 3", "id is 3"),
        ("disallowed = [", "disallowed = [1,", "disallowed is"),
        ("content = ", "contents = ", "checks.content is None"),
        ("(sorry|", "((sorry|", "no regular expression"),
        ("[checks]", "[checks", "no TOML"),
    ],
)
def test_a_wrong_policy_is_named_in_one_line(tmp_path, old, new, said):
    path = tmp_path / "secrets.toml"
    text = (EMBEDDED / "secrets.toml").read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(BadUse, match=said) as error:
        read_policy(path)
    assert "\n" not in str(error.value)


def test_two_policies_of_one_id_and_an_empty_folder_are_refused(tmp_path):
    with pytest.raises(BadUse, match="holds no policy"):
        read_policies(tmp_path)
    for name in ("a", "b"):
        shutil.copy(EMBEDDED / "secrets.toml", tmp_path / f"{name}.toml")
    with pytest.raises(BadUse, match="another policy"):
        read_policies(tmp_path)
