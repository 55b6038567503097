"""Bars that a person reads."""

import re
from pathlib import Path

import pytest

import lungmonai
from lungmonai.progress import Bars

CALLED = re.compile(r"""progress\("(\w+)",""")


def test_a_bar_says_what_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    with Bars() as bars:
        bars("warm", 0, 2)
        bars("warm", 2, 2)
    assert re.search(r"Filling the cache *: 100%.* 2/2 ", capsys.readouterr().err)


def test_a_quiet_one_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Bars(quiet=True) as bars:
        bars("warm", 1, 2)
    assert capsys.readouterr().err == ""


def test_every_stage_of_one_word_has_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    sources = Path(lungmonai.__file__).parent.rglob("*.py")
    stages = {stage for path in sources for stage in CALLED.findall(path.read_text(encoding="utf-8"))}
    assert {"read", "warm", "verify"} <= stages
    for stage in stages:
        with Bars() as bars:
            bars(stage, 1, 1)
        assert re.search(r"^\s*[A-Z]", capsys.readouterr().err), stage
