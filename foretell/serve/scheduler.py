"""The thread that owns a model's batch: requests wait in turn, join, are told of each token, and leave.

    wanted = scheduler.submit([Wanted(...), ...], client)     await wanted[0].changed.wait()     wanted[0].completion

Fair: rows of different clients join by turns, whatever each has waiting. Bounded: so many rows at once, so many that
wait, so many tokens read between two steps of those that run. An error in joining is that request's alone; one in a
step ends those that run, and those that wait go on.
"""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

import torch
from torch import Tensor

from foretell.errors import BadUse, Failed
from foretell.generate.config import Sampling
from foretell.generate.engine import Asked, Batch, Completion, Row
from foretell.generate.prompts import rows_at_once
from foretell.generate.stops import Words
from foretell.model.network import Network
from foretell.serve.prefix import Prefixes

READ = 1024  # tokens of prompts that are read between two steps, if rows are running: how long these may be held up
SHARE = 0.75  # of the waiting places, the most that one client can take


class Busy(Exception):
    """The waiting places are taken; try again after so many seconds."""

    def __init__(self, after: int) -> None:
        super().__init__(f"the server is busy; try again in {after} s")
        self.after = after


@dataclass(kw_only=True, slots=True, eq=False)
class Wanted:
    """A row that is to be made, or a `call` that is to be answered by the thread that owns the network."""

    prompt: Sequence[int] = ()
    sampling: Sampling = field(default_factory=partial(Sampling, max_new_tokens=1))
    stream: int = 0
    ends: frozenset[int] = frozenset()
    look: Callable[[], Tensor] | None = None
    """what the prompt's images are to the decoder, (M, D), asked for by the thread that owns the network"""
    call: Callable[[], Any] | None = None
    wake: Callable[[], object] = bool
    """called from the thread when there is an answer, and after each token if `each`"""
    each: bool = False
    number: int = 0
    begun: float = 0.0
    deadline: float = float("inf")
    row: Row | None = None
    answer: Any = None
    completion: Completion | None = None
    error: Exception | None = None
    cancelled: bool = False

    @property
    def over(self) -> bool:
        """Whether no more will come of it."""
        return self.cancelled or self.error is not None or self.completion is not None or self.answer is not None


class Scheduler:
    """A model's queue and batch, worked off by a thread of its own."""

    def __init__(
        self, network: Network, words: Words, *, rows: int = 0, max_waiting: int = 256, kept: Prefixes | None = None
    ) -> None:
        self.network, self.words, self.max_waiting = network, words, max_waiting
        self.most = rows or rows_at_once(network, network.cfg.n_ctx, None)
        self.kept = kept if network.cfg.kind == "decoder" else None
        self.batch = Batch(network, words)
        self.running: dict[int, Wanted] = {}
        self.waiting: OrderedDict[str, deque[Wanted]] = OrderedDict()
        self.condition = threading.Condition()
        self.closed = False
        self.numbers = count(1)
        self.failures = self.steps = self.made = self.read = 0
        self.first_token: list[float] = [0.0, 0.0]  # how many, seconds in all
        self.thread = threading.Thread(target=self.work, name="batch", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self.thread.start()

    def close(self) -> None:
        """End after the step that is being made; what is not done is refused."""
        with self.condition:
            self.closed = True
            self.condition.notify()
        if self.thread.ident is not None:
            self.thread.join()

    @property
    def n_waiting(self) -> int:
        """Rows and calls that have not begun."""
        with self.condition:
            return sum(map(len, self.waiting.values()))

    def submit(self, wanted: Sequence[Wanted], client: str = "") -> None:
        """Queue these, all or none. Busy if there is no room, BadUse if there never is."""
        if not wanted:
            return
        most = max(int(self.max_waiting * SHARE), 1)
        if len(wanted) > most:
            raise BadUse(f"the request needs {len(wanted)} completions; at most {most} fit, send it in parts")
        with self.condition:
            if self.closed:
                raise Failed("the server is stopping; send the request again later")
            mine = len(self.waiting.get(client, ()))
            if self.n_waiting + len(wanted) > self.max_waiting or mine + len(wanted) > most:
                raise Busy(1 + self.n_waiting // self.most)
            now = time.monotonic()
            for one in wanted:
                one.number, one.begun = next(self.numbers), now
            self.waiting.setdefault(client, deque()).extend(wanted)
            self.condition.notify()

    def cancel(self, wanted: Sequence[Wanted]) -> None:
        """Have these no more; rows leave the batch before its next step."""
        with self.condition:
            for one in wanted:
                one.cancelled = True
            for client, queue in list(self.waiting.items()):
                left = deque(one for one in queue if not one.cancelled)
                if left:
                    self.waiting[client] = left
                else:
                    del self.waiting[client]
            self.condition.notify()

    def work(self) -> None:
        """The thread: turns until it is closed."""
        with torch.inference_mode():
            while True:
                with self.condition:
                    while not (self.closed or self.waiting or self.running):
                        self.condition.wait()
                    if self.closed:
                        break
                try:
                    self.turn()
                except Exception as error:  # of whatever kind: those that run are told, those that wait go on
                    self.fail(list(self.running.values()), error)
                    self.running, self.batch = {}, Batch(self.network, self.words)
        left = [*self.running.values(), *(one for queue in self.waiting.values() for one in queue)]
        self.fail(left, Failed("the server is stopping; send the request again later"))

    def turn(self) -> None:
        """Those that are not wanted any more leave, those that wait join, and every row gets a token."""
        self.leave()
        for one in self.next_ones():
            if one.call is not None:
                self.answer(one, one.call)
        for joining in alike([one for one in self.running.values() if one.row is None]):
            self.join(joining)
        if self.batch.rows:
            self.batch.step()
            self.steps += 1
            self.made += len(self.running)
            self.tell()

    def leave(self) -> None:
        """Rows that were cancelled or are late leave."""
        now = time.monotonic()
        late = [one for one in self.running.values() if one.deadline < now and not one.cancelled]
        gone = {number: one for number, one in self.running.items() if one.cancelled or one.deadline < now}
        if gone:
            self.batch.cancel(gone)
            for number in gone:
                del self.running[number]
        self.fail(late, Failed("the time for this request is over; ask for fewer tokens"))

    def next_ones(self) -> list[Wanted]:
        """What begins now, one of each client by turns; rows are running from here on."""
        found: list[Wanted] = []
        tokens, now, late = 0, time.monotonic(), []
        with self.condition:
            while self.waiting and len(self.running) < self.most:
                client, queue = next(iter(self.waiting.items()))
                one = queue[0]
                tokens += len(one.prompt) if one.call is None else READ
                if found and tokens > READ and not one.cancelled:
                    break
                queue.popleft()
                self.waiting.move_to_end(client)
                if not queue:
                    del self.waiting[client]
                if one.deadline < now:
                    late.append(one)
                elif not one.cancelled:
                    found.append(one)
                    if one.call is None:
                        self.running[one.number] = one
        self.fail(late, Failed("the time for this request was over before its turn came; try again later"))
        return found

    def answer(self, one: Wanted, call: Callable[[], Any]) -> None:
        """Answer a call."""
        try:
            one.answer = call()
        except Exception as error:  # of whatever kind: it is the caller's
            self.fail([one], error)
            return
        one.wake()

    def join(self, joining: Sequence[Wanted]) -> None:
        """Read prompts that see the same together; where that fails, each alone: only what is wrong is refused."""
        asked = [Asked(one.prompt, one.sampling, one.number, one.stream, one.ends) for one in joining]
        try:
            look = joining[0].look
            self.batch.join(asked, kept=self.kept, seen=look() if look else None)
        except Exception as error:  # of whatever kind: it is the request's
            if len(joining) == 1:
                del self.running[joining[0].number]
                self.fail(joining, error)
                return
            for one in joining:
                self.join([one])
            return
        rows = {row.number: row for row in self.batch.rows}
        self.read += sum(len(one.prompt) for one in joining)
        for one in joining:
            one.row = rows[one.number]

    def tell(self) -> None:
        """Completions to those who wait for them, and a wink to those who follow each token."""
        now = time.monotonic()
        for number, one in list(self.running.items()):
            if one.row is not None and len(one.row.ids) == 1:
                self.first_token = [self.first_token[0] + 1, self.first_token[1] + now - one.begun]
            if number in self.batch.done:
                one.completion = self.batch.done.pop(number)
                del self.running[number]
                one.wake()
            elif one.each:
                one.wake()

    def fail(self, wanted: Sequence[Wanted], error: Exception) -> None:
        """Tell these that nothing comes of them."""
        for one in wanted:
            one.error = error
            self.failures += 1
            one.wake()


def alike(joining: Sequence[Wanted]) -> list[list[Wanted]]:
    """Those whose prompts can be read together: without images, or with those of one request."""
    groups: dict[Callable[[], Tensor] | None, list[Wanted]] = {}
    for one in joining:
        groups.setdefault(one.look, []).append(one)
    return list(groups.values())
