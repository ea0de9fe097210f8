"""How many requests are worked on at a time, how long they wait, and what they may take."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from threading import BoundedSemaphore, local
from traceback import clear_frames
from types import TracebackType
from typing import Any

from flask import Flask, Response, current_app, g, request

from service.api.answers.problems import Refused, RequestFault
from service.api.server.memory import Pool, Share
from service.core.allowance import MemoryExceeded, allowed
from service.core.deadline import DeadlineExceeded, within
from service.settings import Settings

_HEAVY = ("evaluate", "patch")
_BUFFERED = 1024 * 1024
_SERVER = "gunicorn.socket"


class Turns:
    """A context manager: entering it waits for a turn and starts the clock of the work.

    Raises Refused: ``busy`` where no turn or memory came in time, on leaving ``deadline-exceeded``
    where the work took too long, and ``body-too-large`` where it alone would need more memory than
    a worker has for all. ``waited`` receives how many seconds each has waited.
    """

    def __init__(self, settings: Settings, waited: Callable[[float], None]) -> None:
        self.memory = Pool(settings.memory)
        self._free = BoundedSemaphore(settings.evaluations)
        self._waited = waited
        self._patience = settings.wait_timeout
        self._seconds = settings.deadline
        self._work = local()
        self._refused = False

    def __enter__(self) -> None:
        start = time.perf_counter()
        free = self._free.acquire(timeout=self._patience)
        self._waited(time.perf_counter() - start)
        if not free:
            raise busy(self._patience)
        if self._refused:  # what was made until then may hang in circles
            self._refused = False
            gc.collect()
        work = ExitStack()
        work.callback(self._free.release)
        share = Share(self.memory, self._patience)
        work.callback(share.close)
        work.enter_context(within(self._seconds))
        work.enter_context(allowed(share.spend))
        self._work.running = work

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, DeadlineExceeded | MemoryExceeded):
            clear_frames(trace)  # they hold what was made, and are kept until the answer is
        self._work.running.close()
        if isinstance(error, DeadlineExceeded):
            raise Refused(
                "deadline-exceeded",
                f"The work was stopped after {self._seconds} seconds. Send less evidence "
                "(mtc-preflight collect reads only what is needed), or raise "
                "MTC_PREFLIGHT_DEADLINE.",
            ) from None
        if isinstance(error, MemoryExceeded):
            self._refused = True
            raise self._too_much() if error.alone else busy(self._patience) from None

    def _too_much(self) -> Refused:
        fault = RequestFault(
            "limit-memory",
            f"the requests of a worker may take {self.memory.size} bytes of memory together, and "
            "this one alone would need more",
            "send less evidence (mtc-preflight collect takes only what is read), send it in "
            "archives, of which only what is needed is kept, or raise MTC_PREFLIGHT_MEMORY",
        )
        return Refused("body-too-large", "The input would need too much memory.", errors=[fault])


def busy(seconds: float) -> Refused:
    """The refusal of a request that there is no place for now."""
    wait = max(1, round(seconds))
    return Refused(
        "busy",
        f"The service is busy. Try again in {wait} seconds.",
        headers={"Retry-After": str(wait)},
    )


def install(app: Flask, settings: Settings, memory: Pool) -> None:
    """Keep a quarter of the threads free of evaluations, from their first byte to their last.

    Whoever sends or takes slowly holds a thread meanwhile. Health checks, metrics and admission
    reviews find one all the same.
    """
    places = BoundedSemaphore(max(1, settings.threads - max(1, settings.threads // 4)))

    @app.before_request
    def take() -> None:
        rule = request.url_rule
        view = current_app.view_functions[rule.endpoint] if rule is not None else None
        contract = getattr(view, "contract", None)
        if contract is None or contract.scope not in _HEAVY:
            return
        if not places.acquire(blocking=False):
            raise busy(settings.wait_timeout)
        g.place = ExitStack()
        g.place.callback(places.release)

    @app.after_request
    def keep(response: Response) -> Response:
        """The place of a stream or a large answer is left when that is sent, however slowly.

        A small answer fits into the buffers of the connection, and only a real server closes one.
        """
        size = response.content_length or 0
        if response.is_streamed and "place" in g:
            place = g.pop("place")
            response.response = _within(place, response.response)
            response.call_on_close(place.close)
        elif size > _BUFFERED and _SERVER in request.environ and "place" in g:
            place = g.pop("place")
            memory.owe(size)
            place.callback(memory.give, size)
            response.call_on_close(place.close)
        return response

    @app.teardown_request
    def leave(_: BaseException | None) -> None:
        place = g.pop("place", None)
        if place is not None:
            place.close()


def _within(place: ExitStack, pieces: Iterable[Any]) -> Iterator[Any]:
    with place:
        yield from pieces
