"""Targets are found where MONAI finds them; arguments that Python would refuse are refused."""

import json
from typing import Any

import pytest
from monai.bundle import ComponentLocator, ConfigComponent

from lungmonai.bundle_tools.targets import TargetError, full_name, misfit, target_named

LOCATOR = ComponentLocator()


@pytest.mark.parametrize("name", ["LoadImaged", "DataLoader", "torch.nn.Conv2d", "json.dumps"])
def test_a_target_has_the_name_that_monai_gives_it(name: str) -> None:
    assert full_name(name, LOCATOR) == ConfigComponent({"_target_": name}, "x", LOCATOR).resolve_module_name()
    assert callable(target_named(name, LOCATOR))


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("LoadImged", ", the nearest is LoadImaged"),
        ("json.dump_s", ", the nearest is json.dumps"),
        ("lungmonai.networks.NoduleCN", ", the nearest is lungmonai.networks.NoduleCNN"),
        ("nowhere.Thing", ""),
    ],
)
def test_what_is_not_there(name: str, close: str) -> None:
    with pytest.raises(TargetError) as raised:
        target_named(name, LOCATOR)
    assert str(raised.value) == close


def takes_two(a: int, b: int = 1) -> None: ...


def takes_any(a: int, **more: int) -> None: ...


@pytest.mark.parametrize("target", [takes_two, takes_any])
@pytest.mark.parametrize("given", [{}, {"a": 1}, {"a": 1, "b": 2}, {"a": 1, "c": 3}, {"b": 2}])
def test_it_agrees_with_python(target: Any, given: dict[str, int]) -> None:
    try:
        target(**given)
    except TypeError:
        assert misfit(target, given, partly=False) is not None
    else:
        assert misfit(target, given, partly=False) is None


def test_what_is_said() -> None:
    assert misfit(takes_two, {"a": 1, "bb": 1}, partly=False) == (
        "gets bb, which it does not take, the nearest is b"
    )
    assert misfit(takes_two, {}, partly=False) == "lacks a"
    assert misfit(takes_two, {}, partly=True) is None
    assert misfit(json, {"a": 1}, partly=False) is None  # no callable: MONAI gives it as it is
