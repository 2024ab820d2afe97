"""The exception for bad input, and how commands report it."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Callable, Iterable

from unitscope.places import other_checkout

BAD_INPUT_EXIT_CODE = 2
INTERRUPTED_EXIT_CODE = 130


LONGEST_SENTENCE = 900
"""Characters; the middle of a longer message, as about a cell that holds a whole file, is cut."""


class BadInput(Exception):
    """Input that cannot be used; its message is one sentence a user can act on.

    What was found may be anything: its control characters are shown as blanks.
    """

    def __str__(self) -> str:
        return as_sentence(super().__str__())


def as_sentence(text: str) -> str:
    """Return a text that quotes a file as one line, without its middle where it is long."""
    said = "".join(c if c.isprintable() else " " for c in text)
    if len(said) > LONGEST_SENTENCE:
        half = LONGEST_SENTENCE // 2 - 3
        said = f"{said[:half]} ... {said[-half:]}"
    return said


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint such as ``; did you mean 'natural'?``, empty where nothing is near."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {matches[0]!r}?" if matches else ""


def check_checkout() -> None:
    """Refuse to run the code of one checkout for a script or folder of another.

    Raises
    ------
    BadInput
        Naming both.
    """
    if sentence := other_checkout():
        raise BadInput(sentence)


def run_command(
    parser: argparse.ArgumentParser,
    command: Callable[[argparse.Namespace], int | None],
    argv: list[str] | None = None,
) -> int:
    """Run a command line and turn a user's mistake into one sentence.

    Parameters
    ----------
    parser
        Gets a ``--debug`` option, which lets tracebacks through.
    command
        Called with the parsed arguments; returns an exit code or None.
    argv
        Arguments without the program's name; ``sys.argv[1:]`` if None.

    Returns
    -------
    int
        0, the command's own code, 2 after bad input, 130 after Ctrl-C.
    """
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    given = sys.argv[1:] if argv is None else argv
    # Taken out beforehand, so that it may stand behind a subcommand as well.
    debug = "--debug" in given
    arguments = parser.parse_args([word for word in given if word != "--debug"])
    try:
        check_checkout()
        code = command(arguments) or 0
        sys.stdout.flush()  # Else a full disk would be told after the end, in a traceback.
        return code
    except BadInput as error:
        if debug:
            raise
        return _refused(parser, str(error))
    except BrokenPipeError:
        # Whoever reads the output, such as ``head``, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if debug:
            raise
        where = f"{error.filename}: " if error.filename else ""
        return _refused(parser, f"{where}cannot be read or written ({error.strerror or error})")
    except KeyboardInterrupt:
        if debug:
            raise
        print(f"{parser.prog}: stopped", file=sys.stderr)
        return INTERRUPTED_EXIT_CODE


def _refused(parser: argparse.ArgumentParser, sentence: str) -> int:
    print(f"{parser.prog}: {sentence}", file=sys.stderr)
    return BAD_INPUT_EXIT_CODE
