"""Sources of natural images: a folder, a list file, or tar shards."""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Protocol

from PIL import Image

from stimgen.sweeps.photographs import read_rgb
from unitscope.errors import BadInput

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm")

N_SAMPLED = 1000
"""Images whose contents are hashed, which takes a second; the contents of a million take many."""


class ImageSource(Protocol):
    """A numbered list of images."""

    def __len__(self) -> int:
        """Return the number of images."""

    def name(self, index: int) -> str:
        """Return an image's name, unique in the source."""

    def load(self, index: int) -> Image.Image:
        """Return an image in RGB; raises OSError or ValueError if it cannot be read."""

    @property
    def sha256(self) -> str:
        """Hash that identifies the images, on whatever machine."""

    @property
    def times(self) -> str:
        """What is another, on this machine, after images were replaced; empty without files."""


def open_source(path: Path | str) -> ImageSource:
    """Open a folder of images, a list file (``.txt``), a tar shard or a folder of tar shards.

    A folder with images is read as a folder of images, whatever else it contains.

    Raises
    ------
    BadInput
        If it is none of these, or contains no images.
    """
    path = Path(path)
    if path.is_file() and path.suffix.lower() == ".txt":
        return ImageList(path)
    if path.is_file() and path.suffix.lower() == ".tar":
        return TarShards([path])
    if path.is_file():
        raise BadInput(f"{path}: expected a folder, a list file (.txt) or a tar shard (.tar)")
    shards = sorted(path.glob("[!.]*.tar"))
    if shards and not any(file.suffix.lower() in SUFFIXES for file in path.rglob("*")):
        return TarShards(shards)
    return ImageFolder(path)


class ImageFiles:
    """Image files by their paths relative to a folder.

    Parameters
    ----------
    folder
        Folder to which the names are relative.
    names
        POSIX paths of existing files, in order.
    """

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self.folder = folder
        self._names = list(names)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._names)

    def name(self, index: int) -> str:
        """Return the path relative to the folder."""
        return self._names[index]

    def load(self, index: int) -> Image.Image:
        """Read an image as RGB, upright."""
        return read_rgb(self.folder / self._names[index])

    def encoded(self, index: int) -> bytes:
        """Return the content of an image's file."""
        return (self.folder / self._names[index]).read_bytes()

    @cached_property
    def sha256(self) -> str:
        """Hash of names and file sizes, and of the contents of a sample."""
        sizes = [
            (name, state.st_size) for name, state in zip(self._names, self._states, strict=True)
        ]
        return hash_of_list(sizes, self.encoded)

    @cached_property
    def times(self) -> str:
        """Hash of the files' times of modification."""
        return _hash_of_times(self._states)

    @cached_property
    def _states(self) -> list[os.stat_result]:
        return [(self.folder / name).stat() for name in self._names]


class ImageFolder(ImageFiles):
    """All images in a folder and its subfolders, ordered by their relative POSIX paths.

    Parameters
    ----------
    folder
        Searched with its subfolders, but not those that it links to; the case of suffixes does not
        matter. Hidden files and folders are ignored.

    Attributes
    ----------
    unread
        How many files are no images by their suffix, by suffix, and how many links lead to folders
        or to nothing, for readers; empty if none.

    Raises
    ------
    BadInput
        If there is no such folder or it contains no image.
    """

    def __init__(self, folder: Path | str) -> None:
        folder = Path(folder)
        if not folder.is_dir():
            raise BadInput(f"{folder}: no such folder of images")
        names: list[str] = []
        unread: Counter[str] = Counter()
        for path in folder.rglob("*"):
            name, suffix = path.relative_to(folder), path.suffix.lower()
            if any(part.startswith(".") for part in name.parts):
                continue
            if path.is_file() and suffix in SUFFIXES:
                names.append(name.as_posix())
            elif path.is_file():
                unread[suffix or "without any suffix"] += 1
            elif path.is_symlink():
                unread["links to folders" if path.is_dir() else "links to nothing"] += 1
        self.unread = ", ".join(f"{n} {kind}" for kind, n in sorted(unread.items()))
        if not names:
            there = f"; there are {self.unread}" if unread else ""
            raise BadInput(f"{folder}: no images there (looked for {', '.join(SUFFIXES)}{there})")
        super().__init__(folder, sorted(names))


class ImageList(ImageFiles):
    """Images listed in a text file, one path a line, relative to the file; blank lines are ignored.

    Parameters
    ----------
    file
        Text in UTF-8; the images are in the order of its lines.

    Raises
    ------
    BadInput
        If it cannot be read, is empty, or lists a file twice or one that does not exist.
    """

    def __init__(self, file: Path | str) -> None:
        folder = Path(file).parent
        try:
            text = Path(file).read_text(encoding="utf-8-sig")
        except OSError as error:
            raise BadInput(f"{file}: cannot be read ({error.strerror})") from None
        except UnicodeDecodeError:
            raise BadInput(f"{file}: not a text file in UTF-8") from None
        lines: dict[str, int] = {}
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip():
                continue
            written = folder / line.strip()
            # Relative, so that no manifest contains the path of a home folder.
            name = Path(os.path.relpath(written, folder)).as_posix()
            if name in lines:
                raise BadInput(f"{file}, line {number}: {name} is in line {lines[name]} already")
            if not written.is_file():
                raise BadInput(f"{file}, line {number}: no such file as {line.strip()}")
            lines[name] = number
        if not lines:
            raise BadInput(f"{file}: lists no images, expected one path a line")
        super().__init__(folder, list(lines))


@dataclass(frozen=True)
class _Member:
    shard: int
    name: str
    offset: int
    size: int


class TarShards:
    """Images in uncompressed tar files, as used by WebDataset.

    The headers are read once; images are then read at their offsets, by any number of threads.

    Parameters
    ----------
    shards
        Tar files; an image's name is ``shard/member``, the shard without its suffix.

    Raises
    ------
    BadInput
        If a file cannot be read, is truncated or holds a name twice, or no file holds an image.
    """

    def __init__(self, shards: Sequence[Path]) -> None:
        self._shards = list(shards)
        self._members = [m for i, shard in enumerate(shards) for m in _members(i, shard)]
        if not self._members:
            where = shards[0] if len(shards) == 1 else shards[0].parent
            raise BadInput(f"{where}: no images in the shards (looked for {', '.join(SUFFIXES)})")

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._members)

    def name(self, index: int) -> str:
        """Return ``shard/member``."""
        member = self._members[index]
        return f"{self._shards[member.shard].stem}/{member.name}"

    def load(self, index: int) -> Image.Image:
        """Read an image as RGB, upright."""
        return read_rgb(BytesIO(self.encoded(index)))

    def encoded(self, index: int) -> bytes:
        """Return the content of an image's file."""
        member = self._members[index]
        # Opened for each image, so that threads share no file position and few files are open.
        with self._shards[member.shard].open("rb") as file:
            file.seek(member.offset)
            return file.read(member.size)

    @cached_property
    def sha256(self) -> str:
        """Hash of names and sizes, and of the contents of a sample."""
        sizes = [(self.name(i), member.size) for i, member in enumerate(self._members)]
        return hash_of_list(sizes, self.encoded)

    @cached_property
    def times(self) -> str:
        """Hash of the shards' times of modification."""
        return _hash_of_times([shard.stat() for shard in self._shards])


def _members(number: int, shard: Path) -> list[_Member]:
    members: dict[str, _Member] = {}
    try:
        length = shard.stat().st_size
        # "r:" refuses compressed files, which cannot be read at an offset.
        with tarfile.open(shard, "r:") as archive:
            for entry in archive:
                name = Path(entry.name).as_posix()
                hidden = any(part.startswith(".") for part in name.split("/"))
                if not entry.isfile() or hidden or Path(name).suffix.lower() not in SUFFIXES:
                    continue
                if name in members:
                    raise BadInput(f"{shard}: holds {name} twice")
                if entry.offset_data + entry.size > length:
                    raise tarfile.ReadError(f"it is truncated within {name}")
                members[name] = _Member(number, name, entry.offset_data, entry.size)
    except tarfile.TarError as error:
        raise BadInput(f"{shard}: not a complete, uncompressed tar file ({error})") from None
    except OSError as error:
        raise BadInput(f"{shard}: cannot be read ({error.strerror or error})") from None
    return [member for name, member in members.items() if not _is_beside(name, members)]


def _is_beside(name: str, members: Mapping[str, _Member]) -> bool:
    """Return whether a member belongs to an image, as the mask ``0001.seg.png`` to ``0001.jpg``.

    In WebDataset's shards what stands before the first dot is shared by all that belong together.
    """
    path = PurePosixPath(name)
    key, _, ending = path.name.partition(".")
    own = path.with_name(key).as_posix()
    return "." in ending and any(
        own + suffix in members for suffix in (*SUFFIXES, *map(str.upper, SUFFIXES))
    )


def hash_of_list(
    sizes: Sequence[tuple[str, int]], content: Callable[[int], bytes], n_sampled: int = N_SAMPLED
) -> str:
    """Return the SHA-256 of a list of files and of the contents of a sample of them.

    Parameters
    ----------
    sizes
        Names and sizes in bytes.
    content
        Returns a file's content by its place in the list.
    n_sampled
        Number of files whose contents count: evenly spaced, or all if there are no more.

    Raises
    ------
    BadInput
        If a file of the sample cannot be read.
    """
    digest = hashlib.sha256()
    for name, size in sizes:
        digest.update(f"{name}\t{size}\n".encode())
    n = len(sizes)
    for place in range(n) if n <= n_sampled else (i * n // n_sampled for i in range(n_sampled)):
        try:
            digest.update(hashlib.sha256(content(place)).digest())
        except OSError as error:
            raise BadInput(
                f"{sizes[place][0]}: cannot be read ({error.strerror or error})"
            ) from None
    return digest.hexdigest()


def _hash_of_times(states: Iterable[os.stat_result]) -> str:
    digest = hashlib.sha256()
    for state in states:
        digest.update(f"{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()
