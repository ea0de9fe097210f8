"""A multipart form, streamed: each part becomes a file that stays in memory while it is small.

The web framework would decode parts without a file name as text; here every part is bytes, in
the order of the request, and all parts of a request share one allowance of memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from service.api.answers.problems import Refused, RequestFault
from service.intake.pieces import Piece
from service.settings import Settings

CHUNK = 64 * 1024
_BOUNDARY_END = re.compile(rb"-{0,2}[ \t]{0,16}\Z")
"""What may follow a boundary before its line ends: two dashes at the end of the form, blanks."""
_LONGEST_END = 18


class Spool:
    """Makes the files of one request; they are deleted when ``files`` is closed."""

    def __init__(self, memory: int, files: ExitStack) -> None:
        self._memory = memory
        self._files = files

    def open(self) -> BinaryIO:
        """A file that moves to the disk when the request's allowance of memory is used up."""
        spooled = SpooledTemporaryFile(max_size=max(1, self._memory))  # noqa: SIM115
        return cast(BinaryIO, self._files.enter_context(spooled))

    def used(self, size: int) -> None:
        """Count what a finished file may hold in memory."""
        self._memory -= min(size, max(0, self._memory))


def read_form(
    chunks: Iterator[bytes], boundary: str, settings: Settings, spool: Spool
) -> list[Piece]:
    """The parts of a form, each rewound to its start.

    Raises Refused where the form is malformed or has too many parts.
    """
    try:
        return list(_parts(_events(chunks, boundary, settings), spool))
    except (ValueError, AttributeError) as error:
        # AttributeError: the decoder meets a part whose body does not start with a line break.
        del error
        raise _malformed() from None
    except RequestEntityTooLarge:
        raise _too_many(settings) from None


def _events(chunks: Iterator[bytes], boundary: str, settings: Settings) -> Iterator[Event]:
    decoder = MultipartDecoder(
        boundary.encode("latin-1"),
        max_form_memory_size=CHUNK + settings.form_header_bytes,
        max_parts=settings.form_parts,
    )
    for chunk in _whole_boundaries(chunks):
        decoder.receive_data(chunk)
        yield from _ready(decoder)
    decoder.receive_data(None)
    yield from _ready(decoder)


def _whole_boundaries(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes, cut so that no cut falls into the end of a boundary.

    Where one falls between the two dashes that close the form, the decoder takes the line break
    before the boundary for a part of the file, which spoils an archive.
    """
    held = b""
    for chunk in chunks:
        data = held + chunk
        end = _BOUNDARY_END.search(data, max(0, len(data) - _LONGEST_END))
        cut = len(data) if end is None else end.start()
        held = data[cut:]
        if cut:
            yield data[:cut]
    if held:
        yield held


def _ready(decoder: MultipartDecoder) -> Iterator[Event]:
    while True:
        event = decoder.next_event()
        if isinstance(event, NeedData):
            return
        yield event
        if isinstance(event, Epilogue):
            return


def _parts(events: Iterator[Event], spool: Spool) -> Iterator[Piece]:
    head: Field | File | None = None
    file: BinaryIO | None = None
    for event in events:
        if isinstance(event, Field | File):
            head, file = event, spool.open()
        elif isinstance(event, Data) and head is not None and file is not None:
            file.write(event.data)
            if not event.more_data:
                spool.used(file.tell())
                file.seek(0)
                yield _piece(head, file)


def _piece(head: Field | File, file: BinaryIO) -> Piece:
    if not head.name:
        raise Refused(
            "multipart-malformed", "A part of the form has no name; with curl, use -F name=@file."
        )
    filename = head.filename if isinstance(head, File) else ""
    media_type = head.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return Piece(head.name, file, filename or "", media_type)


def _malformed() -> Refused:
    return Refused(
        "multipart-malformed",
        "The multipart/form-data body is incomplete, or its boundary differs from the "
        "Content-Type header. Let the client create both: curl -F source=@source.tar.gz …",
    )


def _too_many(settings: Settings) -> Refused:
    fault = RequestFault(
        "limit-form-parts",
        f"the form has more than {settings.form_parts} parts, or the header of a part has more "
        f"than {settings.form_header_bytes} bytes",
        "pack the files of one cluster into one archive",
    )
    return Refused("body-too-large", "The form has too many or too large parts.", errors=[fault])
