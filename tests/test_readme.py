"""What README.md and CONTRIBUTING.md name exists: commands, options, files, links, exit codes."""

import argparse
import os
import re
import shlex
from pathlib import Path

import pytest

from lungmonai.cli import EXIT_CODES, build_parser
from lungmonai.commands.verb import FOUND

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")


def commands(start: str) -> list[str]:
    """Lines of the README's code blocks that begin with `start`."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith(start)]


def option_strings(parser: argparse.ArgumentParser) -> set[str]:
    """Every option of a parser and of its verbs."""
    found: set[str] = set()
    for action in parser._actions:
        found.update(action.option_strings)
        if isinstance(action, argparse._SubParsersAction):
            for verb in action.choices.values():
                found |= option_strings(verb)
    return found


@pytest.mark.parametrize("command", commands("lungmonai "))
def test_each_lungmonai_command_parses(command: str) -> None:
    build_parser().parse_args(shlex.split(command)[1:])


@pytest.mark.parametrize("command", commands("scripts/"))
def test_each_script_can_be_run(command: str) -> None:
    script = ROOT / shlex.split(command)[0]
    assert os.access(script, os.X_OK)
    assert script.read_text(encoding="utf-8").startswith("#!")


@pytest.mark.parametrize("command", commands("python -m monai.bundle"))
def test_each_bundle_command_names_a_config_and_its_keys(command: str) -> None:
    from monai.bundle import ConfigParser

    words = shlex.split(command)
    assert words[3] == "run"
    options = dict(zip(words[5::2], words[6::2], strict=True))
    config = ConfigParser.load_config_file(ROOT / options.pop("--config_file"))
    assert words[4] in config
    assert {option.removeprefix("--") for option in options} <= set(config)


def test_there_are_commands_of_every_kind() -> None:
    assert all(commands(start) for start in ("lungmonai ", "scripts/", "python -m monai.bundle"))


def test_each_option_that_is_explained_exists() -> None:
    explained = set(re.findall(r"^\|[^|]*\|", README, re.MULTILINE))
    named = {option for cell in explained for option in re.findall(r"`(--[\w-]+)", cell)}
    assert len(named) >= 9
    assert named <= option_strings(build_parser())


def test_exit_codes_are_those_of_the_command() -> None:
    cells = re.findall(r"^\| (\d+(?:, \d+)*) \|", README, re.MULTILINE)
    documented = {int(code) for cell in cells for code in cell.split(", ")}
    # 1 is Python's own, 128 + 2 and 128 + 15 are the shell's for SIGINT and SIGTERM.
    assert documented == {0, 1, 130, 143, FOUND} | {code for _, code in EXIT_CODES}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_scripts_and_folders_that_are_named_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = re.findall(r"`(?:python )?((?:scripts|tests|lungmonai|bundles|\.ci)/[\w./]*)", text)
    assert [path for path in named if not (ROOT / path).exists()] == []
