"""The examples in the docstrings give what they say, and the metrics load nothing heavy."""

import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

import lungmonai.evaluation
import lungmonai.metrics

# running.py holds what an engine keeps; it needs torch.
METRICS = sorted(
    module.name
    for module in pkgutil.iter_modules(lungmonai.metrics.__path__, "lungmonai.metrics.")
    if module.name != "lungmonai.metrics.running"
)
EVALUATION = sorted(
    module.name for module in pkgutil.walk_packages(lungmonai.evaluation.__path__, "lungmonai.evaluation.")
)
HEAVY = ("torch", "monai", "matplotlib", "pandas", "sklearn", "scipy.stats", "scipy.optimize")
# What the modules of the evaluation may not load when they are imported.
FORBIDDEN = ("torch", "monai", "matplotlib.pyplot")


@pytest.mark.parametrize("name", METRICS)
def test_the_examples_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()
    with_examples = [
        name
        for name in METRICS
        if any(test.examples for test in finder.find(importlib.import_module(name), name))
    ]
    assert len(METRICS) > 15
    assert len(with_examples) >= len(METRICS) - 2


@pytest.mark.parametrize(("names", "unwanted"), [(METRICS, HEAVY), (EVALUATION, FORBIDDEN)])
def test_importing_is_light(names: list[str], unwanted: tuple[str, ...]) -> None:
    """One process imports them all, and tells after which one something unwanted was there."""
    code = (
        "import importlib, sys\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module(name)\n"
        f"    found = [one for one in {unwanted!r} if one in sys.modules]\n"
        "    if found: sys.exit(f'{name} loads {found}')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
