"""The text of a file that may be packed."""

from __future__ import annotations

import gzip
import lzma
import zlib
from pathlib import Path

from homeostat.errors import BadStream, NotText

_PACKED = {b"\x1f\x8b": ("gzip", gzip.decompress), b"\xfd7zXZ\x00": ("xz", lzma.decompress)}
"""What a file begins with -> what it is, and how it is unpacked."""


def text_of(path: Path) -> str:
    """The file's text, unpacked when it begins as gzip or xz does, whatever its name.

    Raises:
        BadStream: it cannot be read, or is damaged.
        NotText: it is not UTF-8.
    """
    kind = "packed"
    try:
        raw = path.read_bytes()
        for beginning, (name, unpack) in _PACKED.items():
            if raw.startswith(beginning):
                kind = name
                raw = unpack(raw)
                break
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as broken:
        line = broken.object.count(b"\n", 0, broken.start) + 1
        raise NotText(
            f"byte 0x{broken.object[broken.start]:02x} is not UTF-8 text",
            where=f"{path} line {line}",
            fix="convert the file to UTF-8, e.g. with iconv",
        ) from broken
    except (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError) as broken:
        raise BadStream(f"the {kind} file is damaged: {broken}", where=str(path), fix="make the file again") from broken
    except OSError as missing:
        raise BadStream(
            f"the file cannot be read: {missing.strerror}", where=str(path), fix="check the path"
        ) from missing
