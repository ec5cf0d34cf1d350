"""A voice that begins with what another one knows."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from specgan.networks.discriminators import MelCritics
from specgan.tasks.acoustic import TrainedAcoustic, read_acoustic
from specgan.tasks.tts import Painter
from specgan.text.acoustic import Acoustic, AcousticConfig, Inventory
from specgan.text.symbols import Symbols
from specgan.train import train_acoustic, train_speech
from specgan.trained import TrainedVoice, read_voice
from specgan.transfer import rows_by_name, start_acoustic, start_speech, widened
from vocoder.engine.checkpoint import Checkpoints
from vocoder.engine.schedule import OptimizerConfig, TrainConfig
from vocoder.errors import InputError
from vocoder.signal.spec import preset

SMALL = AcousticConfig(width=8, encoder=1, predictor=1, decoder=1)


def trained(inventory: Inventory, config: AcousticConfig = SMALL) -> TrainedAcoustic:
    return TrainedAcoustic(Acoustic(80, inventory, config), inventory, config, {}, preset("22k"))


def test_known_rows_go_by_name_and_new_ones_begin_with_the_mean():
    rows = torch.tensor([[1.0, 2.0], [3.0, 4.0], [8.0, 0.0]])
    assert rows_by_name(rows, ["a", "b", "c"], ["c", "x", "a"]).tolist() == [[8, 0], [4, 2], [1, 2]]


def test_a_widened_inventory_keeps_its_ids_and_puts_the_new_languages_first():
    known = Inventory(["", "^", "a"], ["", "ˈ"], ["anna"], ["de", "en"])
    wide = widened(known, Symbols(("", "^", "b", "a", "c"), ("", "ˌ")), ["nl", "en"])
    assert wide == Inventory(["", "^", "a", "b", "c"], ["", "ˈ", "ˌ"], [], ["nl", "en", "de"])


def test_an_acoustic_network_takes_over_all_that_has_a_name():
    old = trained(Inventory(["", "^", "a", "b"], ["", "ˈ"], ["anna", "ben"], ["de", "en"]))
    inventory = Inventory(["", "b", "z", "^"], ["", "ˈ"], ["carla", "ben"], ["en"])
    new = Acoustic(80, inventory, SMALL)
    start_acoustic(new, inventory, old)
    before, after = old.acoustic.state_dict(), new.state_dict()
    for row, name in enumerate(inventory.phones):
        wanted = (
            before["phones.weight"].mean(0) if name == "z" else before["phones.weight"][["", "^", "a", "b"].index(name)]
        )
        assert torch.equal(after["phones.weight"][row], wanted)
    for name in ("speaker", "timbre"):
        assert torch.equal(after[f"{name}.weight"][1], before[f"{name}.weight"][1])
        assert torch.equal(after[f"{name}.weight"][0], before[f"{name}.weight"].mean(0))
    assert torch.equal(after["language.weight"], before["language.weight"][1:])
    others = [name for name in before if name.split(".")[0] not in ("phones", "language", "speaker", "timbre")]
    assert others and all(torch.equal(before[name], after[name]) for name in others)


def test_networks_of_other_sizes_are_refused():
    inventory = Inventory(["", "^", "a"], [""], ["anna"], ["en"])
    wide = Acoustic(80, inventory, AcousticConfig(width=16, encoder=1, predictor=1, decoder=1))
    with pytest.raises(InputError, match=r"acoustic network of this config.*\(3, 8\) instead of \(3, 16\)"):
        start_acoustic(wide, inventory, trained(inventory))


def speech(speakers: list[str]) -> dict[str, nn.Module]:
    return {
        "painter": Painter(80, len(speakers)),
        "critics": MelCritics(80, 1, len(speakers) if len(speakers) > 1 else 0, 4),
    }


@pytest.mark.parametrize("speakers", [["anna", "ben"], ["carla"], ["carla", "ben", "dora"]])
def test_a_generator_and_its_critics_take_over_all_but_who_speaks(speakers):
    old, new = speech(["anna", "ben"]), speech(speakers)
    anew = {name: tensor.clone() for name, tensor in new["critics"].state_dict().items()}
    inventory = Inventory(["", "^", "a"], [""], ["anna", "ben"], ["en"])
    start_speech(new, speakers, TrainedVoice(trained(inventory), old["painter"], old["critics"].state_dict()))
    before, after = old["painter"].state_dict(), new["painter"].state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before if name != "style.weight")
    for row, name in enumerate(speakers):
        wanted = (
            before["style.weight"].mean(0)
            if name not in ("anna", "ben")
            else before["style.weight"][int(name == "ben")]
        )
        assert torch.equal(after["style.weight"][row], wanted)
    known = old["critics"].state_dict()
    for name, tensor in new["critics"].state_dict().items():
        of_speakers = "classed" in name or "embedding" in name
        assert torch.equal(tensor, anew[name] if of_speakers and len(speakers) != 2 else known[name]), name


def test_without_critics_they_begin_anew():
    new = speech(["anna"])
    anew = {name: tensor.clone() for name, tensor in new["critics"].state_dict().items()}
    inventory = Inventory(["", "^", "a"], [""], ["anna"], ["en"])
    start_speech(new, ["anna"], TrainedVoice(trained(inventory), Painter(80, 1), None))
    assert all(torch.equal(tensor, anew[name]) for name, tensor in new["critics"].state_dict().items())


def figures(run: Path) -> dict[str, float]:
    return Checkpoints(run / "checkpoints").all()[-1].figures


def test_fine_tuning_begins_ahead_of_a_new_voice(tiny_voice, tmp_path):
    standing = {"optimizer": OptimizerConfig(lr=0.0)}  # so that the figures are those of the beginning
    train = TrainConfig(steps=1, warmup=0, ema=0.0, validate_every=1, save_every=1)
    train_acoustic(tiny_voice.acoustic_config("ljspeech", train, **standing), tmp_path / "scratch")
    # of the GAN's run, which has the acoustic network too
    for initial in (tiny_voice.acoustic, tiny_voice.gan):
        config = tiny_voice.acoustic_config("ljspeech", train, initial=str(initial), **standing)
        run = tmp_path / initial.name
        train_acoustic(config, run)
        before, after = figures(tmp_path / "scratch"), figures(run)
        assert after["coarse"] < 0.8 * before["coarse"]
        assert after["durations"] < before["durations"]
    known, tuned = read_acoustic(tiny_voice.acoustic), read_acoustic(tmp_path / "acoustic")
    assert tuned.inventory.speakers == ["ljspeech"] and tuned.pitch.keys() == {"ljspeech"}
    assert tuned.inventory.phones[: len(known.inventory.phones)] == known.inventory.phones
    assert torch.equal(tuned.acoustic.phones.weight[: len(known.inventory.phones)], known.acoustic.phones.weight)


def test_a_gan_goes_on_from_a_trained_one(tiny_voice, tmp_path):
    train = TrainConfig(steps=1, warmup=0, ema=0.0, validate_every=1, save_every=1)
    config = tiny_voice.acoustic_config("ljspeech", train, initial=str(tiny_voice.acoustic))
    train_acoustic(config, tmp_path / "acoustic")
    config = tiny_voice.speech_config("ljspeech", tmp_path / "acoustic", initial=str(tiny_voice.gan))
    train_speech(config, tmp_path / "gan")
    before, after = (read_voice(run).painter.state_dict() for run in (tiny_voice.gan, tmp_path / "gan"))
    moved = [(after[name] - before[name]).abs().max().item() for name in before]
    assert (
        0 < max(moved) <= 2.5 * config.optimizer.lr * config.train.steps
    )  # AdamW moves a weight by about its rate a step
