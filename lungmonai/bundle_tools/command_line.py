"""The command line of `python -m monai.bundle run`, and the keys that it may override.

MONAI takes every `--key value` and adds the key where it is unknown, so that a slip of the finger
changes nothing and says nothing.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fire.parser import DefaultParseValue
from monai.bundle import ConfigComponent, ConfigParser, ConfigWorkflow, ReferenceResolver, run
from monai.bundle.utils import DEFAULT_EXP_MGMT_SETTINGS

from ..errors import SettingsError
from .config import Config, read_config, shown
from .kinds import KINDS, kind_of, takes
from .nearest import nearest
from .targets import TargetError, misfit, target_named

__all__ = ["BundleCommand", "bundle_command", "check_overrides", "check_run_id"]

_PROGRAM = ("monai", "bundle", "__main__.py")
_VERBS = ("run", "run_workflow")
# As Fire tells an option from a value: `-5` is a value.
_OPTION = re.compile(r"--|-[a-zA-Z]")
# The arguments of MONAI's verbs; every other option overrides a key.
_POSITIONAL = [name for name in inspect.signature(run).parameters if name != "override"]
_ARGUMENTS = {*_POSITIONAL, *inspect.signature(ConfigWorkflow).parameters, "workflow_name"} - {"override"}


@dataclass(frozen=True)
class BundleCommand:
    """A call of MONAI's `run`.

    Args:
        arguments: MONAI's own, such as `config_file`.
        overrides: what was given for keys of the config.
    """

    arguments: Mapping[str, Any]
    overrides: Mapping[str, Any]

    @property
    def config_files(self) -> tuple[Path, ...]:
        """The config files, in the order in which they are merged."""
        named = self.arguments.get("config_file") or ()
        if isinstance(named, str):
            named = named.split(",") if not Path(named).is_file() else [named]
        return tuple(Path(str(name)) for name in named)

    def config(self) -> Config:
        """The config with the overrides, as MONAI runs it; unknown keys are refused first.

        Raises:
            SettingsError: a file cannot be read, or an override is wrong.
        """
        plain = read_config(self.config_files)
        check_overrides(plain, self.overrides, tracking=self.arguments.get("tracking"))
        return read_config(self.config_files, self.overrides, metadata=self._metadata)

    @property
    def _metadata(self) -> Path:
        return Path(str(self.arguments.get("meta_file") or self.config_files[0].parent / "metadata.json"))


def bundle_command(words: Sequence[str]) -> BundleCommand | None:
    """What a process was called with, if it is `python -m monai.bundle run`; None if it is not.

    Args:
        words: `sys.argv`.
    """
    if Path(words[0]).parts[-3:] != _PROGRAM or len(words) < 2 or words[1] not in _VERBS:
        return None
    given = dict(_pairs(words[2:]))
    named = given.pop("args_file", None)
    if named:  # a file of defaults for all the others
        given = {**ConfigParser.load_config_file(str(named)), **given}
    given = {key: value for key, value in given.items() if value is not None}
    arguments = {key: value for key, value in given.items() if key in _ARGUMENTS}
    overrides = {key.removeprefix("+"): v for key, v in given.items() if key not in _ARGUMENTS}
    return BundleCommand(arguments, overrides) if arguments.get("config_file") else None


def check_overrides(config: Config, overrides: Mapping[str, Any], *, tracking: str | None = None) -> None:
    """Refuse an override of a key that is not there, or by a value of another kind.

    Args:
        config: as the files give it.
        overrides: values by key.
        tracking: MONAI's argument; its settings are keys too.

    Raises:
        SettingsError: names the key, the files and the nearest key.
    """
    values = config.items()
    also: Mapping[str, Any] = DEFAULT_EXP_MGMT_SETTINGS.get(str(tracking), {}).get("configs", {})  # type: ignore[assignment]
    for name, value in overrides.items():
        key = ReferenceResolver.normalize_id(name)
        if key.startswith(ConfigParser.meta_key) or (tracking and key in also):
            continue
        if key in values:
            _check_kind(config, key, values[key], value)
        elif not _new_argument(config, key, values):
            raise _unknown(config, f"--{shown(key)}", f"{nearest(shown(key), map(shown, values))}")


def check_run_id(config: Config, run_id: str) -> None:
    """Refuse a run that the config does not have.

    Raises:
        SettingsError: there is no such key.
    """
    if run_id not in config.parser:
        lists = [key for key, value in config.items().items() if isinstance(value, list) and ":" not in key]
        raise _unknown(config, run_id, nearest(run_id, lists))


def _pairs(words: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Options with their values, and the words that stand alone by the names that MONAI gives them."""
    places = iter(_POSITIONAL)
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not _OPTION.match(word):
            yield next(places, ""), DefaultParseValue(word)
            continue
        name, equals, value = word.lstrip("-").partition("=")
        if not equals:
            # An option without a value is a switch.
            value = rest.pop(0) if rest and not _OPTION.match(rest[0]) else "True"
        yield name.replace("-", "_"), DefaultParseValue(value)


def _check_kind(config: Config, key: str, default: Any, value: Any) -> None:
    kind = kind_of(default)
    if kind is not None and not takes(kind, value, loose_text=True):
        raise SettingsError(
            f"--{shown(key)} is {value!r}",
            wanted=f"{dict(KINDS)[kind]}, as in {config.file_of(key)}, which has {_short(default)}",
            do="Give such a value.",
        )


def _new_argument(config: Config, key: str, values: Mapping[str, Any]) -> bool:
    """Whether a key that is not there is an argument that its component would take."""
    above, _, name = key.rpartition(ReferenceResolver.sep)
    component: Any = values.get(above)
    if not ConfigComponent.is_instantiable(component):
        return False
    if name in ConfigComponent.non_arg_keys:
        return True
    try:
        target = target_named(str(component["_target_"]), config.parser.locator)
    except TargetError:
        return False
    return misfit(target, {name: None}, partly=True) is None


def _unknown(config: Config, what: str, close: str) -> SettingsError:
    return SettingsError(
        f"{what} is no key of {config.named}",
        wanted=f"one of its keys{close}",
        do="Correct it or leave it out.",
    )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:39] + "…"
