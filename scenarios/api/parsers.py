"""Request parsers for scenario packs."""

import shutil
from collections.abc import Mapping
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from rest_framework.parsers import BaseParser, DataAndFiles


class PackParser(BaseParser):
    """A parser that passes the body on unparsed as `file`. The pack reader reports errors with their positions."""

    filename = ""

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> "DataAndFiles[QueryDict, MultiValueDict[str, UploadedFile]]":
        # A body can be read only once, but a pack is read twice. Large bodies go to disk.
        copy = SpooledTemporaryFile(max_size=settings.FILE_UPLOAD_MAX_MEMORY_SIZE)  # noqa: SIM115 (the view closes it)
        shutil.copyfileobj(stream, copy)
        file = UploadedFile(copy, self.filename, media_type, size=copy.tell())
        copy.seek(0)
        return DataAndFiles(QueryDict(), MultiValueDict({"file": [file]}))


class JSONPackParser(PackParser):
    media_type = "application/json"
    filename = "pack.json"


class CSVPackParser(PackParser):
    media_type = "text/csv"
    filename = "pack.csv"
