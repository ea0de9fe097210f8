"""A report in several formats at once: a zip archive with one file for each."""

from __future__ import annotations

import io
from collections.abc import Sequence
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from service.core.report import Report
from service.formats.format_base import Context, Format

MEDIA_TYPE = "application/zip"


def render(formats: Sequence[Format], report: Report, context: Context) -> tuple[bytes, str]:
    """The report and its media type: a single format as it is, several of them as a zip.

    The files have the names of ``Format.file`` and no time, so that equal reports are equal bytes.
    """
    if len(formats) == 1:
        return formats[0].render(report, context), formats[0].media_type
    archive = io.BytesIO()
    with ZipFile(archive, "w") as written:
        for item in formats:
            member = ZipInfo(item.file)
            member.compress_type = ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            written.writestr(member, item.render(report, context))
    return archive.getvalue(), MEDIA_TYPE
