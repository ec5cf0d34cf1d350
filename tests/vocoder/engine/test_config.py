from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from vocoder.engine.config import load_config, save_config
from vocoder.engine.schedule import OptimizerConfig, TrainConfig
from vocoder.errors import InputError


@dataclass(frozen=True)
class Window:  # frozen dataclasses are read-only to OmegaConf
    length: int = 1024
    kind: str = "hann"


@dataclass
class Settings:
    data: str
    fine_tune: bool = False
    lr: float = 1e-4
    limit: int | None = None
    out: Path = Path("a/b")
    sizes: list[int] = field(default_factory=lambda: [1, 2])
    periods: tuple[int, ...] = (2, 3)
    betas: tuple[float, float] = (0.8, 0.9)
    weights: dict[str, float] = field(default_factory=lambda: {"mel": 45.0})
    window: Window = field(default_factory=Window)
    train: TrainConfig = field(default_factory=TrainConfig)
    optimizers: dict[str, OptimizerConfig] = field(default_factory=lambda: {"g": OptimizerConfig()})


def test_every_kind_of_value():
    settings = load_config(
        Settings,
        None,
        [
            "data=x=y",
            "fine_tune=True",
            "lr=1e-3",
            "limit=7",
            "out=/tmp/q",
            "sizes=[4]",
            "periods=[7, 11, 13]",
            "betas=[0, 0.5]",
            "weights.fm=2",
            "window.length=512",
            "train.steps=500",
            "optimizers.g.clip=1",
            "optimizers.d={lr: 2e-4}",
        ],
    )
    assert settings == Settings(
        data="x=y",
        fine_tune=True,
        lr=1e-3,
        limit=7,
        out=Path("/tmp/q"),
        sizes=[4],
        periods=(7, 11, 13),
        betas=(0.0, 0.5),
        weights={"mel": 45.0, "fm": 2.0},
        window=Window(512),
        train=TrainConfig(steps=500),
        optimizers={"g": OptimizerConfig(clip=1.0), "d": OptimizerConfig(lr=2e-4)},
    )
    assert type(settings.betas) is tuple and type(settings.betas[0]) is float


def test_false_is_false():
    assert load_config(Settings, None, ["data=x", "fine_tune=True", "fine_tune=False"]).fine_tune is False


def test_later_words_win_over_the_file_and_the_file_over_defaults(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("data: here  # a comment\ntrain:\n  steps: 10\n  keep: 3\nlr: 3e-4\nsizes:\n- 9\n")
    settings = load_config(Settings, path, ["train.steps=20"])
    assert (settings.data, settings.train.steps, settings.train.keep, settings.lr) == ("here", 20, 3, 3e-4)
    assert settings.sizes == [9]


def test_round_trip(tmp_path):
    settings = load_config(Settings, None, ["data='no'", "limit=null", "lr=1e-7", "weights={}", "periods=[]"])
    save_config(settings, tmp_path / "run" / "config.yaml")
    assert load_config(Settings, tmp_path / "run" / "config.yaml", []) == settings
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["config.yaml"]
    assert "!!" not in (tmp_path / "run" / "config.yaml").read_text()  # no Python objects


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("fine_tune=maybe", "fine_tune is 'maybe', must be true or false"),
        ("fine_tune=False ", "must be true or false"),
        ("fine_tune= True", "must be true or false"),
        ("fine_tune='False'", "must be true or false"),
        ("fine_tune=1", "must be true or false"),
        ("fine_tune=", "fine_tune"),
        ("fine-tune=False", "unknown key fine-tune; did you mean fine_tune?"),
        ("--fine-tune", "key=value"),
        ("trian.steps=3", "unknown key trian; did you mean train?"),
        ("train.step=3", "unknown key train.step; did you mean train.steps?"),
        ("optimizers.g.lrr=3", "did you mean optimizers.g.lr?"),
        ("xyzzy=3", "unknown key xyzzy; there are data, fine_tune"),
        ("limit=3.5", "limit is 3.5, must be a whole number"),
        ("limit=three", "must be a whole number"),
        ("limit='3'", "must be a whole number"),
        ("limit=true", "must be a whole number"),
        ("lr=fast", "lr is 'fast', must be a number"),
        ("data=false", "data is False, must be text"),
        ("data=", "data"),
        ("sizes=[a]", "sizes[0] is 'a'"),
        ("sizes=5", "sizes"),
        ("betas=[1]", "betas"),
        ("betas=0.9", "betas"),
        ("betas=[0.9, x]", "betas[1] is 'x'"),
        ("weights.mel=loud", "weights.mel is 'loud'"),
        ("weights=3", "weights"),
        ("train=5", "train has the value 5, must hold keys: steps"),
        ("train.precision=fp8", "fp8"),
        ("sizes=[", "is not YAML"),
        ("=3", "key=value"),
        ("train..steps=3", "key=value"),
    ],
)
def test_bad_words_are_one_line_that_says_what_is_wrong(word, said):
    with pytest.raises(InputError) as caught:
        load_config(Settings, None, ["data=x", word])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fine_tune: 'False'", "must be true or false"),
        ("fine_tune: maybe", "must be true or false"),
        ("lr: 1e-3\nlr: 1e-4", "is not YAML"),
        ("train:\n  wamup: 3", "did you mean train.warmup?"),
        ("- 1\n- 2", "must hold keys"),
        ("a: [", "is not YAML"),
        ("out: !!python/object/apply:os.system ['touch /tmp/specgan-was-here']", "is not YAML"),
        ("just words", "must hold keys"),
    ],
)
def test_bad_files_are_named(tmp_path, text, said):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_config(Settings, path, ["data=x"])
    assert str(caught.value).startswith(str(path)) and said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_and_missing_key(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.yaml"):
        load_config(Settings, tmp_path / "nowhere.yaml", [])
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"binary\.yaml"):
        load_config(Settings, tmp_path / "binary.yaml", [])
    with pytest.raises(InputError, match="data"):
        load_config(Settings, None, [])


def test_an_empty_file_changes_nothing(tmp_path):
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    assert load_config(TrainConfig, tmp_path / "empty.yaml", []) == TrainConfig()


def test_unwritable_folder_is_an_input_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        save_config(TrainConfig(), tmp_path / "file" / "config.yaml")


def test_reading_settings_needs_no_torch():
    code = "import sys, vocoder.engine.config, vocoder.engine.schedule; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
