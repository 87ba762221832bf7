"""Help that can be read: whole sentences, options in groups, near names for mistyped ones, completion, colours."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pytest
from commands import Run

import ganmetrics as gm
from ganmetrics.cli import main
from ganmetrics.cli.grouped_help import FEW, GROUPS
from ganmetrics.cli.main import group
from ganmetrics.cli.output import coloured
from ganmetrics.scoring.difference import Difference

SHORT = 60  # characters of a first sentence, which an 80-column terminal shows whole


def walk(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from walk(found, (*path, name))


COMMANDS = dict(walk(group))


def page(path: tuple[str, ...], width: int = 80) -> str:
    command = COMMANDS[path]
    context = click.Context(command, info_name=" ".join(("ganmetrics", *path)), max_content_width=width)
    context.terminal_width = width
    return command.get_help(context)


def first_sentence(text: str) -> str:
    return re.split(r"\.(?:\s|$)|\s\s\[|\n\n", text.strip())[0]


def test_the_first_sentence_of_each_command_is_short_and_whole() -> None:
    for path, command in COMMANDS.items():
        sentence = first_sentence(command.help or "")
        assert 0 < len(sentence) <= SHORT, (path, sentence)
        assert sentence[0].isupper() and "\n" not in sentence, (path, sentence)
        assert "..." not in command.get_short_help_str(SHORT + 1) and "…" not in sentence, path


def test_the_first_sentence_of_each_option_is_short_and_whole() -> None:
    for path, command in COMMANDS.items():
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                sentence = first_sentence(option.help or "")
                assert 0 < len(sentence) <= SHORT, (path, option.name, sentence)
                assert not sentence.startswith(("Of ", "That ", "Whose ", "Who ", "The same")), (path, option.name)


@pytest.mark.parametrize("width", [80, 100, 200])
def test_the_lists_of_commands_are_not_cut(width: int) -> None:
    for path, command in COMMANDS.items():
        if isinstance(command, click.Group):
            lines = page(path, width).splitlines()
            for name in command.list_commands(click.Context(command)):
                sentence = first_sentence(COMMANDS[(*path, name)].help or "")
                assert any(re.fullmatch(rf"  {name} +{re.escape(sentence)}\.?", line) for line in lines), (path, name)


def test_options_stand_in_groups() -> None:
    text = page(("evaluate",))
    places = [text.index(f"\n{name}:") for name in GROUPS]
    assert places == sorted(places)
    sections = dict(zip(GROUPS, re.split(r"\n(?:Common|Images|Network|Scores|Output):\n", text)[1:], strict=True))
    for name, option in [("Common", "--quiet"), ("Images", "--alpha"), ("Network", "--device"), ("Scores", "--ci"),
                         ("Output", "--json"), ("Scores", "--metrics"), ("Common", "--help")]:  # fmt: skip
        assert option in sections[name], (name, option)
    assert "\nOptions:" in page(("list", "metrics"))
    for path, command in COMMANDS.items():
        visible = [each for each in command.get_params(click.Context(command)) if not getattr(each, "hidden", False)]
        names = {getattr(each, "group", "Common") for each in visible if isinstance(each, click.Option)}
        assert names <= set(GROUPS), path
        assert len(visible) < FEW or "\nOptions:" not in page(path) or len(names) < 2 or path[0] != "evaluate"


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (["fidd", "a", "b"], "Did you mean 'fid'?"),
        (["FID", "a", "b"], "Did you mean 'fid'?"),
        (["evalute", "a", "b"], "Did you mean 'evaluate'?"),
        (["stats", "shwo"], "Did you mean 'show'?"),
        (["generators", "smaple"], "Did you mean 'sample'?"),
        (["generators", "show", "dcgan-mnits"], "Did you mean 'dcgan-mnist'?"),
        (["fid", "real", "fake", "--protocol", "clean-fidd"], "Did you mean 'clean-fid'?"),
        (["fid", "real", "fake", "--extractor", "pixel"], "Did you mean 'pixels'?"),
        (["evaluate", "real", "fake", "--extractor", "pixels", "--metrics", "fidd"], "Did you mean 'fid'?"),
        (["fid", "real", "ckpt-40k", "--extractor", "pixels"], "Did you mean 'ckpt-40000'?"),
        (["fid", "real", "runs/ckpt-40k", "--extractor", "pixels"], "ckpt-40000'?"),
        (["fid", "mnist-tset", "fake"], "Did you mean 'mnist-test'?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistyped_name_is_answered_with_the_nearest(
    arguments: list[str], near: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("real", "fake", "ckpt-40000", "runs/ckpt-40000"):
        (tmp_path / name).mkdir(parents=True)
        for index in range(3):
            (tmp_path / name / f"{index}.png").write_bytes(PNG)
    done = run(*arguments)
    assert done.returncode in (2, 3)
    assert near in done.stderr, done.stderr


def _png() -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), 90, dtype=np.uint8)).save(stream, format="PNG")
    return stream.getvalue()


PNG = _png()


def test_metrics_may_be_written_as_papers_write_them() -> None:
    from ganmetrics.metrics import metric

    assert [metric(text).name for text in ("FID", "KID(subset_size=20)", "IS", "ISC")] == ["fid", "kid", "is", "is"]
    with pytest.raises(gm.UsageError, match="unknown metric 'FIDD'"):
        metric("FIDD")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shell: str, run: Run) -> None:
    done = run("completion", shell)
    assert done.returncode == 0
    assert "_GANMETRICS_COMPLETE" in done.stdout and f"{shell}_complete" in done.stdout


def test_the_script_is_answered(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for words, place, expected in [("ganmetrics eva", 1, "evaluate"), ("ganmetrics fid mnist-te", 2, "mnist-test")]:
        monkeypatch.setenv("_GANMETRICS_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(place))
        with pytest.raises(SystemExit) as ending:
            main([])
        assert ending.value.code == 0
        out = capsys.readouterr().out
        assert f"plain,{expected}" in out
        assert ("file," in out) == (place == 2), "paths are completed too"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


VERDICTS = {
    "severe       mode collapse: 2 of 3 classes": "severe",
    "ok           low quality: near enough": "ok",
    "cannot tell  memorisation: no held-out images": "cannot tell",
    "FID(digits): a - b = +1.0000 (0.5 to 1.5, 95%): a is worse": "worse",
    "FID(digits): a - b = +1.0000: cannot tell: this score has no interval": "cannot tell",
}


@pytest.mark.parametrize("text", VERDICTS)
def test_verdicts_have_colour_on_a_terminal_alone(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert coloured(text) == text, "in a pipe"
    monkeypatch.setattr("sys.stdout", Terminal())
    verdict = VERDICTS[text]
    assert re.search(rf"\x1b\[\d+m *{verdict}\x1b\[0m", coloured(text))
    assert click.unstyle(coloured(text)) == text
    monkeypatch.setenv("NO_COLOR", "1")
    assert coloured(text) == text


def test_the_direction_of_a_score_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    text = "FID(digits)  9.7216  (8.5 to 11.1, 95%)  lower is better\nIS  3.2  higher is better"
    assert coloured(text) == text
    difference = Difference("fid", "FID", "a", "b", -1.0, gm.Interval(-2.0, -0.5, "expansion"), False)
    assert coloured(str(difference)).endswith("better\x1b[0m")


def test_an_option_that_has_no_effect_is_refused(run: Run) -> None:
    for arguments, said in (
        (["compare", "a", "b", "c", "--protocol", "all"], "one protocol serves a comparison"),
        (["fid", "a", "b", "--attribute", "3", "--protocol", "clean-fid"], "has no effect here"),
        (["evaluate", "a", "b", "--baseline", "b"], "stands among several sets"),
    ):
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
