"""What is wrong with a config, found before anything is built.

MONAI finds the same things one at a time, while it builds, and says them in tracebacks.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from monai.bundle import ConfigComponent, ReferenceResolver

from ..errors import SettingsError
from .config import Config, shown
from .expressions import expression_problem, imported_names, is_expression
from .kinds import KINDS, is_open, takes
from .nearest import nearest
from .targets import TargetError, misfit, target_named

__all__ = ["Problem", "config_problems"]

_Values = Mapping[str, Any]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Args:
        file: what set the key.
        key: the key, with `#` between its parts.
        what: what is wrong with it, as the end of a sentence that begins with the key.
        wanted: what would be right.
    """

    file: str
    key: str
    what: str
    wanted: str

    def error(self) -> SettingsError:
        """It as an error, whose text is one line."""
        came = f"{self.file}: {self.key} {self.what}"
        return SettingsError(came, wanted=self.wanted, do=f"Mend {self.key}.")


def config_problems(config: Config) -> list[Problem]:
    """Everything that is wrong with a config: references, expressions, imports, targets, arguments."""
    values = config.items()
    names = set(config.parser.globals) | imported_names(list(values.values()))
    found: list[Problem] = []
    for key, value in values.items():
        where = config.file_of(key), shown(key)
        found += (Problem(*where, *text) for text in _reference_problems(value, values))
        if is_expression(value) and (why := expression_problem(value, names)):
            found.append(Problem(*where, why, "an expression that can be evaluated"))
        if ConfigComponent.is_instantiable(value) and not _disabled(value):
            found += _component_problems(config, key, value, values)
    return found


def _reference_problems(value: Any, values: _Values) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        for name in ReferenceResolver.match_refs_pattern(value):
            if name and name not in values and not name.startswith("_meta_"):
                close = nearest(shown(name), map(shown, values))
                yield f"refers to @{shown(name)}, which is nowhere defined", f"one of its keys{close}"


def _disabled(component: _Values) -> bool:
    # An expression decides later: what it may switch off must be right all the same.
    return str(component.get("_disabled_", False)).lower() == "true"


def _component_problems(config: Config, key: str, component: _Values, values: _Values) -> Iterator[Problem]:
    name = component["_target_"]
    where = config.file_of(key), shown(key)
    if is_open(name):
        return
    try:
        target = target_named(str(name), config.parser.locator)
    except TargetError as error:
        named = f"{key}{ReferenceResolver.sep}_target_"
        wanted = f"a class or function of MONAI or of an installed package{error}"
        yield Problem(config.file_of(named), shown(named), f"is {name}, which is not there", wanted)
        return
    given = {k: v for k, v in component.items() if k not in ConfigComponent.non_arg_keys}
    why = misfit(target, given, partly=component.get("_mode_") == "callable")
    if why:
        yield Problem(*where, f"({name}) {why}", "the arguments that it takes")
    for argument in given:
        yield from _kind_problem(config, f"{key}{ReferenceResolver.sep}{argument}", target, values)


def _kind_problem(config: Config, key: str, target: Any, values: _Values) -> Iterator[Problem]:
    """An argument of a plain type whose value, or the value that it refers to, is of another."""
    argument = key.rpartition(ReferenceResolver.sep)[2]
    wanted = _wanted_kind(target, argument)
    origin = _origin(key, values)
    value = values.get(origin)
    if wanted is None or takes(wanted, value, loose_text=False):
        return
    for_whom = "" if origin == key else f" for {shown(key)}"
    yield Problem(config.file_of(origin), shown(origin), f"is {value!r}", dict(KINDS)[wanted] + for_whom)


def _wanted_kind(target: Any, argument: str) -> type | None:
    try:
        annotation = inspect.signature(target).parameters[argument].annotation
    except (TypeError, ValueError, KeyError):
        return None
    return next((kind for kind, _ in KINDS if annotation in (kind, kind.__name__)), None)


def _origin(key: str, values: _Values) -> str:
    """The key at which a value stands that is only referred to, from reference to reference."""
    seen = set()
    while key not in seen:
        seen.add(key)
        value = values.get(key)
        if isinstance(value, str) and value.startswith("@") and value[1:] in values:
            key = value[1:]
    return key
