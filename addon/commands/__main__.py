"""The `semblance` command: picks one job by its name and runs it; only that job's module is imported."""
from __future__ import annotations

import argparse
import ast
import importlib
import os
import sys
from pathlib import Path
from typing import Final, NoReturn

from .. import __version__
from ..core.errors import SemblanceError

COMMANDS: Final = (
    "live", "track", "apply", "face", "batch", "export", "demo", "cast", "learn", "transfer", "robot", "pairs", "bench",
    "doctor",
)
_EXAMPLES: Final = """\
examples:
  semblance doctor                          what is here, what is missing, what to do
  semblance live --character Pip            your webcam plays Pip, now
  semblance track clip.mp4                  follow the face in clip.mp4, write clip.take
  semblance apply clip.take                 key it on Pip, write clip.blend
  semblance export clip.take -o clip.csv    the same performance as Live Link Face CSV
  semblance apply clip.take --character Pip Gus   on other characters, or rigs of your own by their presets
  semblance cast                            the characters and what controls them
  semblance learn hero.blend --preset Hero  find out what the controls of your own rig do
  semblance transfer m.blend --from Mora --to Gus   Mora's performance in m.blend, carried to Gus
  semblance pairs --character Pip           pictures of Pip and the controls that made them, for training
  semblance bench tracking                  the tracking figures beside their rivals

'semblance COMMAND --help' explains one command."""


def help_line(command: str) -> str:
    """The first line of the command's module docstring, read without importing it."""
    source = Path(__file__).with_name(f"{command}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def main(arguments: list[str] | None = None) -> int:
    """Run one command line; returns the exit code (0 done, 1 a problem told in one sentence, 2 wrong usage)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or arguments[0] not in COMMANDS:
        _overview().parse_args(arguments or ["--help"])
        return 2
    try:
        return _run(arguments[0], arguments[1:])
    except SemblanceError as error:
        print(f"semblance: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nsemblance: stopped; what was not finished was not written.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader (a pager, head) is gone; Python must not complain again while it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


class _Parser(argparse.ArgumentParser):
    """One whose options may take several words, so that they swallow a file that is named behind them."""

    def error(self, message: str) -> NoReturn:
        """Say what to do about it."""
        super().error(f"{message} (name files before options)" if "are required" in message else message)


def parser_of(command: str) -> argparse.ArgumentParser:
    """What reads the arguments of one of COMMANDS."""
    module = importlib.import_module(f".{command}", __package__)
    parser = _Parser(
        prog=f"semblance {command}", description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    module.add_arguments(parser)
    return parser


def _run(command: str, arguments: list[str]) -> int:
    read = parser_of(command).parse_args(arguments)
    return importlib.import_module(f".{command}", __package__).run(read)


def _overview() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS)) + 2
    lines = "\n".join(f"  {command:<{width}}{help_line(command)}" for command in COMMANDS)
    parser = argparse.ArgumentParser(
        prog="semblance",
        usage="semblance COMMAND ...",
        description="A person's face, from a video or a webcam, drives a stylized character's own controls.",
        epilog=f"commands:\n{lines}\n\n{_EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"semblance {__version__}")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
