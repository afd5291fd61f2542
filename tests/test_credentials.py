"""Content credentials: files that C2PA's own reader accepts, and what is said of a wrong setup."""

import json
import struct
import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from signers import OPENSSL, PKCS8, Authority, verdict

from myspinbot.errors import BadInputError
from myspinbot.video import FileFrames, Mp4Writer
from myspinbot.video.credentials import Credentials, find_credentials
from scripts.environment import ROOT


@pytest.fixture(scope="module")
def authority():
    return Authority()


def write(path, frames=30):
    """Noise, so that it takes several of the blocks that are hashed."""
    noise = np.random.default_rng(0)
    tags = {"workflow": {"nodes": ["Größe"]}, "prompt": {"1": {}}}
    with Mp4Writer(
        path, width=256, height=256, fps=Fraction(25), crf=4, preset="ultrafast", metadata=tags
    ) as writer:
        for _ in range(frames):
            writer.write(noise.integers(0, 255, (256, 256, 3), np.uint8))


def boxes(path):
    """The kinds of an MP4's outermost boxes."""
    data, at, kinds = path.read_bytes(), 0, []
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        kinds.append(kind.decode())
        at += size
    return kinds


def test_a_signed_video_is_trusted_and_else_the_same(authority, tmp_path):
    path = tmp_path / "out.mp4"
    write(path)
    assert path.stat().st_size > 2e6
    before = np.stack(list(FileFrames(path).frames()))
    credentials = Credentials(*authority.issue(tmp_path))
    credentials.sign(path, "talk.mp4")
    state, manifest = verdict(path, authority)
    assert state == "Trusted"
    assert manifest["title"] == "talk.mp4"
    assert manifest["claim_generator_info"][0]["name"] == "MySpinBot"
    (actions,) = [a["data"]["actions"] for a in manifest["assertions"] if "actions" in a["label"]]
    assert [action["action"] for action in actions] == ["c2pa.created"]
    assert actions[0]["digitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert np.array_equal(np.stack(list(FileFrames(path).frames())), before)
    with av.open(str(path)) as container:
        assert json.loads(container.metadata["workflow"]) == {"nodes": ["Größe"]}
    assert boxes(path)[:3] == ["ftyp", "uuid", "moov"], "players start at once"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["certificate.pem", "key.pem", "out.mp4"]


def test_a_changed_video_is_found_out(authority, tmp_path):
    path = tmp_path / "out.mp4"
    write(path)
    Credentials(*authority.issue(tmp_path)).sign(path, "talk.mp4")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert verdict(path, authority)[0] == "Invalid"


def test_a_stranger_is_valid_but_not_trusted(authority, tmp_path):
    path = tmp_path / "out.mp4"
    write(path, frames=2)
    Credentials(*Authority().issue(tmp_path)).sign(path, "talk.mp4")
    assert verdict(path, authority)[0] == "Valid"


KEYS = {
    "P-256 as openssl writes it": (lambda: ec.generate_private_key(ec.SECP256R1()), OPENSSL),
    "P-384": (lambda: ec.generate_private_key(ec.SECP384R1()), PKCS8),
    "P-521": (lambda: ec.generate_private_key(ec.SECP521R1()), PKCS8),
    "RSA": (lambda: rsa.generate_private_key(65537, 2048), OPENSSL),
    "Ed25519": (ed25519.Ed25519PrivateKey.generate, PKCS8),
}


@pytest.mark.parametrize("kind", KEYS)
def test_every_kind_of_key_signs(kind, authority, tmp_path):
    make, form = KEYS[kind]
    path = tmp_path / "out.mp4"
    write(path, frames=2)
    Credentials(*authority.issue(tmp_path, make(), form=form)).sign(path, "talk.mp4")
    assert verdict(path, authority)[0] == "Trusted"


def test_what_cannot_sign_is_told_at_once(authority, tmp_path):
    chain, key = authority.issue(tmp_path, days=-1)
    with pytest.raises(BadInputError, match=r"certificate\.pem and key\.pem cannot .*not valid"):
        Credentials(chain, key)
    chain, key = authority.issue(tmp_path)
    (other := tmp_path / "other").mkdir()
    with pytest.raises(BadInputError, match="does not match"):
        Credentials(chain, authority.issue(other)[1])
    with pytest.raises(BadInputError, match="neither EC"):
        Credentials(*authority.issue(tmp_path, dsa.generate_private_key(2048)))
    key.write_text("no key", "utf-8")
    with pytest.raises(BadInputError, match=r"key\.pem cannot sign"):
        Credentials(chain, key)


def test_without_the_library_it_says_what_to_install(authority, tmp_path):
    script = (
        "import sys\n"
        "sys.modules['c2pa'] = None\n"  # as Python marks what cannot be imported
        "from pathlib import Path\n"
        "from myspinbot.video.credentials import Credentials\n"
        "Credentials(Path(sys.argv[1]), Path(sys.argv[2]))\n"
    )
    files = [str(path) for path in authority.issue(tmp_path)]
    command = [sys.executable, "-c", script, *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert "MissingDependencyError" in done.stderr
    assert f"{sys.executable} -m pip install c2pa-python" in done.stderr


def test_a_full_disk_leaves_the_video_as_it_was(authority, tmp_path):
    """A limit on the size of files stands for the full disk."""
    path = tmp_path / "out.mp4"
    write(path)
    before = path.read_bytes()
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from myspinbot.errors import StorageError\n"
        "from myspinbot.video.credentials import Credentials\n"
        "certificate, key, path = map(Path, sys.argv[1:])\n"
        "credentials = Credentials(certificate, key)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"
        "try:\n"
        "    credentials.sign(path, 'talk.mp4')\n"
        "except StorageError as error:\n"
        "    print(error)\n"
    )
    files = [str(file) for file in (*authority.issue(tmp_path), path)]
    command = [sys.executable, "-c", script, *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert "talk.mp4 could not be signed" in done.stdout, done.stderr
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 3


def test_who_signs_is_found_in_a_folder_or_named_by_variables(tmp_path):
    (elsewhere := tmp_path / "elsewhere").mkdir()
    named = elsewhere / "chain.pem", elsewhere / "private.pem"
    variables = {
        "MYSPINBOT_C2PA_CERT": str(named[0]),
        "MYSPINBOT_C2PA_KEY": str(named[1]),
    }
    assert find_credentials(tmp_path, {}) is None
    with pytest.raises(BadInputError, match=r"chain\.pem and .*private\.pem is no file"):
        find_credentials(tmp_path, variables)
    for path in named:
        path.touch()
    assert find_credentials(tmp_path, variables) == named
    (tmp_path / "c2pa_key.pem").touch()
    with pytest.raises(BadInputError, match=r"c2pa_certificate\.pem is no file.*C2PA_CERT"):
        find_credentials(tmp_path, {})
    (tmp_path / "c2pa_certificate.pem").touch()
    found = find_credentials(tmp_path, {})
    assert found == (tmp_path / "c2pa_certificate.pem", tmp_path / "c2pa_key.pem")
    assert find_credentials(tmp_path, variables) == named
