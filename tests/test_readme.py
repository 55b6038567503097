"""What the README and the other pages name exists: commands, options, files, links, exit codes."""

import argparse
import ast
import os
import re
import shlex
from pathlib import Path

import pytest

from lungmonai.cli import EXIT_CODES, build_parser
from lungmonai.commands.verb import FOUND

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = sorted(page.relative_to(ROOT).as_posix() for page in ROOT.glob("docs/*.md"))
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", *DOCS)
NETS = ("seg", "nodule", "malignancy")
MONAI_RUN = "-m monai.bundle run "


def commands(start: str) -> list[str]:
    """Lines that begin with `start` in the code blocks of the README and of the pages of docs."""
    texts = [(ROOT / page).read_text(encoding="utf-8") for page in ("README.md", *DOCS)]
    block = re.compile(r"^ *```\w*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
    lines = [line.strip() for text in texts for found in block.findall(text) for line in found.splitlines()]
    return sorted({line for line in lines if line.startswith(start)})


def bundle_commands() -> list[str]:
    """What is run of the bundles that lie here, by one process or several."""
    lines = [line for start in ("python ", "torchrun ") for line in commands(start)]
    return [line for line in lines if MONAI_RUN in line and "bundles/" in line]


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
    build_parser().parse_args(shlex.split(command, comments=True)[1:])


@pytest.mark.parametrize("command", commands("scripts/"))
def test_each_script_can_be_run(command: str) -> None:
    script = ROOT / shlex.split(command)[0]
    assert os.access(script, os.X_OK)
    assert script.read_text(encoding="utf-8").startswith("#!")


@pytest.mark.parametrize("command", bundle_commands())
def test_each_bundle_command_names_configs_and_their_keys(command: str) -> None:
    from monai.bundle import ConfigParser

    run_id, *words = shlex.split(command.partition(MONAI_RUN)[2])
    options = dict(zip(words[::2], words[1::2], strict=True))
    named = options.pop("--config_file")
    files = ast.literal_eval(named) if named.startswith("[") else [named]
    parser = ConfigParser()
    parser.read_config([ROOT / file for file in files])
    assert run_id in parser.config
    assert all(option.removeprefix("--") in parser for option in options)


def test_there_are_commands_of_every_kind() -> None:
    assert all(commands(start) for start in ("lungmonai ", "scripts/", "torchrun "))
    named = set(re.findall(r"bundles/\w+/\w+\.json", " ".join(bundle_commands())))
    assert {f"bundles/{net}/{config}.json" for net in NETS for config in ("train", "evaluate")} <= named


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
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []


@pytest.mark.parametrize("page", DOCS)
def test_the_readme_leads_to_every_page(page: str) -> None:
    assert f"]({page})" in README


@pytest.mark.parametrize("page", PAGES)
def test_scripts_and_folders_that_are_named_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = re.findall(r"`(?:python )?((?:scripts|tests|lungmonai|bundles|\.ci)/[\w./]*)", text)
    assert [path for path in named if not (ROOT / path).exists()] == []
