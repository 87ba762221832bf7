"""Every setting of every bundled training: what it may not be is refused in one sentence, before anything is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import Run

import ganmetrics as gm
from ganmetrics.generators.runs import begin, recipes
from ganmetrics.generators.setting_rules import rules_of

NONSENSE = {
    int: ("", "x", "1.5", "nan", "-1", "1_0", "99999999999999999999"),
    float: ("", "x", "nan", "inf", "-inf", "-1", "1e300", "0_1"),
    str: ("nonsense", "32,16,8,8", "-1", "0", "../..", "64 48 32 16 8", "0 0 0 0", "77"),
}
RECIPES = sorted(recipes())


def refusal(name: str, change: str) -> str:
    with pytest.raises(gm.UsageError) as caught:
        begin(name, Path("nowhere"), changes=[change])
    return str(caught.value)


@pytest.mark.parametrize("name", RECIPES)
def test_nonsense_is_refused_with_what_the_setting_may_be(name: str) -> None:
    settings = recipes()[name][1].settings
    for setting in rules_of(settings):
        may_be = {"classes": {"", "0"}}.get(setting, set())  # every class, and one
        for value in set(NONSENSE[type(getattr(settings, setting))]) - may_be:
            said = refusal(name, f"{setting}={value}")
            assert said.startswith(f"the setting {setting} is ")
            assert "; it must be " in said


@pytest.mark.parametrize("name", RECIPES)
def test_every_setting_may_be_what_it_is(name: str) -> None:
    settings = recipes()[name][1].settings
    changes = [f"{setting}={getattr(settings, setting)}" for setting in rules_of(settings)]
    assert begin(name, Path("nowhere"), changes=changes).recipe.settings == settings


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("cyclegan-mnist", "data=nonsense", "one of restyled-mnist, emoji"),
        ("gan-mnist", "loss=foo", "one of minimax, non-saturating"),
        ("gan-mnist", "optimizer=foo", "one of sgd, adam"),
        ("gan-mnist", "learning_rate=0", "a number above 0 and at most 10"),
        ("gan-mnist", "momentum=1", "a number at least 0 and below 1"),
        ("dcgan-mnist", "classes=x", "the digits of classes, each once"),
        ("dcgan-mnist", "classes=00", "the digits of classes, each once"),
        ("dcgan-mnist", "generator_steps=0", "a whole number from 1 to 1000"),
        ("progan-mnist", "widths=32,16,8,8", "such as '64 48 32 16'"),
        ("progan-mnist", "batch_size=0", "a whole number from 1 to 65536"),
        ("style-transfer", "contents=seqgan-oracle", "a generator of images, such as dcgan-mnist"),
    ],
)
def test_a_refusal_names_what_is_right(name: str, change: str, said: str) -> None:
    assert said in refusal(name, change)


@pytest.mark.parametrize("change", ["penalty=10", "clip=0"])
def test_a_critic_is_bounded_in_exactly_one_way(change: str) -> None:
    assert "exactly one of them must be above 0" in refusal("wgan-mnist", change)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["width"], "the setting width has no value"),
        (["width=3", "width=4"], "the setting width is given twice"),
        (["=3"], "unknown setting ''"),
        (["windth=3"], "Did you mean 'width'?"),
    ],
)
def test_a_change_that_is_none_is_refused(changes: list[str], said: str) -> None:
    with pytest.raises(gm.UsageError, match=said.replace("?", r"\?")):
        begin("gan-mnist", Path("nowhere"), changes=changes)


def test_the_command_refuses_with_exit_code_2_and_writes_nothing(tmp_path: Path, run: Run) -> None:
    done = run("generators", "train", "progan-mnist", "-o", str(tmp_path / "run"), "--set", "batch_size=0")
    assert done.returncode == 2
    assert "the setting batch_size is 0; it must be a whole number from 1 to 65536" in done.stderr
    assert not (tmp_path / "run").exists()
