"""Settings as dataclasses: read from YAML, changed by key=value, checked to the last key. No torch."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from vocoder.engine.files import write_atomic
from vocoder.errors import InputError

C = TypeVar("C")

# OmegaConf would take 'no' and 7 as truth values, '3' as a number and false as the text "False".
_SCALARS: dict[Any, tuple[str, tuple[type, ...]]] = {
    bool: ("true or false", (bool,)),
    int: ("a whole number", (int,)),
    float: ("a number", (int, float)),
    str: ("text (in quotes)", (str, int, float)),
}


def load_config(cls: type[C], path: str | Path | None, overrides: Sequence[str] = ()) -> C:
    """Read settings: the defaults of `cls`, over them a YAML file, over that key=value words.

    Parameters
    ----------
    cls : dataclass type
        Fields are bool, int, float, str, Path, None, lists, tuples and dicts of these, and further dataclasses.
    path : path or None
        YAML file; None for the defaults alone. A dictionary adds to the default one, anything else replaces it.
    overrides : sequence of str
        "train.steps=5000", "weights.mel=45", "betas=[0.8,0.9]": the value is read as YAML.

    Returns
    -------
    instance of `cls`

    Raises
    ------
    InputError
        For an unknown key (naming the closest known one), a value of the wrong type (only true and false are
        truth values), a required key that is missing, a file that is not YAML.
    """
    config = OmegaConf.structured(cls)
    for where, values in _sources(path, overrides):
        _check(cls, values, where, "")
        _writable(config)  # frozen dataclasses are read-only to OmegaConf, and a new one may have come in
        try:
            config = OmegaConf.merge(config, values)
        except OmegaConfBaseException as error:
            raise InputError(f"{where}: {_one_line(error)}") from error
    try:
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise InputError(f"{path or cls.__name__}: {_one_line(error)}") from error
    return typing.cast(C, _build(cls, plain, str(path or cls.__name__), ""))


def save_config(config: Any, path: str | Path) -> None:
    """Write settings as YAML that `load_config` reads back to an equal instance; whole or not at all.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    path = Path(path)
    text = OmegaConf.to_yaml(OmegaConf.create(_plain(config)))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, text.encode())
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error


def _sources(path: str | Path | None, overrides: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    """Nested values with the place they come from."""
    sources = []
    if path is not None:
        sources.append((str(path), _read(Path(path))))
    for word in overrides:
        key, equals, text = word.partition("=")
        if not equals or not key or not all(key.split(".")):
            raise InputError(f"{word!r}: a setting is changed by key=value, for example train.steps=5000")
        # Outer spaces are part of the value: a mistyped quotation must not pass for a number or a truth value.
        value: Any = text if text != text.strip() else _parse(text, word)
        for part in reversed(key.split(".")):
            value = {part: value}
        sources.append((word, value))
    return sources


def _read(path: Path) -> dict[str, Any]:
    try:
        values = _parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); a YAML file is needed") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not text in UTF-8; a YAML file is needed") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise InputError(f"{path}: must hold keys with values, holds a {type(values).__name__}")
    return values


def _parse(text: str, where: str) -> Any:
    """A YAML value. OmegaConf's own reader: safe, knows 1e-4 as a number, and refuses a key that comes twice."""
    if not text.strip():
        return None
    try:
        # Under a key, because OmegaConf reads only mappings; the indentation keeps a whole file in its place.
        indented = "\n".join(f"  {line}" for line in text.splitlines())
        return OmegaConf.to_container(OmegaConf.create(f"value:\n{indented}"))["value"]  # type: ignore[index, call-overload]  # a mapping
    except (YAMLError, OmegaConfBaseException) as error:
        raise InputError(f"{where}: is not YAML: {_one_line(error)}") from error


def _check(kind: Any, value: Any, where: str, key: str) -> None:
    """Refuse unknown keys, and scalars of the wrong type that OmegaConf would convert."""
    kind = _required(kind)
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise InputError(f"{where}: {key} has the value {value!r}, must hold keys: {', '.join(_hints(kind))}")
        known = _hints(kind)
        for name, inner in value.items():
            full = f"{key}.{name}" if key else str(name)
            if name not in known:
                close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
                hint = (
                    f"did you mean {full.removesuffix(str(name))}{close[0]}?"
                    if close
                    else f"there are {', '.join(known)}"
                )
                raise InputError(f"{where}: unknown key {full}; {hint}")
            _check(known[name], inner, where, full)
        return
    if kind in _SCALARS and value is not None:
        wanted, accepted = _SCALARS[kind]
        if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
            raise InputError(f"{where}: {key} is {value!r}, must be {wanted}")
    arguments = typing.get_args(kind)
    if isinstance(value, Mapping) and typing.get_origin(kind) is dict:
        for name, inner in value.items():
            _check(arguments[1], inner, where, f"{key}.{name}")
    if isinstance(value, list) and typing.get_origin(kind) in (list, tuple):
        for index, inner in enumerate(value):
            _check(_item(arguments, index), inner, where, f"{key}[{index}]")


def _build(kind: Any, value: Any, where: str, key: str) -> Any:
    """Instances of dataclasses and tuples from plain dictionaries and lists."""
    kind = _required(kind)
    if value is None:
        return None
    if dataclasses.is_dataclass(kind):
        # mypy cannot know that `kind` is a dataclass here
        return kind(**{n: _build(k, value[n], where, f"{key}.{n}".lstrip(".")) for n, k in _hints(kind).items()})  # type: ignore[operator]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is dict:
        return {name: _build(arguments[1], inner, where, f"{key}.{name}") for name, inner in value.items()}
    if origin in (list, tuple):
        if origin is tuple and Ellipsis not in arguments and len(value) != len(arguments):
            raise InputError(f"{where}: {key} is {value}, must hold {len(arguments)} values")
        items = [_build(_item(arguments, index), inner, where, f"{key}[{index}]") for index, inner in enumerate(value)]
        return tuple(items) if origin is tuple else items
    return value


def _hints(kind: Any) -> dict[str, Any]:
    """Names and types of the fields that the constructor takes."""
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind) if field.init}


def _required(kind: Any) -> Any:
    """X of `X | None`."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        members = [member for member in typing.get_args(kind) if member is not type(None)]
        return members[0] if len(members) == 1 else kind
    return kind


def _item(arguments: tuple[Any, ...], index: int) -> Any:
    """Type of an item of list[X], tuple[X, ...] or tuple[X, Y]."""
    if len(arguments) == 1 or Ellipsis in arguments:
        return arguments[0]
    return arguments[index] if index < len(arguments) else Any


def _writable(config: Any) -> None:
    OmegaConf.set_readonly(config, False)
    if config._is_none() or config._is_missing():
        return
    for name in config if OmegaConf.is_dict(config) else range(len(config)):
        node = config._get_node(name)
        if OmegaConf.is_config(node):
            _writable(node)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value) if field.init}
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, Path) else value


def _one_line(error: Exception) -> str:
    """OmegaConf's message without its trailer of internals."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    key = next((line.partition(":")[2].strip() for line in lines if line.startswith("full_key:")), "")
    text = " ".join(line for line in lines if not line.startswith(("full_key:", "object_type=", "reference_type=")))
    return f"{key}: {text}" if key and f"'{key}'" not in text and not text.endswith(f": {key}") else text
