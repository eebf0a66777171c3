"""The server beside one of transformers: the same weights, clients and lengths, sides in turn, each in its own process.

Theirs is the plainest that people write: FastAPI, model.generate() of one request at a time, and a
TextIteratorStreamer for the stream.

$ python -m benchmarks.serve [--small]        writes benchmarks/serve.md and its JSON
"""

import argparse
import asyncio
import contextlib
import datetime
import json
import math
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
NEW, PROMPT_WORDS = 64, 24
SIDES = ("foretell", "transformers")


class Told(NamedTuple):
    """What a client saw of one stream."""

    first: float
    seconds: float
    tokens: int


def make_model(folder: Path) -> None:
    """A random network of the shape GPT-2 at nano, 4 layers of 128, with a tokenizer of its own."""
    from dataclasses import replace

    from benchmarks.generate_speed import NANO
    from benchmarks.train_throughput import network_config
    from foretell.generate.model import Model
    from foretell.model.init import build
    from foretell.text.train import train_tokenizer
    from tests.corpus.made_documents import HELP

    tokenizer = train_tokenizer("bpe", HELP, 1024, quiet=True)
    cfg = replace(network_config(NANO), n_vocab=tokenizer.n_vocab)
    Model(build(cfg), tokenizer).save(folder)


def theirs(folder: str, port: int) -> None:
    """A server of transformers."""
    import threading

    import torch
    import uvicorn
    from fastapi import FastAPI, Request
    from starlette.responses import StreamingResponse
    from transformers import AutoModelForCausalLM, AutoTokenizer, TextIteratorStreamer

    torch.set_num_threads(1)
    model, words = AutoModelForCausalLM.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)
    one_at_a_time, app = threading.Lock(), FastAPI()

    @app.get("/health")
    def health() -> dict:
        return {"status": "ok"}

    @app.post("/v1/completions")
    async def complete(request: Request) -> StreamingResponse:
        asked = await request.json()
        given = words(asked["prompt"], return_tensors="pt")
        streamer = TextIteratorStreamer(words, skip_prompt=True)
        limits = {"max_new_tokens": asked["max_tokens"], "min_new_tokens": asked["max_tokens"]}
        how = {"do_sample": True, "temperature": asked["temperature"], "top_k": 0, "pad_token_id": 0}

        def work() -> None:
            with one_at_a_time, torch.inference_mode():
                model.generate(given.input_ids, attention_mask=given.attention_mask, streamer=streamer, **limits, **how)

        threading.Thread(target=work, daemon=True).start()

        def events() -> Iterator[str]:
            for text in streamer:
                if text:
                    yield f"data: {json.dumps({'choices': [{'index': 0, 'text': text}]})}\n\n"
            yield "data: [DONE]\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    uvicorn.run(app, port=port, log_level="warning")


@contextlib.contextmanager
def running(side: str, folder: Path) -> Iterator[tuple[int, int]]:
    """A server's port and process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    if side == "foretell":
        command = ["-m", "foretell.cli", "serve", f"nano={folder}", "--port", str(port), "--threads", "1", "--quiet"]
    else:
        command = ["-m", "benchmarks.serve", "--theirs", str(folder), str(port)]
    process = subprocess.Popen([sys.executable, *command])
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health"):
                break
            time.sleep(0.1)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(20)


async def ask(port: int, seed: int, new: int = NEW) -> Told:
    """One stream, read to its end. Every byte of it is looked at; an error is raised."""
    prompt = " ".join(f"word{(seed * 7 + i) % 50}" for i in range(PROMPT_WORDS // 4))
    body = {"model": "nano", "prompt": prompt, "max_tokens": new, "temperature": 0.9, "seed": seed, "stream": True}
    content = json.dumps({**body, "logit_bias": {"0": -100, str(END): -100}}).encode()
    begun = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Connection: close\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content)
    status = await reader.readline()
    assert b" 200 " in status, status + await reader.read()
    first, text, done = 0.0, "", False
    async for line in reader:
        if line.startswith(b"data: {"):
            first = first or time.perf_counter() - begun
            chunk = json.loads(line[6:])
            assert "error" not in chunk, chunk
            text += "".join(choice["text"] for choice in chunk["choices"])
        done = done or line.startswith(b"data: [DONE]")
    writer.close()
    assert done, f"the stream was lost after {len(text)} characters"
    return Told(first, time.perf_counter() - begun, new)


END = 1019
"""<|endoftext|> of the tokenizer, which is forbidden, so that both sides make as many tokens"""


async def load(port: int, clients: int, seconds: float) -> list[Told]:
    """What so many clients see, each asking again as soon as it is answered."""
    until = time.perf_counter() + seconds

    async def client(number: int) -> list[Told]:
        found = []
        while time.perf_counter() < until:
            found.append(await ask(port, number + clients * len(found)))
        return found

    return [told for some in await asyncio.gather(*(client(n) for n in range(clients))) for told in some]


def measured(port: int, pid: int, clients: int, seconds: float) -> dict[str, float]:
    """Tokens a second, time to the first one, and the server's CPU-seconds for a thousand."""
    cpu, begun = cpu_seconds(pid), time.perf_counter()
    found = asyncio.run(load(port, clients, seconds))
    took, tokens = time.perf_counter() - begun, sum(one.tokens for one in found)
    firsts = sorted(one.first for one in found)
    return {
        "tokens_per_second": tokens / took,
        "first_median": statistics.median(firsts),
        "first_95": firsts[math.ceil(0.95 * len(firsts)) - 1],
        "cpu_per_thousand": 1000 * (cpu_seconds(pid) - cpu) / tokens,
        "streams": len(found),
        "peak_mib": peak_mib(pid),
    }


def cpu_seconds(pid: int) -> float:
    """Of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def peak_mib(pid: int) -> float:
    """The most memory that a process has had resident."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main() -> None:
    """Both sides in turn at each number of streams, then the crowd on ours alone."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--small", action="store_true", help="one short round, and nothing is written")
    flags.add_argument("--theirs", nargs=2, metavar=("FOLDER", "PORT"), help=argparse.SUPPRESS)
    flags.add_argument("--rounds", type=int, default=3)
    flags.add_argument("--seconds", type=float, default=8.0, help="of each measurement")
    flags.add_argument("--crowd", type=float, default=20.0, help="seconds of the crowd")
    given = flags.parse_args()
    if given.theirs:
        theirs(given.theirs[0], int(given.theirs[1]))
        return
    if given.small:
        given.rounds, given.seconds, given.crowd = 1, 2.0, 4.0
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "nano"
        make_model(folder)
        with running("foretell", folder) as ours, running("transformers", folder) as others:
            found = compared({"foretell": ours, "transformers": others}, given.rounds, given.seconds)
            crowd = measured(*ours, 200, given.crowd)
    page = table(found, crowd, given)
    print(page)
    if not given.small:
        month = datetime.date.today().strftime("%Y-%m")
        (HERE / f"serve_{month}.json").write_text(json.dumps({"streams": found, "crowd": crowd}, indent=1) + "\n")
        (HERE / "serve.md").write_text(page)


def compared(servers: dict[str, tuple[int, int]], rounds: int, seconds: float) -> list[dict]:
    """The figures of each number of streams and each round."""
    for where in servers.values():
        measured(*where, 4, 1.0)  # warm
    found = []
    for clients in (1, 8, 32):
        for _ in range(rounds):
            one = {side: measured(*servers[side], clients, seconds) for side in SIDES}
            found.append({"clients": clients, **one})
            print(found[-1], flush=True)
    return found


def table(found: list[dict], crowd: dict[str, float], given: argparse.Namespace) -> str:
    """The figures as Markdown."""
    from foretell.runs import processor

    lines = [
        f"Streams of {NEW} new tokens from random GPT-2-shaped weights (4 layers x 128, fp32), sampled at temperature",
        f"0.9, {processor()}, one thread each, {given.rounds} rounds of {given.seconds:g} s, sides in turn; made by",
        "benchmarks/serve.py. transformers: FastAPI and model.generate() of one request at a time. Medians over",
        "rounds; ratios of tokens a second and of CPU-seconds, each with the lowest and highest round. Where others",
        "work on the machine too, the CPU-seconds are the ones to read.",
        "",
        "| streams | side | tokens/s | first token, median | first token, 95 % | CPU-s per 1000 tokens "
        "| tokens/s, ratio | CPU-s, ratio |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for clients in (1, 8, 32):
        some = [one for one in found if one["clients"] == clients]
        for side in SIDES:
            middle = {name: statistics.median(one[side][name] for one in some) for name in some[0][side]}
            cells = f"{middle['tokens_per_second']:.0f} | {1000 * middle['first_median']:.0f} ms"
            cells += f" | {1000 * middle['first_95']:.0f} ms | {middle['cpu_per_thousand']:.2f}"
            ours = side == "foretell"
            speed = ratio(some, "tokens_per_second", *SIDES) if ours else ""
            cpu = ratio(some, "cpu_per_thousand", *SIDES[::-1]) if ours else ""
            lines.append(f"| {clients} | {side} | {cells} | {speed} | {cpu} |")
    lines += [
        "",
        f"200 clients for {given.crowd:g} s on foretell's server: {crowd['streams']:.0f} streams, all whole, none",
        f"refused; {crowd['tokens_per_second']:.0f} tokens/s, first token after {crowd['first_median']:.2f} s (median)",
        f"and {crowd['first_95']:.2f} s (95 %), {crowd['cpu_per_thousand']:.2f} CPU-s per 1000 tokens, peak memory",
        f"{crowd['peak_mib']:.0f} MiB.",
    ]
    return "\n".join(lines) + "\n"


def ratio(some: list[dict], name: str, over: str, under: str) -> str:
    """The median of the rounds' ratios, and the lowest and highest."""
    each = [one[over][name] / one[under][name] for one in some]
    return f"{statistics.median(each):.1f} ({min(each):.1f} to {max(each):.1f})"


if __name__ == "__main__":
    main()
