"""The command `specgan`: its subcommands, and what becomes of errors and warnings."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from specgan.commands import align, doctor, draw, evaluate, infer, models, pack, prepare, train, vocoder
from vocoder.errors import InputError

# Rich's help and tracebacks take a third of a second to import.
PLAIN: dict[str, Any] = {"rich_markup_mode": None, "no_args_is_help": True, "add_completion": False}
app = typer.Typer(help="Sound made or changed as a picture.", pretty_exceptions_enable=False, **PLAIN)
vocoder_app = typer.Typer(help="Train the vocoder, or turn recordings and mels into sound with it.", **PLAIN)
app.add_typer(vocoder_app, name="vocoder")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process if None.

    Returns
    -------
    int
        0 when all is done, 1 if training broke off, 2 for input that cannot be used, 130 if interrupted.
    """
    with warnings.catch_warnings():
        # Libraries warn about their own affairs; ours are about the user's files.
        warnings.simplefilter("ignore")
        warnings.filterwarnings("default", category=UserWarning, module=r"(specgan|vocoder)(\.|$)")
        warnings.showwarning = _show_warning
        try:
            app(args=None if arguments is None else list(arguments), prog_name="specgan")
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else 0
        except InputError as error:
            return _complain(error, 2)
        except BrokenPipeError:  # whoever read the sound or the list has heard enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it exits
            return 1
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] in ("specgan", "vocoder"):
                raise
            return _complain(f'{error.name} is not installed, this needs it: pip install "specgan[train]"', 2)
        except RuntimeError as error:
            if type(error).__name__ != "TrainingError":  # its class cannot be imported without torch
                raise
            return _complain(error, 1)
    return 0


def _complain(message: object, code: int) -> int:
    print("specgan:", " ".join(str(message).splitlines()), file=sys.stderr)
    return code


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    _complain(f"warning: {message}", 0)


def _version(wanted: bool) -> None:
    if wanted:
        from specgan import __version__

        print(f"specgan {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Sound made or changed as a picture."""


for command in (
    infer.infer,
    train.train,
    align.align,
    draw.draw,
    prepare.prepare,
    doctor.doctor,
    models.models,
    evaluate.evaluate,
    pack.pack,
):
    app.command(command.__name__)(command)
vocoder_app.command("train")(vocoder.train)
vocoder_app.command("decode")(vocoder.decode)
