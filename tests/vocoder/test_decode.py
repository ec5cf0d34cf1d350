import dataclasses

import pytest
import torch

from vocoder.decode import decode, read_run, stream
from vocoder.engine.checkpoint import Checkpoints
from vocoder.engine.config import save_config
from vocoder.errors import InputError
from vocoder.generators import FourierVocoder
from vocoder.hifigan import HiFiGAN, HiFiGANConfig
from vocoder.signal.chunks import plan
from vocoder.signal.spec import preset
from vocoder.task import GeneratorConfig, VocoderConfig

SPEC = preset("22k")
MINI = HiFiGANConfig("2", (8, 8, 4), (16, 16, 8), 32, (3, 5), ((1, 2), (2, 6)))


def test_plan_by_hand():
    assert [tuple(piece) for piece in plan(10, 4, 2)] == [(0, 4, 0, 6), (4, 8, 2, 10), (8, 10, 6, 10)]
    assert [tuple(piece) for piece in plan(3, 4, 2)] == [(0, 3, 0, 3)]


def generator(name):
    torch.manual_seed(0)
    if name == "hifigan":
        model = HiFiGAN(MINI).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(2)  # as drawn, it answers next to nothing
        return model
    model = FourierVocoder(SPEC, "tiny", 2).eval()
    with torch.no_grad():
        model.momentum.fill_(0.7)
    return model


def noisy_mel(frames):
    return torch.randn(1, 80, frames, generator=torch.Generator().manual_seed(1)) - 4


@pytest.mark.parametrize("name", ["fourier", "hifigan"])
@pytest.mark.parametrize(("frames", "chunk"), [(1, 50), (49, 50), (101, 50), (101, 7)])
def test_pieces_together_are_the_whole(name, frames, chunk):
    model, mel = generator(name), noisy_mel(frames)
    with torch.no_grad():
        whole = model(mel)
    assert whole.abs().max() > 1e-2
    torch.testing.assert_close(decode(model, mel, chunk), whole, atol=1e-5, rtol=0)


def test_too_little_context_would_be_heard():
    model, mel = generator("fourier"), noisy_mel(120)

    class Short:
        hop, receptive_field = model.hop, 3
        __call__ = staticmethod(model)

    assert (decode(Short(), mel, 30) - decode(model, mel, 30)).abs().max() > 1e-4


def test_a_stream_computes_no_more_at_a_time_than_a_piece_and_its_context():
    seen = []

    class Counting:
        hop, receptive_field = 4, 3

        def __call__(self, mel):
            seen.append(mel.shape[-1])
            return mel[:, 0].repeat_interleave(4, dim=-1)

    pieces = stream(Counting(), noisy_mel(1000), chunk=10)
    assert next(pieces).shape == (1, 40) and len(seen) == 1
    assert sum(piece.shape[-1] for piece in pieces) == 990 * 4
    assert max(seen) == 10 + 2 * 3


def write_run(folder, validated):
    """A run of three checkpoints whose weights are 1, 2 and 3 everywhere, their averages 10, 20 and 30."""
    folder.mkdir(exist_ok=True)
    config = VocoderConfig(generator=GeneratorConfig(size="tiny", projections=1))
    save_config(dataclasses.asdict(config), folder / "config.yaml")
    state = FourierVocoder(SPEC, "tiny", 1).state_dict()
    for step in (1, 2, 3):
        parts = {
            "generator": lambda step=step: {name: torch.full_like(value, step) for name, value in state.items()},
            "generator.ema": lambda step=step: {
                name: torch.full_like(value, 10 * step) for name, value in state.items()
            },
        }
        figures = {"stft": abs(step - 2) + 0.5} if validated else {}
        Checkpoints(folder / "checkpoints").save(
            parts, {"step": step, "decay_start": 5, "steps": 5, "facts": {}, "validation": figures}
        )


@pytest.mark.parametrize(("validated", "step"), [(True, 2), (False, 3)])
def test_of_a_run_the_averaged_weights_of_the_best_or_else_the_last_checkpoint_are_read(tmp_path, validated, step):
    write_run(tmp_path, validated)
    trained = read_run(tmp_path)
    assert trained.step == step and trained.spec == SPEC and trained.generator.projections == 1
    assert trained.figures == ({"stft": 0.5} if validated else {})
    assert {value.mean().item() for value in trained.generator.state_dict().values()} == {10.0 * step}


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no config\.yaml"):
        read_run(tmp_path)
    save_config(dataclasses.asdict(VocoderConfig()), tmp_path / "config.yaml")
    with pytest.raises(InputError, match="no checkpoint yet"):
        read_run(tmp_path)
    write_run(tmp_path, validated=False)
    (tmp_path / "checkpoints/step-00000003/generator.ema.safetensors").write_bytes(b"\x80\x02...")
    with pytest.raises(InputError, match=r"generator\.ema\.safetensors"):
        read_run(tmp_path)
