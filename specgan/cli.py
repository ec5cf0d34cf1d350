"""The command `specgan`. Imports stand inside the commands, so that each loads only what it needs."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from specgan import DEFAULT_VOICE
from vocoder.errors import InputError

if TYPE_CHECKING:
    from specgan.runtime.pipeline import Vocoder

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


def _progress(label: str) -> Any:
    """A progress bar as (items, how many) → items; none where nobody watches."""

    def bar(items: Iterable[Any], count: int) -> Iterator[Any]:
        if count < 2 or not sys.stderr.isatty():
            yield from items
            return
        with typer.progressbar(items, length=count, label=label, file=sys.stderr, show_pos=True) as shown:
            yield from shown

    return bar


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


@app.command("infer")
def infer(
    text: Annotated[str | None, typer.Option(help="What to say.")] = None,
    text_file: Annotated[
        Path | None, typer.Option(help="UTF-8 file with what to say; - or none of these three: standard input.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="File of lines, each TEXT or ID|TEXT, each for a sound file of its own.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Sound file (wav, flac, ogg, mp3); - for a wav in a pipe; --file: a folder."),
    ] = None,
    play: Annotated[bool, typer.Option("--play", help="Play it.")] = False,
    model: Annotated[str, typer.Option(help="A shipped voice or a model folder; with torch, a run.")] = DEFAULT_VOICE,
    speaker: Annotated[str | None, typer.Option(help="One of the voice's speakers. Default: its first.")] = None,
    language: Annotated[str | None, typer.Option(help="One of the voice's languages. Default: its first.")] = None,
    speed: Annotated[float, typer.Option(help="2 is twice as fast; 0.25 to 4.")] = 1.0,
    pitch: Annotated[float, typer.Option(help="Factor on the pitch; 0.25 to 4.")] = 1.0,
    energy: Annotated[float, typer.Option(help="Factor on the loudness; 0.25 to 4.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same samples.")] = 0,
    phonemes: Annotated[bool, typer.Option("--phonemes", help="The text is IPA: həlˈoʊ, wˈɜːld.")] = False,
    lexicon: Annotated[Path | None, typer.Option(help="File of WORDS<TAB>IPA, which override.")] = None,
    save_mel: Annotated[
        bool, typer.Option("--save-mel", help="Write the mel (.npy, .json) and its picture (.png) beside the sound.")
    ] = False,
    backend: Annotated[str, typer.Option(help="onnx, or torch for a GPU or a run.")] = "onnx",
    device: Annotated[str, typer.Option(help="Of torch: cpu, cuda, cuda:1.")] = "cpu",
) -> None:
    """Speak.

    Example: specgan infer --text "Good morning." -o morning.wav
    """
    import specgan
    from specgan import infer as inference

    if sum(given is not None for given in (text, text_file, file)) > 1:
        raise InputError("give only one of --text, --text-file and --file")
    if file is not None and (out is None or out == inference.PIPE or play):
        raise InputError("--file needs -o FOLDER, and no --play")
    voice = specgan.load(model, backend=backend, device=device)
    manner: dict[str, Any] = {"speed": speed, "pitch": pitch, "energy": energy, "seed": seed, "speaker": speaker}
    manner |= {"language": language, "phonemes": phonemes}
    if lexicon is not None:
        from specgan.text.lexicon import Lexicon

        manner["lexicon"] = Lexicon.read(lexicon)
    if file is not None and out is not None:
        lines = inference.read_lines(file, out)
        seconds = inference.infer_lines(voice, lines, out, manner, save_mel=save_mel, progress=_progress("speak"))
        print(f"{out}: {len(lines)} files, {seconds:.1f} s of speech by {voice.name}")
        return
    if text is None:
        text = inference.read_text(text_file or inference.PIPE)
    seconds = inference.infer(voice, text, out, manner, save_mel=save_mel, play=play)
    if out is not None and out != inference.PIPE:
        print(f"{out}: {seconds:.1f} s of speech by {voice.name}")


CONFIG = Annotated[Path, typer.Argument(metavar="CONFIG", help="YAML file with the settings.")]
SETTINGS = Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Settings to change.")]
# not --run, which torchrun would take for an abbreviation of its own --run-path
RUN = Annotated[
    Path | None,
    typer.Option("-o", "--out", help="Folder of the run; one that exists is resumed. Default: exp/CONFIG's name."),
]


@app.command("train")
def train_task(config: CONFIG, settings: SETTINGS = None, out: RUN = None) -> None:
    """Train what CONFIG's task says (alignment, acoustic, tts), or go on with a run that was stopped.

    Example: specgan train gan.yaml -o exp/gan data.train=[data/train.jsonl] data.validation=[data/validation.jsonl]
    """
    from specgan.train import train as train_config

    if not train_config(config, settings or [], out or Path("exp") / config.stem):
        raise typer.Exit(130)


@app.command("align")
def align(
    manifests: Annotated[list[Path], typer.Argument(metavar="MANIFEST...", help="Manifests of recordings with text.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for a TextGrid a recording, and their pitch.")],
    model: Annotated[
        Path | None, typer.Option(help="Run of an aligner. Without, one is trained on these recordings first.")
    ] = None,
    textgrids: Annotated[
        Path | None, typer.Option(help="Folder of TextGrids by another aligner, whose words set the limits.")
    ] = None,
) -> None:
    """Find which word and which phoneme is where in recordings.

    Example: specgan align data/train.jsonl data/validation.jsonl -o alignments
    """
    from specgan.align import align_manifests
    from specgan.text.alignments import LEFT_OUT

    count, left_out = align_manifests(manifests, out, model=model, foreign=textgrids, progress=_progress("align"))
    print(f"{out}: {count} recordings aligned")
    if left_out:
        print(f"left out: {len(left_out)}, the first: {left_out[0]}; all reasons in {out / LEFT_OUT}")


@app.command("draw")
def draw(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run of a voice's GAN, or a voice with its weights.")],
    manifests: Annotated[list[Path], typer.Argument(metavar="MANIFEST...", help="Manifests of recordings.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the mels, for `data.mels` of a vocoder.")],
    alignments: Annotated[Path, typer.Option(help="Folder that `specgan align` wrote.")],
) -> None:
    """Draw the mels of recordings at their true durations, pitch and energy, to fine-tune a vocoder on.

    Example: specgan draw exp/gan data/train.jsonl data/validation.jsonl -o mels --alignments alignments
    """
    from specgan.draw_mels import draw_mels

    count = draw_mels(run, manifests, out, alignments, _progress("draw"))
    print(f"{out}: {count} mels")


@vocoder_app.command("train")
def train(config: CONFIG, settings: SETTINGS = None, out: RUN = None) -> None:
    """Train a vocoder, or go on with a run that was stopped.

    Example: specgan vocoder train small.yaml data.train=[data/train.jsonl] data.validation=[data/validation.jsonl]
    """
    from vocoder.engine.config import load_config
    from vocoder.task import VocoderConfig
    from vocoder.train import train as train_vocoder

    settled = load_config(VocoderConfig, config, settings or [])
    if not train_vocoder(settled, out or Path("exp") / config.stem):
        raise typer.Exit(130)


@vocoder_app.command("decode")
def decode(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT",
            help="A recording; a log-mel (.npy, .pt; its MelSpec beside it in .json); a folder or a manifest of them.",
        ),
    ],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Sound file to write; for a folder or a manifest, a folder.")
    ],
    model: Annotated[
        str | None, typer.Option(help="A shipped model, a model folder or a run folder. Default: vocoder-22k.")
    ] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="Published HiFi-GAN generator, with --config.")] = None,
    config: Annotated[Path | None, typer.Option(help="The config.json that belongs to --checkpoint.")] = None,
) -> None:
    """Render recordings or mels with a vocoder. A recording becomes a mel first; several channels become one.

    Example: specgan vocoder decode speech.flac -o again.wav
    """
    from specgan.decode import decode as decode_files

    vocoder = _load(model, checkpoint, config)
    written = decode_files(source, out, vocoder, progress=_progress("decode"))
    print(f"{out}: {len(written)} {'file' if len(written) == 1 else 'files'} rendered with {vocoder.name}")


def _load(model: str | None, checkpoint: Path | None, config: Path | None) -> Vocoder:
    """On ONNX Runtime, except for a run in training and for published weights, which need torch."""
    from specgan.runtime.pipeline import Vocoder

    if (checkpoint is None) != (config is None):
        raise InputError("--checkpoint and --config belong together; give both")
    if checkpoint is not None and config is not None:
        if model is not None:
            raise InputError("give either --model or --checkpoint with --config, not both")
        from specgan.torch_backend import load_published

        return Vocoder(load_published(checkpoint, config))
    if model is not None and (Path(model) / "checkpoints").is_dir():
        from specgan.torch_backend import load_run

        return Vocoder(load_run(Path(model)))
    return Vocoder.load() if model is None else Vocoder.load(model)


@app.command("prepare")
def prepare(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Any folder of sounds, or a corpus with metadata.csv and wavs/.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for train, validation and test.jsonl.")],
    rate: Annotated[
        int | None, typer.Option(min=1, help="Hz; recordings at other rates are converted into OUT/sounds.")
    ] = None,
    validation: Annotated[
        str | None,
        typer.Option(help="Ids or ranges A..B with commas between, or @FILE of these. Default: 5 % by SEED."),
    ] = None,
    test: Annotated[str | None, typer.Option(help="As --validation.")] = None,
    seed: Annotated[int, typer.Option(help="Of the random choice.")] = 0,
    speaker: Annotated[str | None, typer.Option(help="Speaker of all recordings.")] = None,
    language: Annotated[str | None, typer.Option(help="Language of all recordings, such as en.")] = None,
) -> None:
    """Check recordings and write manifests of a training, a validation and a test set.

    Example: specgan prepare sounds -o data --rate 22050
    """
    from specgan import prepare as preparation

    made = preparation.prepare(
        folder,
        out,
        rate=rate,
        validation=validation,
        test=test,
        seed=seed,
        speaker=speaker,
        language=language,
        progress=_progress("prepare"),
    )
    for name, rows in made.sets.items():
        print(f"{out / name}.jsonl: {len(rows)} recordings, {made.seconds[name] / 60:.2f} minutes")
    if made.converted:
        print(f"{out / 'sounds'}: {made.converted} recordings converted to {rate} Hz")
    if made.clipped:
        print(f"clipped while converting: {len(made.clipped)} recordings, {made.clipped[0]} among them")
    if made.left_out:
        print(f"left out: {preparation.count(made.left_out)}; reasons in {out / 'left_out.txt'}")


@app.command("models")
def models() -> None:
    """List the shipped models: name, size, task, mel, licence.

    Example: specgan models
    """
    from specgan import card, zoo

    print(card.table(zoo.shipped().values()))


@app.command("pack")
def pack(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run: of a vocoder, or of a voice's GAN.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Model folder to write; must not exist.")],
    projections: Annotated[
        int | None, typer.Option(min=0, help="Consistency projections when decoding. Default: as trained.")
    ] = None,
    vocoder: Annotated[
        Path | None,
        typer.Option(help="For a voice: run of its vocoder, or a folder with weights. Default: the shipped."),
    ] = None,
    licence: Annotated[str, typer.Option(help="Licence of the weights, for the card.")] = "not stated",
    no_weights: Annotated[
        bool, typer.Option("--no-weights", help="For a voice: leave out the weights that fine-tuning needs.")
    ] = False,
) -> None:
    """Turn a run into a model folder, which `infer` or `decode` uses without torch.

    Example: specgan pack exp/small -o my-vocoder
    """
    from specgan.pack import pack as pack_run

    made = pack_run(run, out, licence=licence, projections=projections, vocoder=vocoder, weights=not no_weights)
    print(f"{out}: {made}")
