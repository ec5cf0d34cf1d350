from __future__ import annotations

import io
import sys

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.summary.writer import event_file_writer

from vocoder.engine.logger import Logger, Meter, colours, stacked
from vocoder.errors import InputError


def events(folder):
    accumulator = EventAccumulator(str(folder / "tensorboard"))
    accumulator.Reload()
    return accumulator


def test_meter_by_hand():
    meter = Meter()
    meter.add({"g/total": 1.0, "d/total": 4.0}, sound=2.0, seconds=0.5)
    meter.add({"g/total": 3.0}, sound=2.0, seconds=1.5)  # a phase that was not active does not dilute its mean
    assert meter.take() == {"g/total": 2.0, "d/total": 4.0, "speed/steps": 1.0, "speed/sound": 2.0}
    assert meter.take() == {}


def test_colours_rise_from_black_to_white_in_lightness():
    rgb = colours(np.linspace(0, 1, 256, dtype=np.float32)[None])[0].astype(float)
    assert rgb[0].tolist() == [0, 0, 0] and rgb[-1].tolist() == [255, 255, 255]
    lightness = rgb @ [0.30, 0.59, 0.11]  # the weights for which the cubehelix is made
    assert np.abs(lightness - np.arange(256)).max() < 6
    assert (np.diff(lightness[::8]) > 0).all()
    assert (rgb.max(axis=1) - rgb.min(axis=1))[128] > 40  # and it has colour
    assert (colours(np.array([[-3.0, 7.0]])) == [[[0, 0, 0], [255, 255, 255]]]).all()


def test_low_rows_are_at_the_bottom_and_panels_share_one_scale():
    first = np.zeros((3, 4), np.float32)
    first[0] = 1.0
    picture = stacked([first, torch.full((2, 4), 2.0)])
    assert picture.shape == (3 + 2 + 2, 4, 3)
    assert (picture[0] == 0).all()  # row 2 of the first panel, the lowest value of all
    assert (picture[2] == colours(np.array([[0.5]]))[0, 0]).all()  # row 0 of it, half of the second panel's value
    assert (picture[5:] == 255).all()


def test_what_is_not_finite_or_flat_can_be_drawn():
    assert stacked([np.array([[np.nan, np.inf, 1.0]], np.float32)]).shape == (1, 3, 3)
    assert stacked([np.full((2, 2), np.nan)]).shape == (2, 2, 3)


def test_scalars_pictures_and_sound_reach_tensorboard(tmp_path):
    with Logger(tmp_path, 0, 10) as log:
        log.step = 3
        log.scalars({"generator/mel": 1.5})
        log.picture("mels", np.eye(5), np.eye(5))
        log.sound("voice", torch.zeros(800), 8000)
        log.validation({"mel": 0.25})
        log.hyperparameters({"train": {"steps": 10}, "sizes": [1, 2]}, {"mel": 0.25})
        log.say("a word")
    found = events(tmp_path)
    assert [(e.step, e.value) for e in found.Scalars("generator/mel")] == [(3, 1.5)]
    assert found.Scalars("validation/mel")[0].value == 0.25
    assert found.Scalars("final/mel")[0].value == 0.25
    image = found.Images("mels")[0]
    assert (image.width, image.height) == (5, 12)
    assert found.Audio("voice")[0].sample_rate == 8000
    hyper = found.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    assert b"train.steps" in hyper and b"[1, 2]" in hyper
    assert "a word" in (tmp_path / "log.txt").read_text()
    assert len(list((tmp_path / "tensorboard").iterdir())) == 1


def test_scalars_after_the_resumed_step_are_dropped(tmp_path, monkeypatch):
    # TensorBoard reads files in the order of their names, which count the writers of a process: 9 comes after 10
    monkeypatch.setattr(event_file_writer, "_global_uid", event_file_writer.AtomicCounter(100))
    with Logger(tmp_path, 0, 10) as log:
        for log.step in (1, 2, 3, 4):
            log.scalars({"loss": float(log.step)})
    with Logger(tmp_path, 2, 10) as log:
        log.step = 3
        log.scalars({"loss": 30.0})
    assert [(e.step, e.value) for e in events(tmp_path).Scalars("loss")] == [(1, 1.0), (2, 2.0), (3, 30.0)]


def test_without_a_terminal_each_entry_is_a_line(tmp_path, capsys):
    with Logger(tmp_path, 0, 10) as log:
        log.step = 5
        log.training({"generator/mel": 3.0, "generator/total": 45.0, "speed/steps": 2.5, "speed/sound": 7.5})
    error = capsys.readouterr().err
    assert error == "step 5/10 generator 45 2.5 steps/s 7.5 s of sound/s\n"


def test_other_processes_write_nothing(tmp_path):
    with Logger(tmp_path / "run", 0, 10, active=False) as log:
        log.scalars({"a": 1.0})
        log.say("a word")
        log.picture("p", np.eye(2))
        log.sound("s", torch.zeros(8), 8000)
        log.progress(Meter())
        log.training({})
        log.validation({"mel": 1.0})
        log.hyperparameters({}, {})
        log.flush()
    assert not (tmp_path / "run").exists()


def test_an_error_is_noted_and_a_folder_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(ZeroDivisionError), Logger(tmp_path / "run", 0, 10):
        raise ZeroDivisionError("by nothing")
    assert "ZeroDivisionError: by nothing" in (tmp_path / "run" / "log.txt").read_text()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file/run"):
        Logger(tmp_path / "file" / "run", 0, 10)


def test_on_a_terminal_there_is_a_bar_with_the_speeds_and_losses(tmp_path, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stderr", Terminal())
    with Logger(tmp_path, 4, 6) as log:
        for log.step in (5, 6):
            meter = Meter()
            meter.add({"generator/total": 45.0}, sound=3.0, seconds=0.5)
            log.progress(meter)
        log._bar.refresh()
        shown = sys.stderr.getvalue()
    assert "6/6" in shown and "generator 45 2 steps/s 6 s of sound/s" in shown
