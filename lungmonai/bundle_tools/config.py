"""A bundle's config as MONAI reads it, with the file that each key came from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser, ReferenceResolver

from ..errors import SettingsError

__all__ = ["Config", "read_config", "read_content", "shown"]

_SEPARATOR = ReferenceResolver.sep
_COMMAND_LINE = "the command line"


@dataclass(frozen=True)
class Config:
    """One or several config files, merged, with overrides; nothing in it is built.

    Args:
        parser: MONAI's; macros and relative ids are resolved.
        files: in the order in which they were merged.
        origins: for each file, and then the overrides, the keys that it sets.
    """

    parser: ConfigParser
    files: tuple[Path, ...]
    origins: tuple[tuple[str, frozenset[str]], ...]

    def items(self) -> dict[str, Any]:
        """Every value by its id, such as `train::trainer::max_epochs`; the metadata's are left out."""
        return dict(_flat("", {k: v for k, v in self.parser.get().items() if k != ConfigParser.meta_key}))

    def file_of(self, key: str) -> str:
        """What set a key: the file's path as it was named, or the command line."""
        found = [name for name, keys in self.origins if _sets(keys, key)]
        return found[-1] if found else self.named

    @property
    def named(self) -> str:
        """The files, for a sentence."""
        return " and ".join(map(str, self.files))


def read_config(
    files: Sequence[Path], overrides: Mapping[str, Any] | None = None, *, metadata: Path | None = None
) -> Config:
    """Read configs as `monai.bundle run` does; nothing is built.

    Args:
        files: merged in this order.
        overrides: values by key, as on the command line.
        metadata: the metadata file, if any.

    Raises:
        SettingsError: a file is missing, is not JSON, or names a macro that is not there.
    """
    contents = [read_content(path) for path in files]
    overrides = dict(overrides or {})
    parser = ConfigParser()
    parser.read_config(list(map(str, files)))
    if metadata is not None and metadata.is_file():
        parser.read_meta(read_content(metadata))
    parser.update(overrides)
    _resolve(parser, files)
    origins = [
        (str(path), frozenset(map(_plain, content))) for path, content in zip(files, contents, strict=True)
    ]
    origins.append((_COMMAND_LINE, frozenset(map(_plain, overrides))))
    return Config(parser, tuple(files), tuple(origins))


def read_content(path: Path) -> dict[str, Any]:
    """The content of one file, before merging.

    Raises:
        SettingsError: it is missing, is not JSON, or has a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix != ".json":
            return dict(ConfigParser.load_config_file(path))
        content = json.loads(text, object_pairs_hook=lambda pairs: _once(pairs, path))
    except json.JSONDecodeError as error:
        raise SettingsError(
            f"{path}, line {error.lineno}, column {error.colno}: {error.msg}",
            wanted="JSON",
            do="Mend that line or the one before it.",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(f"{path} cannot be read: {reason}", wanted="a config", do="Check it.") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{path} holds a {type(content).__name__}", wanted="keys", do="Check the file.")
    return content


def shown(key: str) -> str:
    """An id as a person writes it on the command line."""
    return key.replace(_SEPARATOR, "#")


def _resolve(parser: ConfigParser, files: Sequence[Path]) -> None:
    try:
        parser.resolve_macro_and_relative_ids()  # type: ignore[no-untyped-call]
    except (OSError, KeyError, ValueError, IndexError) as error:
        raise SettingsError(
            f"{' and '.join(map(str, files))}: a value that begins with % or @# leads nowhere ({error})",
            wanted="the path of a file and a key in it",
            do="Mend the value.",
        ) from error


def _once(pairs: list[tuple[str, Any]], path: Path) -> dict[str, Any]:
    """Refuse what JSON allows and MONAI only warns of."""
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise SettingsError(f"{path}: {twice} stands there twice", wanted="it once", do="Remove one.")
    return content


def _plain(key: str) -> str:
    """A key of a file as an id: `+` only says that it is merged."""
    return ReferenceResolver.normalize_id(key.removeprefix("+"))


def _sets(keys: frozenset[str], key: str) -> bool:
    return any(key == k or key.startswith(k + _SEPARATOR) for k in keys)


def _flat(base: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict | list):
        return
    for _, key, below in ReferenceResolver.iter_subconfigs(base, value):
        yield key, below
        yield from _flat(key, below)
