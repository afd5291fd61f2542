"""The operator's file of language models: what wins, and what is said of a wrong one."""

from __future__ import annotations

import json

import pytest

from myspinbot.errors import BadInputError
from myspinbot.narrative.settings import (
    KEY_VARIABLE,
    URL_VARIABLE,
    OllamaSettings,
    read_settings,
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "llm.json"


def test_without_a_file_all_is_on_this_machine(path):
    settings = read_settings(path, {})
    assert settings.ollama == OllamaSettings("127.0.0.1:11434", "")
    (server,) = settings.servers.values()
    assert (server.name, server.url, server.key) == ("default", "http://127.0.0.1:8080/v1", "")


def test_variables_name_other_places(path):
    known = {URL_VARIABLE: "http://gpu:1234/v1/", KEY_VARIABLE: "k", "OLLAMA_HOST": " box:1 "}
    settings = read_settings(path, known)
    assert settings.ollama.host == "box:1"
    (server,) = settings.servers.values()
    assert (server.url, server.key) == ("http://gpu:1234/v1", "k")


def test_the_file_wins(path):
    path.write_text('{"ollama": {"host": "far:2", "model": "qwen3"}}', "utf-8")
    assert read_settings(path, {"OLLAMA_HOST": "box:1"}).ollama == OllamaSettings("far:2", "qwen3")
    path.write_text('{"ollama": {"model": "qwen3"}}', "utf-8")
    assert read_settings(path, {"OLLAMA_HOST": "box:1"}).ollama == OllamaSettings("box:1", "qwen3")
    path.write_text('{"servers": {"default": {"url": "http://far/v1"}}}', "utf-8")
    settings = read_settings(path, {URL_VARIABLE: "http://gpu/v1"})
    assert settings.servers["default"].url == "http://far/v1"
    assert settings.ollama.host == "127.0.0.1:11434"


def test_servers_of_a_file(path):
    lab = {"url": "https://lab:8000/v1", "key_variable": "LAB_KEY", "silence_s": 5}
    rows = {"lab": lab, "desk": {"url": "http://[::1]:80/v1"}}
    path.write_text(json.dumps({"servers": rows}), "utf-8")
    servers = read_settings(path, {"LAB_KEY": "secret", KEY_VARIABLE: "mine"}).servers
    assert list(servers) == ["default", "lab", "desk"]
    assert (servers["lab"].key, servers["lab"].silence_s) == ("secret", 5)
    assert servers["desk"].key == "", "the key of one server is never sent to another"
    assert "secret" not in repr(servers["lab"]) + str(servers["lab"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "no JSON"),
        ("[]", "must be an object"),
        ('{"host": "x"}', "unknown host"),
        ('{"ollama": "box"}', "'ollama' must be an object"),
        ('{"ollama": {"hots": "x"}}', "unknown hots"),
        ('{"ollama": {"host": 5}}', '"ollama" must look like'),
        ('{"servers": []}', "'servers' must be an object"),
        ('{"servers": {"lab": "http://lab"}}', "'lab' must look like"),
        ('{"servers": {"lab": {"url": "file:///etc/passwd"}}}', "no http address"),
        ('{"servers": {"lab": {"url": "http://lab:port"}}}', "no http address"),
        ('{"servers": {"lab": {"url": "http://lab", "key": "secret"}}}', "unknown key"),
        ('{"servers": {"lab": {"url": "http://lab", "silence_s": 0}}}', "seconds"),
        ('{"servers": {"lab": {"url": "http://lab", "key_variable": 1}}}', "name of a variable"),
    ],
)
def test_a_wrong_file_says_where(content, message, path):
    path.write_text(content, "utf-8")
    with pytest.raises(BadInputError, match=message) as failure:
        read_settings(path, {})
    assert str(path) in str(failure.value)
