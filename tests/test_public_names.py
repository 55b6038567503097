"""The public names are a list, the list is complete, and importing it costs nothing."""

import importlib
import pkgutil
import subprocess
import sys
from types import ModuleType

import pytest

import lungmonai

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(lungmonai.__path__, "lungmonai.")
    if "._" not in module.name
)


def test_the_modules_were_found() -> None:
    assert len(MODULES) > 150


@pytest.mark.parametrize("name", MODULES)
def test_all_is_sorted_complete_and_true(name: str) -> None:
    module = importlib.import_module(name)
    listed = module.__all__
    assert len(set(listed)) == len(listed)
    values = [getattr(module, public) for public in listed]
    # A name that is also a module's would be the one or the other by what was imported before.
    assert not any(value is None or isinstance(value, ModuleType) for value in values)
    defined = {
        key
        for key, value in vars(module).items()
        if getattr(value, "__module__", None) == name and callable(value) and not key.startswith("_")
    }
    assert defined <= set(listed)


PACKAGES = sorted(
    module.name.removeprefix("lungmonai")
    for module in pkgutil.walk_packages(lungmonai.__path__, "lungmonai.")
    if module.ispkg
)


@pytest.mark.parametrize("package", ["", ".cli", *PACKAGES])
def test_importing_loads_neither_torch_nor_monai(package: str) -> None:
    code = f"import sys, lungmonai{package}; print([m for m in ('torch', 'monai') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
