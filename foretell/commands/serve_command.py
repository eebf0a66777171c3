"""`foretell serve MODEL... [--port 8000]`: models behind an API that OpenAI's clients can ask."""

import argparse
import json
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from foretell.commands.flags import count, parser
from foretell.errors import BadUse, Failed

if TYPE_CHECKING:
    from uvicorn import Server

    from foretell.serve.guard import App
    from foretell.serve.labelling.desk import Desk
    from foretell.serve.labelling.study import Study

EXAMPLES = """  foretell serve runs/demo/ppo                          then base_url is http://127.0.0.1:8000/v1
  foretell serve base=runs/gpt2.pretrain-nano chat=runs/demo/ppo --port 9000
  foretell serve --new-key anna --keys keys.txt                 makes a key, prints it once, and ends
  foretell serve runs/demo/ppo --db labels.db                   and accounts, and pages on which people label, at /label
  foretell serve --runs runs                                    a dashboard of runs, with models or without
  foretell serve runs/demo/ppo --host 0.0.0.0 --keys keys.txt   other machines too, each with a key

With --db a link is printed that lets the first admin in, once; foretell label user makes and changes accounts."""

COMMON = ("device", "threads", "json", "quiet")
LOCAL = ("127.0.0.1", "localhost", "::1")
MOST_CONNECTIONS = 1024
GRACE = 5  # seconds in which answers may end when the server is stopped


class Ready(NamedTuple):
    """A server that is about to begin: its application, its socket, its models' names, and where labels go."""

    app: "App"
    listening: socket.socket
    address: str
    models: list[str]
    desk: "Desk | None" = None


def run(args: list[str]) -> None:
    """Serve until Ctrl-C, or make a key."""
    given = add_flags(parser("serve", "Serve models to OpenAI's clients.", EXAMPLES, COMMON)).parse_args(args)
    if given.new_key is not None:
        make_key(given)
        return
    check(given)
    ready = prepared(given)
    if given.json:
        link = {"link": link_to(ready)} if ready.desk and ready.desk.link else {}
        print(json.dumps({"address": ready.address, "models": ready.models, **link}), flush=True)
    elif not given.quiet:
        pages = [f"the playground: {ready.address}"] if ready.models else []
        pages += [f"labelling: {ready.address}/label"] if ready.desk else []
        pages += [f"runs: {ready.address}/runs"] if given.runs else []
        served = f"{', '.join(ready.models)} at {ready.address}/v1; " if ready.models else ""
        print(f"{served}{'; '.join(pages)} (Ctrl-C ends)", flush=True)
        if ready.desk and ready.desk.link:
            print(f"the first admin gets in here, once and within an hour: {link_to(ready)}", flush=True)
    elif ready.desk and ready.desk.link:
        print(link_to(ready), flush=True)
    try:
        with suppress(KeyboardInterrupt):  # how a server is usually ended
            server(ready).run(sockets=[ready.listening])
    finally:
        if ready.desk:
            from foretell.align.store import close

            close(ready.desk.store)


def add_flags(flags: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The parser with the flags of this command."""
    flags.add_argument(
        "models", metavar="MODEL", nargs="*", help="a run folder, a folder, hf:NAME, or NAME=one of them"
    )
    flags.add_argument(
        "--host", default="127.0.0.1", help="the address to listen at; other than this machine: --keys or --db"
    )
    flags.add_argument("--port", type=count, default=8000, help="0 takes one that is free")
    flags.add_argument("--name", action="append", default=[], help="a name that the server is called by; * for any")
    flags.add_argument("--keys", metavar="FILE", type=Path, help="a file of hashed API keys, which are then needed")
    flags.add_argument("--new-key", metavar="NAME", help="make a key, add its hash to the file of --keys, and end")
    flags.add_argument("--max-waiting", metavar="N", type=count, default=256, help="completions that may wait")
    flags.add_argument("--rows", metavar="N", type=count, default=0, help="completions made at a time; 0 measures")
    flags.add_argument("--rate", metavar="N", type=count, default=0, help="requests a minute of a client; 0: no limit")
    flags.add_argument("--timeout", metavar="S", type=count, default=300, help="seconds in which one is answered")
    flags.add_argument("--db", metavar="FILE|URL", help="a label store: accounts, and pages on which people label")
    flags.add_argument("--admin", metavar="NAME", help="who the first admin is, where none has a password: operator")
    flags.add_argument("--overlap", metavar="N", type=count, help="labellers that are to have each prompt, from now on")
    flags.add_argument(
        "--baseline", metavar="MODEL", default="", help="whose outputs those of others are compared with"
    )
    flags.add_argument("--quiz", metavar="FOLDER", type=Path, help="a news quiz that people are asked")
    flags.add_argument("--runs", metavar="FOLDER", type=Path, help="a dashboard of the runs in it")
    return flags


def make_key(given: argparse.Namespace) -> None:
    """Print a new key."""
    from foretell.serve.keys import new_key

    if given.keys is None:
        raise BadUse("--new-key needs the file that its hash is written to: --keys FILE")
    if given.models:
        raise BadUse("--new-key makes a key and serves nothing; leave the models out")
    key = new_key(given.keys, given.new_key)
    if given.json:
        print(json.dumps({"name": given.new_key, "key": key}))
        return
    print(key if given.quiet else f"{key}\nthe key of {given.new_key}; it is shown this once")


def check(given: argparse.Namespace) -> None:
    """BadUse for what cannot be served, before anything is loaded."""
    if not given.models and given.runs is None:
        raise BadUse("no model is named; give a run folder, a Hugging Face folder or hf:NAME, or --runs FOLDER")
    if given.host not in LOCAL and given.keys is None and given.db is None:
        rule = "other machines may ask only with a key, or signed in"
        raise BadUse(f"--host {given.host} without --keys or --db: {rule}; make a key with --new-key NAME --keys FILE")
    if given.runs is not None and given.keys is not None and given.db is None:
        raise BadUse("--runs with --keys: pages of runs are for people, who sign in; give a label store as --db FILE")
    if given.db is None and (given.admin is not None or given.overlap is not None):
        raise BadUse("--admin and --overlap are of labelling; give the label store as --db FILE")
    if given.db is None and (given.baseline or given.quiz is not None):
        raise BadUse("--baseline and --quiz are of labelling; give the label store as --db FILE")
    if given.overlap == 0:
        raise BadUse("--overlap 0 would hand out nothing; give at least 1")
    if given.port > 65535:
        raise BadUse(f"--port {given.port} is not at most 65535; 0 takes one that is free")
    for flag in ("max_waiting", "timeout"):
        if not getattr(given, flag):
            raise BadUse(f"--{flag.replace('_', '-')} 0 would refuse everything; give at least 1")


def link_to(ready: Ready) -> str:
    """The address by which the first admin gets in."""
    return f"{ready.address}/link/{ready.desk.link if ready.desk else ''}"


def prepared(given: argparse.Namespace) -> Ready:
    """The server that was asked for, with its models loaded and its port taken."""
    from foretell.serve.keys import read_keys
    from foretell.serve.served import named

    needed()
    runs, study = checked_runs(given), study_of(given)
    sources = named(given.models)
    keys = read_keys(given.keys) if given.keys is not None else {}
    listening = listen(given.host, given.port)
    import torch

    from foretell.generate.model import load
    from foretell.model.device import choose_device
    from foretell.serve.api import make_app
    from foretell.serve.settings import LOOPBACK, Limits

    desk = None
    try:
        desk = opened_desk(given)
        torch.set_num_threads(given.threads or 1)
        device = choose_device(given.device or "cpu")
        models = {name: load(source) for name, source in sources.items()}
        for model in models.values():
            model.network.to(device)
    except BaseException:
        listening.close()
        if desk:
            from foretell.align.store import close

            close(desk.store)
        raise
    own = bracketed(given.host)
    hosts = tuple(name.lower() for name in (*LOOPBACK, own, *given.name))
    limits = Limits(
        rows=given.rows, max_waiting=given.max_waiting, rate=given.rate, seconds=float(given.timeout), hosts=hosts
    )
    address = f"http://{own}:{listening.getsockname()[1]}"
    return Ready(make_app(models, limits, keys, desk, runs, study), listening, address, list(models), desk)


def checked_runs(given: argparse.Namespace) -> Path | None:
    """The folder of runs to show, if any."""
    from foretell.serve.dashboard.listing import check_root

    return None if given.runs is None else check_root(given.runs)


def study_of(given: argparse.Namespace) -> "Study":
    """What is handed out of other kinds of task."""
    from foretell.serve.labelling.study import Study, read_quiz

    entries, key = read_quiz(given.quiz) if given.quiz is not None else ({}, {})
    return Study(baseline=given.baseline, entries=entries, key=key)


def opened_desk(given: argparse.Namespace) -> "Desk | None":
    """Where labels go, if anywhere."""
    if given.db is None:
        return None
    from foretell.align.store import close
    from foretell.serve.labelling.desk import OPERATOR, open_desk

    local = given.host in LOCAL and not given.name
    open_to_programs = local and given.keys is None
    desk = open_desk(given.db, given.admin or OPERATOR, given.overlap, local=local, api_open=open_to_programs)
    if desk.link and not local:
        close(desk.store)
        rule = "nobody who could let others in has a password yet"
        remedy = "start it once for this machine alone, use the link that it prints, and choose a password"
        raise BadUse(f"{given.db} with --host {given.host} or --name: {rule}; {remedy}")
    return desk


def needed() -> None:
    """BadUse where the packages of a server are not installed."""
    from importlib.util import find_spec

    lacking = [name for name in ("fastapi", "uvicorn") if find_spec(name) is None]
    if lacking:
        raise BadUse(f"{' and '.join(lacking)} not installed; pip install 'foretell[serve]'")


def bracketed(host: str) -> str:
    """A host as it stands in an address."""
    return f"[{host}]" if ":" in host else host


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; Failed where it cannot."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=MOST_CONNECTIONS)
    except OSError as error:
        raise Failed(f"cannot listen at {host} port {port}: {error.strerror}; give another --port") from error


def server(ready: Ready) -> "Server":
    """The server, which runs until the process is told to end."""
    import uvicorn

    from foretell.serve.heads import protocol

    config = uvicorn.Config(
        ready.app,
        http=protocol(),
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=GRACE,
    )
    return uvicorn.Server(config)
