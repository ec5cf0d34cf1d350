"""Manifests: a round trip, and `path:line:` in front of every error."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vocoder.errors import InputError
from vocoder.signal.manifest import Recording, read_manifest, write_manifest

ROW = '{"id": "a", "audio": "a.wav"}'


@pytest.fixture
def folder(tmp_path) -> Path:
    for name in ("a.wav", "b.wav", "sub/c.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_every_field_is_read(folder):
    path = folder / "m.jsonl"
    full = {
        "id": "é",
        "audio": "sub/c.wav",
        "start": 1,
        "duration": 2.5,
        "text": "„Ja“",
        "speaker": "s",
        "language": "de",
    }
    path.write_text(
        f'{json.dumps(full | {"label": "speech"})}\n\n{{"id": "b", "audio": "{folder}/b.wav", "text": null}}\n', "utf-8"
    )
    first, second = read_manifest(path)
    assert first == Recording("é", folder / "sub/c.wav", 1.0, 2.5, "„Ja“", "s", "de", "speech")
    assert isinstance(first.start, float)
    assert second == Recording("b", folder / "b.wav")


def test_a_source_is_a_file_beside_the_manifest_too(folder):
    path = folder / "m.jsonl"
    rows = [Recording("a", folder / "a.wav", source=folder / "sub/c.wav"), Recording("b", folder / "b.wav")]
    write_manifest(path, rows)
    assert json.loads(path.read_text().splitlines()[0]) == {"id": "a", "audio": "a.wav", "source": "sub/c.wav"}
    assert read_manifest(path) == rows
    path.write_text('{"id": "a", "audio": "a.wav", "source": "no.wav"}')
    with pytest.raises(InputError, match=r"m\.jsonl:1: no sound file .*no\.wav"):
        read_manifest(path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"id": "b", "audio": "b.wav"', "not JSON"),
        ('["b", "b.wav"]', "a JSON list, must be an object"),
        ('{"id": "b", "audio": "b.wav", "pitch": 1}', "unknown key 'pitch', must be one of id, audio, start"),
        ('{"audio": "b.wav"}', "no 'id'"),
        ('{"id": "b"}', "no 'audio'"),
        ('{"id": null, "audio": "b.wav"}', "id is null"),
        ('{"id": 7, "audio": "b.wav"}', "id is 7, must be a text"),
        ('{"id": "", "audio": "b.wav"}', "id is empty"),
        ('{"id": "b", "audio": true}', "audio is true, must be a text"),
        ('{"id": "b", "audio": "b.wav", "text": ["x"]}', 'text is ["x"], must be a text'),
        ('{"id": "b", "audio": "b.wav", "start": true}', "start is true, must be a number"),
        ('{"id": "b", "audio": "b.wav", "start": null}', "start is null, must be a number"),
        ('{"id": "b", "audio": "b.wav", "duration": "2"}', 'duration is "2", must be a number'),
        ('{"id": "b", "audio": "b.wav", "start": -0.5}', "start is -0.5 s, must be 0 or more"),
        ('{"id": "b", "audio": "b.wav", "start": NaN}', "start is nan s"),
        ('{"id": "b", "audio": "b.wav", "duration": 0}', "duration is 0 s, must be above 0"),
        ('{"id": "b", "audio": "b.wav", "duration": -3}', "duration is -3 s, must be above 0"),
        ('{"id": "b", "audio": "b.wav", "duration": Infinity}', "duration is inf s"),
        ('{"id": "a", "audio": "b.wav"}', "id 'a' stands in line 1 already"),
        ('{"id": "b", "audio": "none.wav"}', "no sound file"),
        ('{"id": "b", "audio": "sub"}', "no sound file"),
        ('{"id": "b", "audio": ""}', "no sound file"),
    ],
)
def test_every_error_has_its_line(folder, line, words):
    path = folder / "m.jsonl"
    path.write_text(f"{ROW}\n\n{line}\n")
    with pytest.raises(InputError) as caught:
        read_manifest(path)
    message = str(caught.value)
    assert message.startswith(f"{path}:3: ") and words in message and "\n" not in message


def test_text_that_is_not_utf8_has_its_line(folder):
    path = folder / "m.jsonl"
    path.write_bytes(ROW.encode() + b'\n{"id": "caf\xe9", "audio": "b.wav"}')
    with pytest.raises(InputError, match=r"m\.jsonl:2: not UTF-8"):
        read_manifest(path)


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_an_empty_manifest_is_an_error(folder, content):
    path = folder / "m.jsonl"
    path.write_text(content)
    with pytest.raises(InputError, match=r"m\.jsonl:1: the manifest is empty"):
        read_manifest(path)


def test_a_missing_manifest_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"none\.jsonl: the manifest cannot be read: No such file"):
        read_manifest(tmp_path / "none.jsonl")


texts = st.none() | st.text(max_size=8)
seconds = st.floats(1e-6, 1e6)


@given(
    st.lists(
        st.builds(
            Recording,
            id=st.text(min_size=1, max_size=8),
            audio=st.sampled_from(["a.wav", "sub/c.wav", "../outside.wav"]).map(Path),
            start=st.just(0.0) | seconds,
            duration=st.none() | seconds,
            text=texts,
            speaker=texts,
            language=texts,
            label=texts,
        ),
        min_size=1,
        max_size=5,
        unique_by=lambda row: row.id,
    )
)
@settings(max_examples=50, deadline=None)
def test_round_trip(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("data") / "corpus"
    for row in rows:
        (folder / row.audio).parent.mkdir(parents=True, exist_ok=True)
        (folder / "sub").mkdir(exist_ok=True)
        (folder / row.audio).touch()
    # what is outside the manifest's folder is named in full, so that the manifest's rows stay findable
    rows = [replace(row, audio=(folder / row.audio).resolve()) for row in rows]
    write_manifest(folder / "m.jsonl", rows)
    assert read_manifest(folder / "m.jsonl") == rows


def test_a_corpus_can_be_moved(folder):
    write_manifest(folder / "sub" / "m.jsonl", [Recording("c", folder / "sub" / "c.wav")])
    moved = (folder / "sub").rename(folder / "moved")
    assert (moved / "m.jsonl").read_text() == '{"id": "c", "audio": "c.wav"}\n'
    assert read_manifest(moved / "m.jsonl") == [Recording("c", moved / "c.wav")]


def test_a_bad_write_leaves_the_old_manifest_whole(folder):
    path = folder / "m.jsonl"
    row = Recording("a", folder / "a.wav")
    write_manifest(path, [row])
    before, names = path.read_bytes(), sorted(folder.iterdir())
    with pytest.raises(InputError, match=r"m\.jsonl:2: id 'a' stands in line 1 already"):
        write_manifest(path, [row, replace(row, start=1.0)])
    with pytest.raises(InputError, match="would be empty"):
        write_manifest(path, [])
    with pytest.raises(InputError, match="cannot be written"):
        write_manifest(folder / "none" / "m.jsonl", [row])
    assert path.read_bytes() == before and sorted(folder.iterdir()) == names


def test_a_recording_checks_itself():
    with pytest.raises(InputError, match="start is -1 s"):
        Recording("a", Path("a.wav"), start=-1.0)
