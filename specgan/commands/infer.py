"""`specgan infer`: one command for all models; the task of the model says which options it takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from specgan import DEFAULT_VOICE
from specgan.commands.progress import progress_bar
from vocoder.errors import InputError

if TYPE_CHECKING:
    from specgan.runtime.converter import Converter
    from specgan.runtime.enhancer import Enhancer
    from specgan.runtime.sounds import Sounds
    from specgan.runtime.speech import Voice

ANY = ("out", "model", "backend", "device")
MANNER = ("speed", "pitch", "energy", "seed", "speaker", "language", "phonemes")
TAKES = {
    "tts": ("text", "text_file", "file", "play", "save_mel", "lexicon", *MANNER),
    "enhancement": ("audio", "more", "renderer"),
    "conversion": ("audio", "more", "to", "like", "pitch_shift", "keep_pitch", "seed"),
    "generation": ("label", "seed", "count", "save_mel"),
}
"""Task → the options, besides `ANY`, that its models take."""
WANTED = {
    "tts": "--text, --text-file or --file",
    "enhancement": "--audio",
    "conversion": "--audio with --to or --like",
    "generation": "--label",
}


def infer(
    context: typer.Context,
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE]...", help="Further recordings, as in --audio *.wav.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="Voices: what to say.")] = None,
    text_file: Annotated[
        Path | None, typer.Option(help="UTF-8 file with what to say; - or none of these three: standard input.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="File of lines, each TEXT or ID|TEXT, each for a sound file of its own.")
    ] = None,
    audio: Annotated[
        list[str] | None,
        typer.Option(
            help="Enhancement and conversion: a recording, a folder, or a pattern in quotes; - for standard input."
        ),
    ] = None,
    to: Annotated[str | None, typer.Option(help="Conversion: who is to speak, a speaker of the model.")] = None,
    like: Annotated[
        Path | None, typer.Option(help="Conversion: a recording, at least 2 s, of who is to speak instead.")
    ] = None,
    pitch_shift: Annotated[
        float, typer.Option(help="Conversion: semitones by which the melody is moved besides; -24 to 24.")
    ] = 0.0,
    keep_pitch: Annotated[
        bool, typer.Option("--keep-pitch", help="Conversion: leave the pitch where it is in the recording.")
    ] = False,
    label: Annotated[str | None, typer.Option(help="Sounds: which class of them. Default: the only one.")] = None,
    count: Annotated[
        int | None, typer.Option(help="Sounds: so many, with seeds from --seed on; -o names a folder.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            help="Sound file (wav, flac, ogg, opus, mp3); - for a wav in a pipe. With --file or several recordings: "
            "a folder.",
        ),
    ] = None,
    model: Annotated[str, typer.Option(help="A shipped model or a model folder; with torch, a run.")] = DEFAULT_VOICE,
    play: Annotated[bool, typer.Option("--play", help="Play it.")] = False,
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
    renderer: Annotated[
        str | None,
        typer.Option(
            help="Enhancement: gain keeps the phase, and what lies above the model's rate at the gain of its highest "
            "bands; vocoder builds the sound anew."
        ),
    ] = None,
    backend: Annotated[str, typer.Option(help="onnx, or torch for a GPU or a run.")] = "onnx",
    device: Annotated[str, typer.Option(help="Of torch: cpu, cuda, cuda:1.")] = "cpu",
) -> None:
    """Speak, change recordings, whose length, rate and channels stay, or make sounds.

    Example: specgan infer --text "Good morning." -o morning.wav

    Example: specgan infer --audio noisy.wav --model enhance-16k -o clean.wav

    Example: specgan infer --audio me.wav --model convert-22k --to kathleen -o her.wav (in my timing: accents stay)

    Example: specgan infer --label rain --seed 3 --model my-sounds -o rain.wav
    """
    import specgan

    given = _given(context)
    if more and not audio:
        raise InputError(f"{more[0]!r} stands behind no option; recordings follow --audio, and text in quotes --text")
    if sum(name in given for name in ("text", "text_file", "file", "audio")) > 1:
        raise InputError("give only one of --text, --text-file, --file and --audio")
    loaded: Any = specgan.load(model, backend=backend, device=device)
    task = loaded.model.config["task"]
    _refuse_others(given, task, loaded.name)
    if task == "enhancement":
        _enhance(loaded, [*(audio or []), *(more or [])], out, renderer)
        return
    if task == "conversion":
        pitch_options = {"pitch_shift": pitch_shift, "keep_pitch": keep_pitch, "seed": seed}
        _convert(loaded, [*(audio or []), *(more or [])], out, to, like, pitch_options)
        return
    if task == "generation":
        _make(loaded, label, seed, out, count, save_mel)
        return
    manner = {name: context.params[name] for name in MANNER}
    if lexicon is not None:
        from specgan.text.lexicon import Lexicon

        manner["lexicon"] = Lexicon.read(lexicon)
    if file is not None:
        _speak_lines(loaded, file, out, manner, save_mel, play)
    else:
        _speak(loaded, text, text_file, out, manner, save_mel, play)


def _given(context: typer.Context) -> list[str]:
    """Names of the options that stand on the command line."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return [name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]


def _refuse_others(given: list[str], task: str, name: str) -> None:
    for option in given:
        if option not in (*ANY, *TAKES[task]):
            raise InputError(
                f"--{option.replace('_', '-')} is not for the model {name} ({task}), which takes {WANTED[task]}; "
                "choose another with --model, `specgan models` lists them"
            )


def _speak(
    voice: Voice,
    text: str | None,
    text_file: Path | None,
    out: Path | None,
    manner: dict[str, Any],
    save_mel: bool,
    play: bool,
) -> None:
    from specgan import infer as inference

    if text is None:
        text = inference.read_text(text_file or inference.PIPE)
    seconds = inference.infer(voice, text, out, manner, save_mel=save_mel, play=play)
    if out is not None and out != inference.PIPE:
        print(f"{out}: {seconds:.1f} s of speech by {voice.name}")


def _speak_lines(
    voice: Voice, file: Path, out: Path | None, manner: dict[str, Any], save_mel: bool, play: bool
) -> None:
    from specgan import infer as inference

    if out is None or out == inference.PIPE or play:
        raise InputError("--file needs -o FOLDER, and no --play")
    lines = inference.read_lines(file, out)
    seconds = inference.infer_lines(voice, lines, out, manner, save_mel=save_mel, progress=progress_bar("speak"))
    print(f"{out}: {len(lines)} files, {seconds:.1f} s of speech by {voice.name}")


def _enhance(enhancer: Enhancer, audio: list[str], out: Path | None, renderer: str | None) -> None:
    from specgan.infer_audio import PIPE, infer_audio
    from specgan.runtime.enhancer import Enhancer

    if not audio:
        raise InputError(f"the model {enhancer.name} changes recordings; name one with --audio, - is standard input")
    if out is None:
        raise InputError("nowhere to write to; give -o FILE, -o FOLDER, or -o - for a pipe")
    if renderer is not None:
        enhancer = Enhancer(enhancer.model, renderer)
    done = infer_audio(enhancer, "enhanced", audio, str(out), progress_bar("enhance"))
    if str(out) != PIPE:
        files = "" if done.files == 1 else f"{done.files} files, "
        print(f"{out}: {files}{done.seconds:.1f} s enhanced by {enhancer.name}")


def _convert(
    converter: Converter, audio: list[str], out: Path | None, to: str | None, like: Path | None, pitch: dict[str, Any]
) -> None:
    from specgan.infer_audio import PIPE, infer_audio
    from vocoder.signal.audio import read

    if not audio:
        raise InputError(f"the model {converter.name} changes recordings; name one with --audio, - is standard input")
    if out is None:
        raise InputError("nowhere to write to; give -o FILE, -o FOLDER, or -o - for a pipe")
    known = ", ".join(converter.speakers)
    if to is not None and like is not None:
        raise InputError("--to and --like both say who is to speak; give one of them")
    if to is None and like is None:
        raise InputError(f"who is to speak? Give --to NAME ({converter.name} has {known}) or --like RECORDING")
    if like is None:
        target = converter.target(to)
    else:
        wave, rate = read(like)
        try:
            target = converter.target(like=wave, like_rate=rate)
        except InputError as error:
            raise InputError(f"{like}: {error}") from error
    changer = converter.towards(target, **pitch)
    done = infer_audio(changer, "converted", audio, str(out), progress_bar("convert"))
    if str(out) != PIPE:
        files = "" if done.files == 1 else f"{done.files} files, "
        print(f"{out}: {files}{done.seconds:.1f} s converted by {converter.name}")


def _make(sounds: Sounds, label: str | None, seed: int, out: Path | None, count: int | None, save_mel: bool) -> None:
    from specgan.infer_sounds import PIPE, infer_sounds

    made = infer_sounds(sounds, label, seed, out, count, save_mel=save_mel, progress=progress_bar("make"))
    if out != PIPE:
        files = "" if count is None else f"{len(made)} files, "
        print(f"{out}: {files}{len(made) * sounds.seconds:.1f} s of sound by {sounds.name}")
