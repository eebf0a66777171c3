"""Accounts, links, sessions and passwords: who gets in, who does not, and what each attack comes to."""

import re
import threading

import pytest

from foretell.align.database import reading, writing
from foretell.align.schema import table
from foretell.align.store import add_labeller, close, open_store
from foretell.errors import BadUse
from foretell.serve.accounts.accounts import (
    account,
    accounts,
    add_account,
    first_admin,
    link_owner,
    new_link,
    redeem,
    set_active,
    set_password,
    set_role,
)
from foretell.serve.accounts.door import own_path
from foretell.serve.accounts.passwords import Cost, fits, hashed
from foretell.serve.accounts.people import ROLES
from foretell.serve.accounts.rules import RULES, roles_of
from foretell.serve.accounts.sessions import begin, known, page_token
from tests.serve.accounts_made import empty_store, serving, with_session

CHEAP = Cost(log_n=4, r=1, p=1)
WORDS = "four quite plain words"
COOKIE = re.compile(r"foretell=([^;]*)")


@pytest.fixture(autouse=True)
def _cheap(monkeypatch):
    monkeypatch.setattr("foretell.serve.accounts.accounts.hashed", lambda password: hashed(password, CHEAP))


@pytest.fixture
def store(tmp_path):
    (tmp_path / "labels.db").write_bytes(empty_store())
    opened = open_store(tmp_path / "labels.db")
    yield opened
    close(opened)


def page(client, path):
    """The token of a page of somebody who is not signed in; the page's own cookie stays in the client."""
    return re.search(r'name="token" content="([^"]+)"', client.get(path).text)[1]


def sign_in(client, name, password, **more):
    token = page(client, "/sign-in")
    return client.post("/sign-in", json={"name": name, "password": password, **more}, headers={"X-Page-Token": token})


def test_a_hash_is_of_its_password_alone_and_never_twice_the_same():
    one, two = hashed(WORDS, CHEAP), hashed(WORDS, CHEAP)
    assert one != two
    assert WORDS not in one
    assert fits(WORDS, one)
    assert not fits(WORDS + " ", one)
    assert not fits("", "")
    assert hashed("caf\u00e9 caf\u00e9 ok", CHEAP).startswith("scrypt$4$1$1$")
    assert fits("cafe\u0301 cafe\u0301 ok", hashed("caf\u00e9 caf\u00e9 ok", CHEAP))  # typed on another keyboard


def test_the_usual_hash_is_scrypt_of_16_mib():
    import base64
    import hashlib

    kind, log_n, r, p, salt, digest = hashed(WORDS).split("$")
    assert (kind, int(log_n), int(r), int(p)) == ("scrypt", 14, 8, 5)
    twin = hashlib.scrypt(WORDS.encode(), salt=base64.b64decode(salt), n=16384, r=8, p=5, maxmem=2**26, dklen=32)
    assert base64.b64decode(digest) == twin


def test_a_link_lets_in_once_and_only_its_newest(store):
    add_account(store, "ana", "labeller")
    old, secret = new_link(store, "ana"), new_link(store, "ana")
    assert link_owner(store, old) is None
    with pytest.raises(BadUse, match="10 to 200 characters"):
        redeem(store, secret, "short")
    with pytest.raises(BadUse, match="easily guessed"):
        redeem(store, secret, "aaaaaaaaaaaa")
    assert redeem(store, secret, WORDS).name == "ana"
    assert redeem(store, secret, WORDS) is None
    assert fits(WORDS, account(store, "ana").password)


def test_a_link_that_has_expired_lets_nobody_in(store):
    add_account(store, "ana", "labeller")
    secret = new_link(store, "ana", seconds=-1)
    assert link_owner(store, secret) is None
    assert redeem(store, secret, WORDS) is None


def test_of_many_who_use_a_link_at_once_one_gets_in(store):
    add_account(store, "ana", "labeller")
    secret, found = new_link(store, "ana"), []
    threads = [threading.Thread(target=lambda: found.append(redeem(store, secret, WORDS))) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sum(one is not None for one in found) == 1


def test_the_database_holds_no_secret(store):
    add_account(store, "ana", "labeller")
    link = new_link(store, "ana")
    redeem(store, link, WORDS)
    link, session = new_link(store, "ana"), begin(store, account(store, "ana").id)
    with reading(store) as connection:
        held = str(
            [list(connection.execute(table(name).select())) for name in ("accounts", "links", "sessions", "audit")]
        )
    for secret in (link, session, WORDS, page_token(session)):
        assert secret not in held


def test_a_session_ends_when_its_account_does_or_its_password_changes(store):
    add_account(store, "boss", "admin")
    add_account(store, "ana", "labeller")
    key = account(store, "ana").id
    secret = begin(store, key)
    assert known(store, secret).person.name == "ana"
    assert known(store, secret + "x") is None
    set_active(store, "ana", False)
    assert known(store, secret) is None
    with pytest.raises(BadUse, match="is disabled"):
        new_link(store, "ana")
    set_active(store, "ana", True)
    assert known(store, secret) is None
    secret = begin(store, key)
    set_password(store, "ana", WORDS)
    assert known(store, secret) is None


@pytest.mark.parametrize(
    ("column", "at"), [("seen", "2020-01-01T00:00:00+00:00"), ("created", "2020-01-01T00:00:00+00:00")]
)
def test_a_session_that_is_old_or_unused_has_ended(store, column, at):
    add_account(store, "ana", "labeller")
    secret, kept = begin(store, account(store, "ana").id), table("sessions")
    with writing(store) as connection:
        connection.execute(kept.update().values({column: at}))
    assert known(store, secret) is None


def test_the_last_admin_stays_one(store):
    add_account(store, "boss", "admin")
    for change in (lambda: set_role(store, "boss", "labeller"), lambda: set_active(store, "boss", False)):
        with pytest.raises(BadUse, match="the last admin"):
            change()
    add_account(store, "other", "admin")
    set_role(store, "boss", "held-out labeller")
    assert account(store, "boss").role == "held-out labeller"


def test_roles_are_those_of_labellers_and_the_held_out_ones_are_held_out(store):
    from foretell.align.store import labellers

    for number, role in enumerate(ROLES):
        add_account(store, f"one{number}", role)
    assert [one.role for one in accounts(store)] == list(ROLES)
    told = [(one["role"], one["held_out"], one["group"]) for one in labellers(store)]
    assert told == [
        ("admin", False, "researcher"),
        ("researcher", False, "researcher"),
        ("labeller", False, ""),
        ("labeller", True, "held_out"),
    ]
    with pytest.raises(BadUse, match="is no role"):
        add_account(store, "x", "simulated")


def test_a_name_that_has_labels_keeps_them_and_a_simulated_one_is_nobodys(store):
    add_labeller(store, "ana", "b")
    add_labeller(store, "sim", role="simulated")
    add_account(store, "ana", "labeller")
    assert len(accounts(store)) == 1
    for name in ("ana", "sim", "", " x", "a\nb", "x" * 65):
        with pytest.raises(BadUse):
            add_account(store, name, "labeller")


def test_the_first_link_is_given_until_an_admin_has_a_password(store):
    secret = first_admin(store, "boss")
    assert redeem(store, secret, "", local=True).role == "admin"
    secret = first_admin(store, "boss")
    with pytest.raises(BadUse, match="10 to 200"):
        redeem(store, secret, "")
    redeem(store, secret, WORDS)
    assert first_admin(store, "boss") == ""


def test_what_is_no_path_of_ours_is_gone_to_by_nobody():
    for bad in (
        "//evil.example",
        "http://evil.example",
        "/\\evil.example",
        "/a//../b",
        "evil",
        "/x?next=//e",
        "/\t/e",
        "",
    ):
        assert own_path(bad) == "" or not bad.startswith("//"), bad
    for bad in ("//evil.example", "http://evil.example", "/\\evil.example", "/a/../b", "evil", "/\t/e", "/x\n"):
        assert own_path(bad) == "", bad
    assert own_path("/label/rank") == "/label/rank"


def test_every_route_has_a_rule_of_its_own(tmp_path):
    with serving(tmp_path / "labels.db") as (client, _desk):
        paths = {route.path for route in client().app.app.routes}
    assert len(paths) > 20
    for path in paths - {"/openapi.json"}:
        bare = re.sub(r"\{\w+(:\w+)?\}", "x", path)
        assert any(re.fullmatch(pattern, bare) for pattern, _ in RULES) or bare.startswith("/admin/"), path
    assert roles_of("/admin/labellers") == roles_of("/what/is/not/named") == ("admin",)


def test_signed_out_a_page_leads_to_the_sign_in_and_a_request_is_refused(tmp_path):
    with serving(tmp_path / "labels.db") as (client, _):
        out = client()
        for path in ("/", "/label", "/label/rank", "/playground", "/admin", "/arena", "/runs", "/nothing"):
            answer = out.get(path, headers={"accept": "text/html"})
            assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={path}")
            assert out.get(path).status_code == 401
            assert out.post(path, json={}).status_code == 401
        for path in ("/sign-in", "/health", "/static/page.css"):
            assert out.get(path).status_code == 200


PLACES = {
    "/playground": "ar",
    "/compare": "ar",
    "/label": "arlh",
    "/label/rank": "arlh",
    "/label/agreement": "ar",
    "/arena/results": "ar",
    "/admin/tasks": "ar",
    "/admin/exports/rankings.jsonl": "ar",
    "/admin/labellers": "a",
    "/admin/audit": "a",
    "/password": "arlh",
}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_what_is_its_own(tmp_path, role):
    with serving(tmp_path / "labels.db") as (client, _):
        one = client("ana", role)
        for path, letters in PLACES.items():
            allowed = role[0] in letters
            assert (one.get(path).status_code == 403) is not allowed, path


def test_sign_in_makes_a_session_of_its_own_and_ends_an_older_one(tmp_path):
    with serving(tmp_path / "labels.db") as (client, desk):
        add_account(desk.store, "ana", "labeller")
        redeem(desk.store, new_link(desk.store, "ana"), WORDS)
        fixed = begin(desk.store, account(desk.store, "ana").id)
        victim = client()
        victim.cookies.set("foretell", fixed)  # as somebody else prepared it
        answer = sign_in(victim, "ana", WORDS)
        assert answer.json() == {"next": "/label"}
        given = COOKIE.search(answer.headers["set-cookie"])[1]
        assert given != fixed
        assert known(desk.store, fixed) is None
        for flag in ("HttpOnly", "SameSite=lax", "Path=/"):
            assert flag in answer.headers["set-cookie"]
        assert "Secure" not in answer.headers["set-cookie"]
        made_up = client()
        made_up.cookies.set("foretell", "x" * 43)
        assert made_up.get("/label").status_code == 401


def test_with_https_a_cookie_is_secure_and_of_this_host_alone(tmp_path):
    with serving(tmp_path / "labels.db", base="https://testserver") as (client, desk):
        secret = new_link(desk.store, "boss")
        one = client()
        token = page(one, f"/link/{secret}")
        answer = one.post("/link", json={"link": secret, "password": WORDS}, headers={"X-Page-Token": token})
        assert answer.headers["set-cookie"].startswith("__Host-foretell=")
        assert "Secure" in answer.headers["set-cookie"]
        assert one.get("/label").status_code == 200


def test_a_link_is_used_by_a_press_and_not_by_being_looked_at(tmp_path):
    with serving(tmp_path / "labels.db") as (client, desk):
        one = client()
        for _ in range(3):  # such as a mail program does
            assert "Choose a password" in one.get(f"/link/{desk.link}").text
        token = page(one, f"/link/{desk.link}")
        sent = {"link": desk.link, "password": ""}
        assert one.post("/link", json=sent, headers={"X-Page-Token": token}).json() == {"next": "/"}
        assert one.get("/admin/labellers").status_code == 200
        two = client()
        assert two.get(f"/link/{desk.link}").status_code == 404
        assert two.post("/link", json=sent, headers={"X-Page-Token": page(two, "/sign-in")}).status_code == 404


def test_a_wrong_password_tells_nothing_and_too_many_are_refused(tmp_path):
    with serving(tmp_path / "labels.db") as (client, desk):
        add_account(desk.store, "ana", "labeller")
        redeem(desk.store, new_link(desk.store, "ana"), WORDS)
        desk.door.of_address.a_minute = 1000
        one = client()
        token = page(one, "/sign-in")
        said = set()
        statuses = []
        for number in range(13):
            body = {"name": "ana", "password": f"{WORDS}{number}"}
            answer = one.post("/sign-in", json=body, headers={"X-Page-Token": token})
            statuses.append(answer.status_code)
            said.add(answer.json()["error"]["message"])
        assert statuses == [403] * 10 + [429] * 3
        unknown = one.post("/sign-in", json={"name": "zoe", "password": WORDS}, headers={"X-Page-Token": token})
        assert unknown.json()["error"]["message"] in said
        assert (
            one.post("/sign-in", json={"name": "ANA", "password": WORDS}, headers={"X-Page-Token": token}).status_code
            == 429
        )


def test_an_address_that_tries_many_names_is_slowed_down(tmp_path):
    with serving(tmp_path / "labels.db") as (client, desk):
        desk.door.of_address.a_minute = 3
        one = client()
        token = page(one, "/sign-in")
        found = [
            one.post("/sign-in", json={"name": f"n{i}", "password": WORDS}, headers={"X-Page-Token": token})
            for i in range(4)
        ]
        assert [answer.status_code for answer in found] == [403, 403, 403, 429]
        assert int(found[-1].headers["retry-after"]) >= 1


def test_a_disabled_account_cannot_sign_in(tmp_path):
    with serving(tmp_path / "labels.db") as (client, desk):
        add_account(desk.store, "ana", "labeller")
        redeem(desk.store, new_link(desk.store, "ana"), WORDS)
        set_active(desk.store, "ana", False)
        assert sign_in(client(), "ana", WORDS).status_code == 403


def test_after_sign_in_nobody_is_sent_to_another_host(tmp_path):
    with serving(tmp_path / "labels.db") as (client, desk):
        add_account(desk.store, "ana", "labeller")
        redeem(desk.store, new_link(desk.store, "ana"), WORDS)
        one = client()
        assert "evil" not in one.get("/sign-in?next=//evil.example/x").text
        for wanted in ("//evil.example", "https://evil.example/", "/\\evil.example", "/admin/labellers"):
            assert sign_in(one, "ana", WORDS, next=wanted).json() == {"next": "/label"}
        assert sign_in(one, "ana", WORDS, next="/label/rank").json() == {"next": "/label/rank"}


POSTS = (
    "/sign-out",
    "/password",
    "/label/rank",
    "/label/draft",
    "/label/prompts",
    "/admin/labellers",
    "/admin/tasks",
)


@pytest.mark.parametrize("path", POSTS)
def test_no_page_of_others_can_send_anything(tmp_path, path):
    with serving(tmp_path / "labels.db") as (client, _desk):
        one, other = client("ana", "admin"), client("eve", "admin")
        attempts = [
            {"X-Page-Token": ""},
            {"X-Page-Token": other.headers["X-Page-Token"]},
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ]
        for headers in attempts:
            assert one.post(path, json={}, headers=headers).status_code == 403, headers
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            assert one.post(path, content=b"{}", headers={"content-type": kind}).status_code == 415
        assert one.get("/label").status_code == 200  # still signed in


def test_sign_in_itself_needs_a_page_of_ours(tmp_path):
    with serving(tmp_path / "labels.db") as (client, _desk):
        sent = {"name": "boss", "password": WORDS}
        assert client().post("/sign-in", json=sent).status_code == 403
        one, other = client(), client()
        token = page(other, "/sign-in")
        page(one, "/sign-in")
        assert one.post("/sign-in", json=sent, headers={"X-Page-Token": token}).json()["error"]["code"] == "token"


def test_another_host_name_gets_nothing_and_no_link_of_ours_carries_it(tmp_path):
    with serving(tmp_path / "labels.db") as (client, desk):
        for path in ("/sign-in", f"/link/{desk.link}", "/label"):
            assert client().get(path, headers={"host": "evil.example"}).status_code == 403
        forwarded = {"x-forwarded-host": "evil.example", "accept": "text/html"}
        assert client().get("/label", headers=forwarded).headers["location"] == "/sign-in?next=/label"


def test_signing_out_ends_the_session_on_the_server(tmp_path):
    with serving(tmp_path / "labels.db") as (client, _desk):
        one = client("ana")
        secret = one.cookies["foretell"]
        assert one.post("/sign-out", json={}).json() == {"next": "/sign-in"}
        assert with_session(client(), secret).get("/label").status_code == 401


def test_another_password_needs_the_old_one_and_ends_every_session(tmp_path):
    with serving(tmp_path / "labels.db") as (client, desk):
        one, elsewhere = client("ana"), client("ana")
        redeem(desk.store, new_link(desk.store, "ana"), WORDS)
        one, elsewhere = client("ana"), client("ana")
        assert one.post("/password", json={"password": "wrong", "new": "other plain words"}).status_code == 403
        assert one.post("/password", json={"password": WORDS, "new": "short"}).status_code == 400
        assert one.post("/password", json={"password": WORDS, "new": "other plain words"}).status_code == 200
        assert elsewhere.get("/label").status_code == 401
        assert sign_in(client(), "ana", "other plain words").status_code == 200


def test_the_models_are_asked_with_a_key_or_signed_in_where_others_can_reach_them(tmp_path, models):
    from foretell.serve.keys import digest

    asks = {"model": "one", "prompt": "Return", "max_tokens": 2}
    key = {"authorization": "Bearer ft_key"}
    with serving(tmp_path / "a.db", {"one": models["one"]}, {"x": digest("ft_key")}, api_open=False) as (client, _):
        assert client().post("/v1/completions", json=asks).status_code == 401
        assert client().post("/v1/completions", json=asks, headers=key).status_code == 200
        assert client("r", "researcher").post("/v1/completions", json=asks).status_code == 200
        assert client("r").post("/v1/completions", json=asks, headers={"X-Page-Token": "x"}).status_code == 403
        assert client("l").post("/v1/completions", json=asks).status_code == 403
        assert client().get("/label", headers=key).status_code == 403
        assert client().get("/admin/labellers", headers=key).status_code == 403
        assert client().get("/metrics").status_code == 401
    with serving(tmp_path / "b.db", {"one": models["one"]}) as (client, _):
        assert client().post("/v1/completions", json=asks).status_code == 200
        assert client().post("/v1/completions", json=asks, headers={"origin": "http://evil.example"}).status_code == 403


@pytest.mark.parametrize("value", ["", "x" * 5000, "a;b", '"', "\x7f", "%00", "=" * 50])
def test_a_cookie_that_is_none_of_ours_lets_nobody_in(tmp_path, value):
    with serving(tmp_path / "labels.db") as (client, _):
        assert client().get("/label", headers={"cookie": f"foretell={value}"}).status_code == 401


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "a' OR '1'='1", '"><img src=x onerror=alert(1)>'])
def test_a_name_is_shown_as_it_is_and_searched_as_it_is(tmp_path, name):
    with serving(tmp_path / "labels.db") as (client, desk):
        shown = client(name).get("/label").text
        assert name not in shown or "<" not in name
        assert "<script>alert" not in shown
        assert "<img src=x" not in client("boss", "admin").get("/admin/labellers").text
        assert account(desk.store, name).name == name
