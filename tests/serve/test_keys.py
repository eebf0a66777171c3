"""Keys: hashed in the file, shown once, needed by every route but that of health."""

import stat

import pytest

from foretell.errors import BadUse
from foretell.serve.keys import digest, new_key, owner, read_keys
from tests.serve.conftest import LIMITS, asked

ASK = {"model": "one", "prompt": "a", "max_tokens": 1}


def test_a_key_is_not_in_its_file_and_opens_the_server(models, tmp_path):
    file = tmp_path / "keys.txt"
    keys = {name: new_key(file, name) for name in ("anna", "ben")}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not [key for key in keys.values() if key in file.read_text()]
    assert read_keys(file) == {name: digest(key) for name, key in keys.items()}
    with asked({"one": models["one"]}, LIMITS, read_keys(file)) as client:
        assert client.get("/health").status_code == 200
        for headers in (
            {},
            {"authorization": "Bearer x"},
            {"authorization": keys["anna"]},
            {"authorization": "Bearer"},
        ):
            answer = client.post("/v1/completions", json=ASK, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json()["error"]["code"] == "invalid_api_key"
            assert client.get("/metrics", headers=headers).status_code == 401
        for key in keys.values():
            headers = {"authorization": f"Bearer {key}", "origin": "http://elsewhere.example"}
            assert client.post("/v1/completions", json=ASK, headers=headers).status_code == 200


def test_whose_key_it_is():
    keys = {"anna": digest("a"), "ben": digest("b")}
    assert [owner(keys, f"Bearer {key}") for key in "ab"] == ["anna", "ben"]
    assert [owner(keys, given) for given in ("Basic a", "", "Bearer c", "Bearer \udcff")] == [None] * 4


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "holds no key"), ("# none\n", "holds no key"), ("anna secret\n", "line 1"), ("A B\n", "line 1")],
)
def test_a_file_that_is_no_key_file_is_refused(tmp_path, text, said):
    (tmp_path / "keys").write_text(text)
    with pytest.raises(BadUse, match=said):
        read_keys(tmp_path / "keys")


def test_a_name_has_one_key_and_no_path_in_it(tmp_path):
    new_key(tmp_path / "keys", "anna")
    with pytest.raises(BadUse, match="has a key of the name"):
        new_key(tmp_path / "keys", "anna")
    with pytest.raises(BadUse, match="a-z 0-9"):
        new_key(tmp_path / "keys", "a b")
    with pytest.raises(BadUse, match="cannot be read"):
        read_keys(tmp_path / "nothing")
