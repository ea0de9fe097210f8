"""How many requests are worked on at a time, how long they wait, and how long they may take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from threading import BoundedSemaphore, local
from types import TracebackType
from typing import Any

from flask import Flask, Response, current_app, g, request

from service.api.answers.problems import Refused
from service.core.deadline import DeadlineExceeded, within
from service.settings import Settings

_HEAVY = ("evaluate", "patch")
_BUFFERED = 256 * 1024


class Turns:
    """A context manager: entering it waits for a turn and starts the clock of the work.

    Raises Refused: ``busy`` where no turn came in time, on leaving ``deadline-exceeded`` where the
    work took too long. The number of turns bounds the memory of a worker. ``waited`` receives how
    many seconds each has waited.
    """

    def __init__(self, settings: Settings, waited: Callable[[float], None]) -> None:
        self._free = BoundedSemaphore(settings.evaluations)
        self._waited = waited
        self._patience = settings.wait_timeout
        self._seconds = settings.deadline
        self._clock = local()

    def __enter__(self) -> None:
        start = time.perf_counter()
        free = self._free.acquire(timeout=self._patience)
        self._waited(time.perf_counter() - start)
        if not free:
            raise busy(self._patience)
        clock: AbstractContextManager[None] = within(self._seconds)
        self._clock.running = clock
        clock.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._free.release()
        self._clock.running.__exit__(None, None, None)
        if isinstance(error, DeadlineExceeded):
            raise Refused(
                "deadline-exceeded",
                f"The work was stopped after {self._seconds} seconds. Send less evidence "
                "(mtc-preflight collect takes only what is read), or raise "
                "MTC_PREFLIGHT_DEADLINE.",
            ) from None


def busy(seconds: float) -> Refused:
    """The refusal of a request that there is no place for now."""
    wait = max(1, round(seconds))
    return Refused(
        "busy",
        f"There is more to do than this worker takes at a time. Try again in {wait} seconds.",
        headers={"Retry-After": str(wait)},
    )


def install(app: Flask, settings: Settings) -> None:
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

        A small answer fits into the buffers of the connection.
        """
        large = response.is_streamed or (response.content_length or 0) > _BUFFERED
        place: ExitStack | None = g.pop("place", None) if large else None
        if place is not None:
            response.call_on_close(place.close)
            if response.is_streamed:
                response.response = _within(place, response.response)
        return response

    @app.teardown_request
    def leave(_: BaseException | None) -> None:
        place = g.pop("place", None)
        if place is not None:
            place.close()


def _within(place: ExitStack, pieces: Iterable[Any]) -> Iterator[Any]:
    with place:
        yield from pieces
