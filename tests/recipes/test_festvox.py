"""Words found again in the phone labels of a Festival voice."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from specgan.prepare import prepare
from vocoder.errors import InputError

ROOT = Path(__file__).parents[2]
SOUNDS = sorted((ROOT / "tests/fixtures/kathleen/wavs").glob("*.flac"))


@pytest.fixture(scope="module")
def festvox():
    spec = importlib.util.spec_from_file_location("festvox", ROOT / "recipes/lib/festvox.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["festvox"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["festvox"]


def labelled(phones: str) -> list[tuple[str, float, float]]:
    """A tenth of a second each."""
    return [(phone, number / 10, (number + 1) / 10) for number, phone in enumerate(phones.split())]


# text with stress marks; its phones as the voice's labels spell it; where each word begins and ends, in phones
CASES = [
    ("Он, ещё.", "pau oo n pau j i sch oo pau", [("Он", 1, 3), ("ещё", 4, 8)]),
    # a stress mark, a soft sign that is no phone, and the glide of a vowel after it
    ("Вс+я семья", "f s aa ss i mm j aa", [("Вся", 0, 3), ("семья", 3, 8)]),
    # the same consonant at the end of one word and the beginning of the next
    ("из зала", "i z z aa l ay", [("из", 0, 2), ("зала", 2, 6)]),
    # a preposition of one letter, unvoiced by what follows; letters that are silent or one phone together
    ("В солнце, бояться.", "f s oo n c e pau b a j aa c ay", [("В", 0, 1), ("солнце", 1, 6), ("бояться", 7, 13)]),
    # a dash between spaces is no word, one inside is a part of its word
    ("Кто-то - здесь", "pau k t oo t ay pau zz dd ee ss pau pau", [("Кто-то", 1, 6), ("здесь", 7, 11)]),
]


@pytest.mark.parametrize(("text", "phones", "wanted"), CASES)
def test_words_are_found_among_phones(festvox, text, phones, wanted):
    found, cost = festvox.words(text, labelled(phones))
    assert [(word.text, round(10 * word.start), round(10 * word.end)) for word in found] == wanted
    assert cost < festvox.CLASH


def test_labels_of_another_text_cost_much(festvox):
    _, right = festvox.words("мама мыла", labelled("m aa m a m yy l ay"))
    _, wrong = festvox.words("окно в саду", labelled("m aa m a m yy l ay"))
    assert right == 0
    assert wrong >= festvox.CLASH
    with pytest.raises(InputError, match="8 labels cannot be those of 2 letters"):
        festvox.words("да", labelled("m aa m a m yy l ay"))
    with pytest.raises(InputError, match="'hello' is not written in Russian"):
        festvox.words("да hello", labelled("d aa"))


def voice(folder: Path, rows: dict[str, tuple[str, str]]) -> Path:
    """An unpacked package with a fixture for each text."""
    top = folder / "usr/share/festival/voices/russian/msu"
    for name in ("etc", "lab", "wav"):
        (top / name).mkdir(parents=True)
    (top / "etc/txt.done.data").write_text("".join(f'( {id} "{text}" )\n' for id, (text, _) in rows.items()))
    for number, (id, (_, phones)) in enumerate(rows.items()):
        lines = [f"{end:.5f} 125 {phone}\n" for phone, _, end in labelled(phones)]
        (top / f"lab/{id}.lab").write_text("#\n" + "".join(lines))
        (top / f"wav/{id}.wav").symlink_to(SOUNDS[number])
    return top


def test_a_voice_becomes_a_corpus_and_its_words(festvox, tmp_path, capsys):
    top = voice(
        tmp_path / "package",
        {
            "ru_1": ("Он, - ещ+ё.", "pau oo n pau j i sch oo pau"),
            "ru_2": ("мама", "m aa m a"),
            "ru_3": ("мама", "ss uu n d"),
            "ru_4": ("да", "d aa"),
            "ru_5": ("да", "d aa"),
        },
    )
    (top / "lab/ru_4.lab").unlink()
    assert festvox.main([str(tmp_path / "package"), "-o", str(tmp_path / "corpus")]) == 0
    said = capsys.readouterr().out
    assert "3 recordings, 4 words; 2 left out" in said
    assert "ru_3: the labels do not spell the text" in said
    assert "ru_4: has no labels" in said
    words = json.loads((tmp_path / "corpus/words.json").read_text())
    assert words == {
        "ru_1": [["Он", 0.1, 0.3], ["ещё", 0.4, 0.8]],
        "ru_2": [["мама", 0.0, 0.4]],
        "ru_5": [["да", 0.0, 0.2]],
    }
    made = prepare(tmp_path / "corpus", tmp_path / "data", language="ru")
    rows = {row.id: row for rows in made.sets.values() for row in rows}
    assert {id: (row.text, row.speaker) for id, row in rows.items()} == {
        "ru_1": ("Он — ещё.", "nsh"),
        "ru_2": ("мама", "nsh"),
        "ru_5": ("да", "nsh"),
    }
    assert rows["ru_2"].audio.resolve() == SOUNDS[1].resolve()


@pytest.mark.parametrize("line", ["0.2 125", "x 125 a", "0.05 125 a", "nan 125 a"])
def test_malformed_labels(festvox, tmp_path, line):
    (tmp_path / "a.lab").write_text(f"#\n0.1 125 pau\n{line}\n")
    with pytest.raises(InputError, match=r"a\.lab:3: must be"):
        festvox.phones(tmp_path / "a.lab")


def test_a_folder_without_a_voice(festvox, tmp_path):
    with pytest.raises(InputError, match="holds 0 voices"):
        festvox.main([str(tmp_path), "-o", str(tmp_path / "out")])
