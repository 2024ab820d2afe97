"""Opening image files: every opening in the suite goes through here."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from PIL import Image

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""What is read, whatever a file's name says. Pillow knows more: it starts Ghostscript to read
PostScript, and a list keeps formats out that nobody has looked at."""


UNREADABLE = (OSError, ValueError, SyntaxError)
"""What Pillow raises where a file is no image or damaged, on opening it or reading its pixels."""


def open_image(file: Path | BinaryIO) -> Image.Image:
    """Open an image file of one of ``FORMATS``, without reading its pixels yet.

    Raises
    ------
    OSError, ValueError
        If it is none, or says that it has more pixels than any photograph.
    """
    try:
        return Image.open(file, formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise OSError(str(error)) from None
