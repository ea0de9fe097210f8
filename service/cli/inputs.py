"""Paths of a command line as the pieces that the one reader of input takes."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

from service.cli.exits import Refusal
from service.cli.folder import FolderStream, within
from service.cli.progress import Progress, Watched, WatchedFile
from service.core.evidence import Problem
from service.intake.archives.members import _SUFFIXES as ARCHIVES
from service.intake.intake import Intake
from service.intake.intake_errors import LimitExceeded
from service.intake.layout import NOTES, TEXT_ENDINGS
from service.intake.limits import Limits
from service.intake.parts import read_pieces
from service.intake.pieces import PART_NAMES, BadInput, Piece
from service.kinds.resource import Read

STDIN = "-"
READ_FROM_FOLDERS = (*TEXT_ENDINGS, *NOTES, *ARCHIVES)
_OPTIONS = {
    "asOf": "--as-of",
    "targetOpenshift": "--target-openshift",
    "targetMtc": "--target-mtc",
    "maxAgeHours": "--max-age-hours",
    "controllerOn": "--controller-on",
}
_HINTS = {
    "no-role": "give it with --source or --destination, or give one bundle of `collect`",
    "archive-as-object": "give it with --source, --destination or --host; of several plans in it, "
    "name one with --plan-name",
    "nothing-given": "give files: mtc-preflight check --source FILE --destination FILE --plan FILE",
}


def read(
    given: Sequence[tuple[str, str]],
    options: Mapping[str, Any],
    limits: Limits,
    reads: Iterable[Read[Any]],
) -> Intake:
    """Read what a command line names: pairs of part name and path ("-" is stdin).

    Raises Refusal for input that cannot be used as a whole, and for files that cannot be read.
    """
    with ExitStack() as stack, Progress() as progress:
        try:
            pieces = [
                Piece(part, _open(path, stack, progress), Path(path).name)
                for part, path in _spread(given)
            ]
            return read_pieces(pieces, options, limits, reads)
        except BadInput as error:
            raise Refusal(*_first([_fault(item) for item in error.problems])) from None
        except LimitExceeded as error:
            setting = f"MTC_PREFLIGHT_{error.setting.upper()}"
            hint = f"{error.hint}\nthe limit is the environment variable {setting}".strip()
            raise Refusal(error.message, hint) from None
        except OSError as error:
            raise Refusal(_told(error), "nothing was judged") from None


def _first(faults: list[tuple[str, str]]) -> tuple[Any, ...]:
    head, *rest = faults
    return (*head, *rest)


def _open(path: str, stack: ExitStack, progress: Progress) -> BinaryIO:
    raw: io.RawIOBase
    if path == STDIN:
        raw = Watched(sys.stdin.buffer, "standard input", progress)
    elif Path(path).is_dir():
        raw = Watched(FolderStream(Path(path), READ_FROM_FOLDERS), path, progress)
    else:
        raw = WatchedFile(path, progress)
    return stack.enter_context(io.BufferedReader(raw, 1024 * 1024))


def _spread(given: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Check the paths; a directory without a role represents the parts that it contains by name."""
    found: list[tuple[str, str]] = []
    for part, path in given:
        if path != STDIN and not Path(path).exists():
            raise Refusal(f"no such file or directory: {path}")
        if part == "envelope" and path != STDIN and Path(path).is_dir():
            found += _parts_of(Path(path))
        else:
            found.append((part, path))
    if sum(path == STDIN for _, path in found) > 1:
        raise Refusal("standard input (-) can be given once", "put the rest into files")
    return found


def _parts_of(folder: Path) -> list[tuple[str, str]]:
    found = []
    for entry in sorted(folder.iterdir()):
        part = entry.name.partition(".")[0]
        if part not in PART_NAMES:
            continue
        if not (entry.is_file() or entry.is_dir()) or not within(entry, folder.resolve()):
            raise Refusal(
                f"{entry} is no regular file or directory within {folder}",
                f"remove it, or give what it leads to by itself: --{part} PATH",
            )
        found.append((part, str(entry)))
    if not found:
        names = ", ".join(PART_NAMES)
        raise Refusal(
            f"the directory {folder} does not show which cluster it is from",
            f"give it with --source or --destination, or name what is in it by its part: {names}",
        )
    return found


def _fault(problem: Problem) -> tuple[str, str]:
    option = _OPTIONS.get(problem.pointer.removeprefix("/options/"))
    if problem.code == "bad-option" and option:
        return problem.message.replace(problem.pointer.removeprefix("/options/"), option), ""
    where = ":".join(
        str(item)
        for item in (problem.part, problem.member, problem.line, problem.column, problem.pointer)
        if item and not str(item).startswith("/options/")
    )
    message = f"{where}: {problem.message}" if where else problem.message
    return message, _HINTS.get(problem.code, problem.hint)


def _told(error: OSError) -> str:
    if error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__
