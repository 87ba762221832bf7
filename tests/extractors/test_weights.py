"""Weights: found where they are, fetched once, never trusted before their bytes are checked."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from serving import BODY, HASTE, environment, good, running, sends, sha256, status, trickles, weight_file

import ganmetrics
from ganmetrics.cli.weights_command import command
from ganmetrics.errors import GanMetricsWarning, ResourceError, UsageError, WeightsError
from ganmetrics.extractors.weights import weight_store as weights

ROOT = Path(ganmetrics.__file__).parents[1]
FLIPPED = BODY[:1000] + bytes([BODY[1000] ^ 1]) + BODY[1001:]


@pytest.fixture(autouse=True)
def cold(monkeypatch, tmp_path):
    environment(monkeypatch, tmp_path)


@pytest.fixture
def server():
    with running() as server:
        yield server


@pytest.fixture
def hub(tmp_path):
    return tmp_path / "torch" / "hub" / "checkpoints"


@pytest.fixture
def own(tmp_path):
    return tmp_path / "cache" / "ganmetrics" / "weights"


def put(path, body=BODY):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def fetch(file):
    return weights.fetch(file, progress=False, patience=HASTE)


# --- the table -------------------------------------------------------------------------------------------------------


def test_table_is_well_formed():
    for name, file in weights.WEIGHTS.items():
        assert file.name == name
        assert len(file.sha256) == 64 and set(file.sha256) <= set("0123456789abcdef")
        assert all(url.startswith("https://") for url in file.urls)
        hashed = [Path(filename).stem for filename in file.filenames if "-" in filename and "lpips" not in filename]
        assert all(stem.endswith(file.sha256[:8]) for stem in hashed if not name.startswith("clip"))
        assert all(file.sha256 in url for url in file.urls if name.startswith("clip"))


def test_known_refuses_a_typo_with_a_guess():
    with pytest.raises(UsageError, match="Did you mean inception-2015-12-05"):
        weights.known("inception-2015-12-5")
    with pytest.raises(UsageError, match="Known: inception"):
        weights.known("zzz")


def test_import_does_not_load_torch():
    code = "import sys, ganmetrics.extractors.weights.weight_store; sys.exit('torch' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-I", "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}).returncode == 0
    )


# --- where files are -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["TORCH_HOME", "XDG_CACHE_HOME", "HOME"])
def test_hub_folder_is_that_of_torch(monkeypatch, tmp_path, variable):
    for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name)
    monkeypatch.setenv(variable, str(tmp_path / "elsewhere"))
    expected = Path(torch.hub.get_dir()) / "checkpoints" / "pt_tiny.pth"
    assert weights.candidates(weight_file())[0] == expected


def test_candidates_in_order(monkeypatch, tmp_path, hub, own):
    names = ("pt_tiny.pth", "weights-tiny.pth")
    assert weights.candidates(weight_file()) == [hub / name for name in names] + [own / name for name in names]
    monkeypatch.setenv("GANMETRICS_WEIGHTS_DIR", str(tmp_path / "mine"))
    assert weights.candidates(weight_file())[2:] == [tmp_path / "mine" / name for name in names]
    monkeypatch.setenv("GANMETRICS_WEIGHTS_DIR", str(hub))
    assert weights.candidates(weight_file()) == [hub / name for name in names]


@pytest.mark.skipif(sys.platform == "win32", reason="home folders are found otherwise")
def test_user_without_a_home(monkeypatch, server, tmp_path):
    import pwd

    def nobody(uid):
        raise KeyError(uid)

    for name in ("TORCH_HOME", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    file = weight_file(server.url("/a", good))
    assert weights.candidates(file) == []
    with pytest.raises(ResourceError, match="Set GANMETRICS_WEIGHTS_DIR"):
        fetch(file)
    with pytest.raises(WeightsError, match=r"GANMETRICS_WEIGHTS_DIR/pt_tiny\.pth"):
        weights.required(file)
    monkeypatch.setenv("GANMETRICS_WEIGHTS_DIR", str(tmp_path / "mine"))
    assert fetch(file).parent == tmp_path / "mine"


@pytest.mark.parametrize("name", ["pt_tiny.pth", "weights-tiny.pth"])
def test_hub_folder_comes_first(server, hub, own, name):
    put(own / "pt_tiny.pth")
    put(hub / name)
    assert fetch(weight_file(server.url("/a", good))) == hub / name
    assert server.requests == []


def test_wrong_file_in_the_hub_is_left_alone(server, hub, own):
    wrong = put(hub / "pt_tiny.pth", FLIPPED)
    with pytest.warns(GanMetricsWarning) as caught:
        assert fetch(weight_file(server.url("/a", good))) == own / "pt_tiny.pth"
    assert len(caught) == 1
    assert all(text in str(caught[0].message) for text in (str(wrong), sha256(BODY), sha256(FLIPPED)))
    assert wrong.read_bytes() == FLIPPED


# --- fetching --------------------------------------------------------------------------------------------------------


def test_fetch_downloads_once(server, own):
    file = weight_file(server.url("/a", good))
    assert fetch(file) == fetch(file) == own / "pt_tiny.pth"
    assert len(server.requests) == 1
    assert {path.name for path in own.iterdir()} <= {"pt_tiny.pth", ".pt_tiny.pth.lock"}


@pytest.mark.parametrize("body", [FLIPPED, BODY[:-1], b"<html>", b""])
def test_damaged_own_file_is_fetched_again(server, own, body):
    put(own / "pt_tiny.pth", body)
    other = put(own / "weights-tiny.pth", body)
    assert fetch(weight_file(server.url("/a", good))).read_bytes() == BODY
    assert len(server.requests) == 1
    assert not other.exists()


@pytest.mark.parametrize("value", ["1", "true"])
def test_offline_says_what_to_do(monkeypatch, server, own, value):
    monkeypatch.setenv("GANMETRICS_OFFLINE", value)
    file = weight_file(server.url("/a", good), server.url("/b", good))
    with pytest.raises(WeightsError) as caught:
        fetch(file)
    assert (caught.value.code, caught.value.exit_code) == ("E-OFFLINE", 5)
    facts = (*file.urls, file.sha256, "300,000 bytes", str(own / "pt_tiny.pth"), "ganmetrics weights import FILE")
    for fact in (*facts, "digits", "fashion", "random-vgg16", "pixels"):
        assert fact in str(caught.value)
    assert server.requests == []
    assert not own.exists()


def test_offline_uses_what_is_here(monkeypatch, own):
    monkeypatch.setenv("GANMETRICS_OFFLINE", "1")
    put(own / "pt_tiny.pth")
    assert fetch(weight_file()) == own / "pt_tiny.pth"


def test_no_mirror_says_why_and_what_to_do(server, own):
    file = weight_file(server.url("/a", status(404)), server.url("/b", sends(b"<html>")))
    with pytest.raises(WeightsError) as caught:
        fetch(file)
    assert caught.value.code == "E-DOWNLOAD"
    text = str(caught.value)
    assert "/a: HTTP 404" in text and "/b: the server sent a web page" in text
    assert str(own / "pt_tiny.pth") in text and file.sha256 in text and "weights import FILE" in text


def test_own_folder_that_cannot_exist(monkeypatch, server, tmp_path):
    put(tmp_path / "file")
    monkeypatch.setenv("GANMETRICS_WEIGHTS_DIR", str(tmp_path / "file" / "weights"))
    with pytest.raises(ResourceError, match="GANMETRICS_WEIGHTS_DIR"):
        fetch(weight_file(server.url("/a", good)))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_own_folder_that_cannot_be_written(server, own):
    own.mkdir(parents=True)
    own.chmod(0o500)
    try:
        with pytest.raises(ResourceError, match="GANMETRICS_WEIGHTS_DIR"):
            fetch(weight_file(server.url("/a", good)))
    finally:
        own.chmod(0o700)


CHILD = """
import json, sys
from ganmetrics.extractors.weights.weight_store import WeightFile, fetch
print(fetch(WeightFile(**json.loads(sys.argv[1]))))
"""


@pytest.mark.slow
def test_ten_processes_make_one_download(server, own):
    file = json.dumps(asdict(weight_file(server.url("/a", trickles))))
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    call = [sys.executable, "-I", "-c", CHILD, file]
    children = [subprocess.Popen(call, stdout=subprocess.PIPE, text=True, env=environ) for _ in range(10)]
    answers = [child.communicate(timeout=120)[0].strip() for child in children]
    assert answers == [str(own / "pt_tiny.pth")] * 10
    assert server.requests == [("/a", None)]


# --- checking, importing, resolving ----------------------------------------------------------------------------------


def test_verify_shows_both_sides(tmp_path):
    path = put(tmp_path / "x.pth", BODY[:-1])
    with pytest.raises(WeightsError) as caught:
        weights.verify(path, weight_file())
    assert caught.value.code == "E-CORRUPT"
    for fact in ("299,999", "300,000", sha256(BODY), sha256(BODY[:-1]), str(path)):
        assert fact in str(caught.value)
    assert weights.verify(put(path), weight_file()) is None


def test_verify_names_a_web_page(tmp_path):
    with pytest.raises(WeightsError, match="found a web page of 13 bytes"):
        weights.verify(put(tmp_path / "x.pth", b"<html></html>"), weight_file())


def test_verify_of_nothing(tmp_path):
    for path in (tmp_path / "none.pth", tmp_path):
        with pytest.raises(WeightsError) as caught:
            weights.verify(path, weight_file())
        assert caught.value.code == "E-MISSING"


def test_import_copies_a_verified_file(tmp_path, own):
    source = put(tmp_path / "usb" / "file")
    assert weights.import_file(source, weight_file()) == own / "pt_tiny.pth"
    assert weights.import_file(own / "pt_tiny.pth", weight_file()).read_bytes() == BODY
    assert source.exists() and [path.name for path in own.iterdir()] == ["pt_tiny.pth"]
    with pytest.raises(WeightsError, match="not the weights tiny"):
        weights.import_file(put(source, FLIPPED), weight_file())


def test_resolve_names_what_it_found(server, tmp_path, own):
    file = weight_file(server.url("/a", good))
    assert weights.resolve(file, None, False, HASTE) == (own / "pt_tiny.pth", f"tiny:{file.sha256[:8]}")
    assert weights.resolve(file, own / "pt_tiny.pth")[1] == f"tiny:{file.sha256[:8]}"
    other = put(tmp_path / "mine.pth", FLIPPED)
    assert weights.resolve(file, str(other)) == (other, f"tiny-custom:{sha256(FLIPPED)[:8]}")
    with pytest.raises(WeightsError) as caught:
        weights.resolve(file, tmp_path / "none.pth")
    assert caught.value.code == "E-MISSING"


# --- loading ---------------------------------------------------------------------------------------------------------

STATE = {"layer.weight": torch.arange(6.0).reshape(2, 3), "layer.bias": torch.ones(2)}


@pytest.fixture(params=["zip", "legacy", "safetensors"])
def saved(request, tmp_path):
    path = tmp_path / ("x.safetensors" if request.param == "safetensors" else "x.pth")
    if request.param == "safetensors":
        save_file(STATE, path)
    else:
        torch.save(STATE, path, _use_new_zipfile_serialization=request.param == "zip")
    return path


def test_load_state_dict(saved):
    loaded = weights.load_state_dict(saved)
    assert loaded.keys() == STATE.keys()
    assert all(torch.equal(loaded[name], STATE[name]) for name in STATE)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_truncated_weights(saved, share):
    body = saved.read_bytes()
    put(saved, body[: int(share * len(body))])
    with pytest.raises(WeightsError) as caught:
        weights.load_state_dict(saved)
    assert caught.value.code == "E-CORRUPT" and "weights_only" not in str(caught.value)


class Evil:
    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return os.mkdir, (self.marker,)


@pytest.mark.parametrize("zipped", [True, False])
def test_malicious_weights_do_not_run(tmp_path, zipped):
    path, marker = tmp_path / "evil.pth", tmp_path / "ran"
    torch.save({"x": Evil(marker)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(WeightsError, match="could run code, which is refused") as caught:
        weights.load_state_dict(path)
    put(path, pickle.dumps(Evil(marker)))
    with pytest.raises(WeightsError):
        weights.load_state_dict(path)
    assert not marker.exists()
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


@pytest.mark.parametrize("state", [{}, [torch.ones(2)], {"state_dict": STATE}, {"epoch": 3}, torch.ones(2)])
def test_file_without_a_table_of_tensors(tmp_path, state):
    torch.save(state, tmp_path / "x.pth")
    with pytest.raises(WeightsError, match="table of named tensors"):
        weights.load_state_dict(tmp_path / "x.pth")


@pytest.mark.parametrize(
    ("body", "words"), [(b"<!doctype html>", "a web page"), (b"version https://git-lfs.x", "a Git LFS pointer")]
)
def test_text_instead_of_weights(tmp_path, body, words):
    for name in ("x.pth", "x.safetensors"):
        with pytest.raises(WeightsError, match=f"the weights file is {words}, not weights"):
            weights.load_state_dict(put(tmp_path / name, body))


def test_missing_weights(tmp_path):
    for path in (tmp_path, tmp_path / "none.pth"):
        with pytest.raises(WeightsError, match="cannot be read"):
            weights.load_state_dict(path)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200), name=st.sampled_from(["x.pth", "x.safetensors"]))
def test_any_bytes_end_in_a_weights_error(tmp_path, body, name):
    with pytest.raises(WeightsError):
        weights.load_state_dict(put(tmp_path / name, body))


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def table(monkeypatch, server):
    file = weight_file(server.url("/a", good))
    monkeypatch.setattr(weights, "WEIGHTS", {"tiny": file})
    return file


def call(*arguments):
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_cli_fetch_path_list_verify(table, own):
    assert "not here" in call("list").stdout
    missing = call("path", "tiny")
    assert missing.exception.exit_code == 5 and missing.exception.code == "E-MISSING"
    assert call("verify").stdout == "no copy of these weights is here\n"
    assert call("fetch", "tiny").stdout == call("path", "tiny").stdout == f"{own / 'pt_tiny.pth'}\n"
    assert call("fetch", "--all").stdout == f"{own / 'pt_tiny.pth'}\n"
    listed = call("list").stdout
    for fact in ("tiny", "300,000", table.sha256[:8], "CC0-1.0", "pixels", str(own / "pt_tiny.pth")):
        assert fact in listed
    assert call("verify", "tiny").stdout == f"{own / 'pt_tiny.pth'}: ok\n"


def test_cli_verify_finds_damage_everywhere(table, hub, own):
    put(hub / "pt_tiny.pth", FLIPPED)
    put(own / "pt_tiny.pth")
    result = call("verify")
    assert result.exception.exit_code == 5
    assert f"{hub / 'pt_tiny.pth'}: damaged: found" in result.stdout
    assert f"{own / 'pt_tiny.pth'}: ok" in result.stdout


def test_cli_import(table, tmp_path, own):
    source = put(tmp_path / "download.bin")
    assert call("import", source).stdout == f"{own / 'pt_tiny.pth'}\n"
    assert call("import", source, "--name", "tiny").exit_code == 0
    put(source, FLIPPED)
    for options in ([], ["--name", "tiny"]):
        assert call("import", source, *options).exception.code == "E-CORRUPT"
    assert call("import", tmp_path / "none").exception.code == "E-MISSING"


def test_cli_usage(table):
    assert call("fetch").exit_code == 2
    assert call("fetch", "tiny", "--all").exit_code == 2
    assert isinstance(call("fetch", "tinny").exception, UsageError)


@pytest.mark.parametrize("name", [None, *command.commands])
def test_cli_help_is_sentences_and_an_example(name):
    text = call(*([name] if name else []), "--help").stdout
    assert "Example: ganmetrics weights" in text


def test_cli_help_is_fast():
    code = (
        "import sys; from ganmetrics.cli.weights_command import command\n"
        "try: command(['--help'])\nexcept SystemExit: pass\n"
        "sys.exit(bool({'torch', 'numpy', 'urllib.request'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-I", "-c", code], stdout=subprocess.DEVNULL).returncode == 0
