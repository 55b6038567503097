"""The public names are a list, the list is complete, and importing it costs nothing."""

import importlib
import pkgutil
import subprocess
import sys

import pytest

import lungmonai

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(lungmonai.__path__, "lungmonai.")
    if "._" not in module.name
)


def test_the_modules_were_found() -> None:
    assert len(MODULES) > 50


@pytest.mark.parametrize("name", MODULES)
def test_all_is_sorted_complete_and_true(name: str) -> None:
    module = importlib.import_module(name)
    listed = module.__all__
    assert len(set(listed)) == len(listed)
    assert all(getattr(module, public) is not None for public in listed)
    defined = {
        key
        for key, value in vars(module).items()
        if getattr(value, "__module__", None) == name and callable(value) and not key.startswith("_")
    }
    assert defined <= set(listed)


@pytest.mark.parametrize(
    "package",
    ["", ".io", ".networks", ".analysis", ".export", ".cli", ".data", ".data.phantom", ".transforms"],
)
def test_importing_loads_neither_torch_nor_monai(package: str) -> None:
    code = f"import sys, lungmonai{package}; print([m for m in ('torch', 'monai') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
