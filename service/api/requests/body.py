"""The body of a request as pieces of evidence, whatever its media type and encoding."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from types import TracebackType
from typing import IO, TYPE_CHECKING, BinaryIO

from flask import g, request
from werkzeug.exceptions import ClientDisconnected, HTTPException

from service.api.answers.problems import Refused, RequestFault
from service.api.requests.multipart import CHUNK, Spool, read_form
from service.api.server.memory import Share
from service.core.allowance import MemoryExceeded
from service.intake.archives.compression import CODECS, Budget, expand
from service.intake.intake_errors import LimitExceeded, Unreadable
from service.intake.pieces import Piece
from service.settings import Settings

if TYPE_CHECKING:
    from service.api.runtime import Runtime

FORM = "multipart/form-data"
MEDIA_TYPES = (
    "application/json",
    "application/yaml",
    "application/x-ndjson",
    "application/octet-stream",
    FORM,
)
"""What the documentation names: octet-stream is any archive. Other spellings are understood too."""
_SPELLINGS = frozenset(MEDIA_TYPES) | {
    "",
    "application/gzip",
    "application/jsonl",
    "application/x-bzip2",
    "application/x-compressed-tar",
    "application/x-gzip",
    "application/x-gtar",
    "application/x-tar",
    "application/x-tgz",
    "application/x-xz",
    "application/x-yaml",
    "application/zip",
    # What curl --data-binary sends by default. The bytes show what they are.
    "application/x-www-form-urlencoded",
    "application/x-zip-compressed",
    "text/json",
    "text/plain",
    "text/x-yaml",
    "text/yaml",
}
_SUFFIXED = re.compile(r"application/[\w.-]+\+(?:json|yaml)")
_GZIP = CODECS[0]
_PIECE_NAME = "body"


@dataclass(frozen=True, slots=True)
class Body:
    """What was sent: the pieces, and whether they are parts of a form or one document.

    A context manager: leaving it deletes the temporary files behind the pieces.
    """

    pieces: tuple[Piece, ...]
    is_form: bool
    files: ExitStack

    def __enter__(self) -> Body:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.files.close()


def read_request(now: Runtime) -> Body:
    """Read the body of the current request, all of it, within the limits.

    Raises Refused: ``unsupported-media-type``, ``unsupported-content-encoding``, ``empty-body``,
    ``body-damaged``, ``multipart-malformed``, ``body-too-large``, ``storage-unavailable``.
    """
    boundary = _check_media_type()
    encoding = _check_encoding()
    files = ExitStack()
    try:
        share = files.enter_context(closing(Share(now.uploads, 0)))
        return _read(now.settings, share, files, boundary, encoding)
    except MemoryExceeded as error:
        files.close()
        raise _no_room(now.settings, alone=error.alone) from None
    except BaseException:
        files.close()
        raise


def _read(
    settings: Settings, share: Share, files: ExitStack, boundary: str | None, encoding: str
) -> Body:
    share.spend(min(request.content_length or 0, settings.limits.body_bytes))
    chunks = _not_empty(_received())
    spool = Spool(settings.spool_bytes, files)
    try:
        if boundary is not None:
            if encoding == "gzip":
                chunks = _inflated(chunks, settings)
            if encoding == "gzip" or request.content_length is None:
                chunks = _counted(chunks, share)
            return Body(tuple(read_form(chunks, boundary, settings, spool)), True, files)
        if request.content_length is None:
            chunks = _counted(chunks, share)
        stream = _whole(chunks, settings, spool)
    except OSError as error:
        raise Refused("storage-unavailable", f"Spooling failed ({type(error).__name__}).") from None
    if encoding == "gzip" and stream.read(3) != _GZIP.magic:
        raise _not_gzip()
    # A compressed document is left as it is: the reader recognises it and unpacks in bounds.
    stream.seek(0)
    return Body((Piece(_PIECE_NAME, stream, "", request.mimetype),), False, files)


def _check_media_type() -> str | None:
    """The boundary of a form, None for a single document. Raises Refused (415)."""
    media_type, options = request.mimetype, request.mimetype_params
    if media_type == FORM:
        boundary = options.get("boundary", "")
        if not 0 < len(boundary) <= 200 or not boundary.isascii():
            raise Refused("multipart-malformed", "The Content-Type has no usable boundary.")
        return boundary
    if media_type not in _SPELLINGS and not _SUFFIXED.fullmatch(media_type):
        raise Refused(
            "unsupported-media-type",
            f"Send one of: {', '.join(MEDIA_TYPES)}. With curl: "
            "-H 'Content-Type: application/yaml' --data-binary @FILE, or -F source=@FILE.",
            headers={"Accept": ", ".join(MEDIA_TYPES)},
        )
    charset = options.get("charset", "utf-8").lower().replace("_", "-")
    if charset not in ("utf-8", "utf8", "us-ascii", "ascii"):
        raise Refused(
            "unsupported-media-type",
            "Only UTF-8 text is read: convert it, and remove charset from the Content-Type.",
        )
    return None


def _check_encoding() -> str:
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return ""
    if encoding in ("gzip", "x-gzip"):
        return "gzip"
    raise Refused(
        "unsupported-content-encoding",
        "Content-Encoding may be gzip or absent. A compressed archive (tar.gz, tar.xz, zip) "
        "needs no Content-Encoding.",
        headers={"Accept-Encoding": "gzip"},
    )


def _received() -> Iterator[bytes]:
    """The bytes of the body as they come, counted; the framework holds them to the limit."""
    stream = request.stream
    g.bytes_in = 0
    while chunk := _read_some(stream):
        g.bytes_in += len(chunk)
        yield chunk
    wanted = request.content_length
    # The server ends the body where the connection ends, and reports nothing missing.
    if wanted is not None and g.bytes_in < wanted:
        raise Refused(
            "body-truncated",
            f"The request announced {wanted} bytes, but {g.bytes_in} arrived; send it again.",
        )


def _counted(chunks: Iterator[bytes], share: Share) -> Iterator[bytes]:
    """Chunks whose number was not announced, each counted before it is stored."""
    for chunk in chunks:
        share.spend(len(chunk))
        yield chunk


def _no_room(settings: Settings, *, alone: bool) -> Refused:
    if alone:
        fault = RequestFault(
            "limit-upload-bytes",
            f"a worker holds {settings.upload_bytes} bytes of uploads at a time",
            "compress the evidence (tar.xz), or raise MTC_PREFLIGHT_UPLOAD_BYTES",
        )
        return Refused("body-too-large", "The body is larger than allowed.", errors=[fault])
    return Refused(
        "busy",
        f"A worker holds {settings.upload_bytes} bytes of uploads at a time "
        "(MTC_PREFLIGHT_UPLOAD_BYTES), and others take what this one needs. Try again in "
        f"{settings.wait_timeout} seconds.",
        headers={"Retry-After": str(settings.wait_timeout)},
    )


def _read_some(stream: IO[bytes]) -> bytes:
    try:
        return stream.read(CHUNK)
    except ClientDisconnected as error:
        # gunicorn_conf.py gives sockets a timeout; the kernel reports it as "would block".
        if isinstance(error.__context__, TimeoutError | BlockingIOError):
            raise Refused("body-timeout", "The client stopped sending.") from None
        raise
    except HTTPException:
        raise
    except Exception as error:
        # Servers have errors of their own for a broken transfer coding.
        raise Refused(
            "body-truncated", f"The body cannot be received ({type(error).__name__})."
        ) from None


def _not_empty(chunks: Iterator[bytes]) -> Iterator[bytes]:
    first = next(chunks, b"")
    if not first:
        raise Refused(
            "empty-body",
            "There is nothing to evaluate. Send an archive or a document per cluster: "
            "curl -F source=@source.tar.gz -F destination=@destination.yaml -F plan=@plan.yaml",
        )

    def chained() -> Iterator[bytes]:
        yield first
        yield from chunks

    return chained()


def _whole(chunks: Iterator[bytes], settings: Settings, spool: Spool) -> BinaryIO:
    length = request.content_length
    if length is not None and length <= min(settings.spool_bytes, CHUNK):
        return io.BytesIO(b"".join(chunks))
    file = spool.open()
    for chunk in chunks:
        file.write(chunk)
    file.seek(0)
    return file


def _inflated(chunks: Iterator[bytes], settings: Settings) -> Iterator[bytes]:
    """The plain form of a gzip body, which counts against the limit for bodies as well."""
    first = next(chunks)
    if not first.startswith(_GZIP.magic):
        raise _not_gzip()

    def pieces() -> Iterator[bytes]:
        yield first
        yield from chunks

    size = 0
    try:
        for piece in expand(_GZIP, pieces(), Budget(settings.limits, request.content_length)):
            size += len(piece)
            if size > settings.limits.body_bytes:
                raise too_large(settings)
            yield piece
    except LimitExceeded as error:
        raise Refused("body-too-large", error.message, errors=[_fault(error)]) from None
    except Unreadable as error:
        raise Refused("body-damaged", error.message, errors=[_fault(error)]) from None


def too_large(settings: Settings) -> Refused:
    """The refusal of a body beyond the limit."""
    fault = RequestFault(
        "limit-body-bytes",
        f"a request may have {settings.limits.body_bytes} bytes",
        "compress the evidence (tar.xz), leave out logs, or raise MTC_PREFLIGHT_BODY_BYTES",
    )
    return Refused("body-too-large", "The body is larger than allowed.", errors=[fault])


def _fault(error: Unreadable) -> RequestFault:
    return RequestFault(error.code, error.message, error.hint)


def _not_gzip() -> Refused:
    return Refused(
        "body-damaged",
        "Content-Encoding is gzip, but the body is not gzip. Remove the header, or compress the "
        "body with gzip.",
    )
