"""Discovery of plug-in files, and the answer to a name that is none of them."""

from __future__ import annotations

import sys

import pytest

from ganmetrics.errors import UsageError
from ganmetrics.registry import Registry, unknown

MODULES = {
    "beta.py": "from types import SimpleNamespace\nTHING = SimpleNamespace(name='second')\n",
    "alpha.py": "from types import SimpleNamespace\nTHING = SimpleNamespace(name='first')\n",
    "helper.py": "OTHER = 1\n",
    "notes.txt": "THING = 1",
}


@pytest.fixture
def registry(tmp_path, monkeypatch):
    folder = tmp_path / "plugins_of_a_test"
    folder.mkdir()
    for name, text in {"__init__.py": "", **MODULES}.items():
        (folder / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield Registry("plugins_of_a_test", "THING", "thing")
    for name in [name for name in sys.modules if name.split(".")[0] == "plugins_of_a_test"]:
        del sys.modules[name]


def test_records_are_found_in_the_order_of_their_files(registry):
    assert registry.names() == ["first", "second"]
    assert registry["second"].name == "second"


def test_the_folder_is_read_on_first_use_and_once(registry, tmp_path):
    assert "plugins_of_a_test" not in sys.modules
    first = registry.records()
    (tmp_path / "plugins_of_a_test" / "gamma.py").write_text(MODULES["beta.py"].replace("second", "third"))
    assert registry.records() is first
    assert registry.names() == ["first", "second"]


def test_a_record_in_the_file_of_its_name_is_found_without_its_neighbours(registry, tmp_path):
    folder = tmp_path / "plugins_of_a_test"
    (folder / "with_dashes.py").write_text(MODULES["beta.py"].replace("second", "with-dashes"))
    assert "with-dashes" in registry
    assert registry["with-dashes"].name == "with-dashes"
    assert "plugins_of_a_test.alpha" not in sys.modules
    assert registry.get("helper") is None
    assert registry["first"] is registry.records()["first"]
    assert registry["with-dashes"] is registry.records()["with-dashes"]


def test_an_unknown_name_is_answered_with_the_nearest(registry):
    with pytest.raises(UsageError) as caught:
        registry["secnod"]
    assert str(caught.value) == "unknown thing 'secnod'. Did you mean 'second'? Known: first, second"
    assert (caught.value.code, caught.value.exit_code) == ("E-UNKNOWN", 2)


def test_a_name_like_no_other_gets_the_list_only():
    assert unknown("metric", "xyzzy", ["fid", "kid"]).hint == "Known: fid, kid"
