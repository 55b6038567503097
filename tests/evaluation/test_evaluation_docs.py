"""The examples in the pages on comparison and scores run as they stand."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["evaluation_compare.md", "evaluation_scores.md"])
def test_the_library_example_runs(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    (example,) = re.findall(r"## As a library\n\n```python\n(.*?)```", text, re.DOTALL)
    exec(compile(example, page, "exec"), {})
    assert capsys.readouterr().out


@pytest.mark.shared_data
def test_the_table_of_the_example_gives_the_numbers_of_the_page(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lungmonai.cli import main

    text = (DOCS / "evaluation_scores.md").read_text(encoding="utf-8")
    script = re.findall(r"```python\n(import csv\n.*?)```", text, re.DOTALL)[0]
    (tmp_path / "nodules.csv").write_bytes((shared_data / "lidc_nodules" / "nodules.csv").read_bytes())
    monkeypatch.chdir(tmp_path)
    exec(compile(script, "evaluation_scores.md", "exec"), {})
    assert main(["evaluate", "scores", "spiculation.csv"]) == 0
    expected = re.findall(r"```text\n(spiculation.*?)```", text, re.DOTALL)[0]
    assert capsys.readouterr().out.startswith(expected)
