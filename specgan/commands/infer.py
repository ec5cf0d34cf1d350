"""`specgan infer`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from specgan import DEFAULT_VOICE
from specgan.commands.progress import progress_bar
from vocoder.errors import InputError


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
        seconds = inference.infer_lines(voice, lines, out, manner, save_mel=save_mel, progress=progress_bar("speak"))
        print(f"{out}: {len(lines)} files, {seconds:.1f} s of speech by {voice.name}")
        return
    if text is None:
        text = inference.read_text(text_file or inference.PIPE)
    seconds = inference.infer(voice, text, out, manner, save_mel=save_mel, play=play)
    if out is not None and out != inference.PIPE:
        print(f"{out}: {seconds:.1f} s of speech by {voice.name}")
