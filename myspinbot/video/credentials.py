"""Content credentials (C2PA): a signed record in a file that says that it is AI-generated.

Manifest and signature are made by the standard's own library, c2pa-python (MIT or Apache-2.0), by
the specification on https://spec.c2pa.org. Whose certificate signs is the operator's choice: a
workflow can neither name nor read one.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from .. import __version__
from ..errors import BadInputError, MissingDependencyError, StorageError
from ..files import replacing
from .disclosure import DIGITAL_SOURCE

CERTIFICATE_VARIABLE = "MYSPINBOT_C2PA_CERT"
KEY_VARIABLE = "MYSPINBOT_C2PA_KEY"
CERTIFICATE_FILE, KEY_FILE = "c2pa_certificate.pem", "c2pa_key.pem"
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
_STREAMING = {
    "core": {"merkle_tree_chunk_size_in_kb": 1024, "backing_store_memory_threshold_in_mb": 16}
}
"""Hash in blocks, and copy through a file: by default it reads all of a video into memory."""


def find_credentials(folder: Path, environment: Mapping[str, str]) -> tuple[Path, Path] | None:
    """Where the operator has certificates and key: what variables name, else files in `folder`.

    None when nothing is configured; raises BadInputError when only one of the two is there.
    """
    certificate, key = (
        Path(environment.get(variable) or folder / file)
        for variable, file in ((CERTIFICATE_VARIABLE, CERTIFICATE_FILE), (KEY_VARIABLE, KEY_FILE))
    )
    absent = [str(path) for path in (certificate, key) if not path.is_file()]
    named = environment.get(CERTIFICATE_VARIABLE) or environment.get(KEY_VARIABLE)
    if len(absent) == 2 and not named:
        return None
    if absent:
        raise BadInputError(
            f"Content credentials are configured, but {' and '.join(absent)} is no file. Both are "
            f"needed: the certificate ({CERTIFICATE_VARIABLE}) and its private key "
            f"({KEY_VARIABLE})."
        )
    return certificate, key


class Credentials:
    """Signs files with a certificate.

    `certificates` is a PEM chain, the signer's own first and without the root; `key` is its private
    key, PEM without a password: EC (P-256, P-384, P-521), RSA or Ed25519. The certificate must be
    for signing e-mails or documents, as C2PA wants it. A picture is signed at once for trial, so
    that what is wrong is told before a video is rendered. Raises MissingDependencyError without
    c2pa-python, BadInputError for a pair that cannot sign.
    """

    def __init__(self, certificates: Path, key: Path):
        try:
            import c2pa
        except ImportError as error:
            raise MissingDependencyError(
                f"{certificates} asks for content credentials, which need c2pa-python. Install it "
                f"with: {sys.executable} -m pip install c2pa-python"
            ) from error
        self._c2pa = c2pa
        try:
            algorithm, pem = _private_key(key)
            information = c2pa.C2paSignerInfo(algorithm, certificates.read_bytes(), pem, None)
            self._signer = c2pa.Signer.from_info(information)
            self._try()
        except (c2pa.C2paError, OSError, ValueError, TypeError) as error:
            raise BadInputError(
                f"{certificates.name} and {key.name} cannot sign content credentials: {error}"
            ) from error

    def sign(self, path: Path, title: str) -> None:
        """Put the credentials into the MP4 `path`, which is never half written.

        `title` is what readers call it. Raises StorageError when there is no room for a copy.
        """
        try:
            with replacing(path) as signed:
                self._builder(title).sign_file(path, signed, self._signer)
        except (self._c2pa.C2paError, OSError) as error:
            raise StorageError(
                f"{title} could not be signed: {error}. Signing writes a copy: is there room for "
                f"it in {path.parent}, and in the system's temporary folder?"
            ) from error

    def _try(self) -> None:
        picture = io.BytesIO()
        Image.new("RGB", (8, 8)).save(picture, "PNG")
        picture.seek(0)
        self._builder("trial").sign(self._signer, "image/png", picture, io.BytesIO())

    def _builder(self, title: str) -> Any:
        action = {"action": "c2pa.created", "digitalSourceType": DIGITAL_SOURCE}
        manifest = {
            "title": title,
            "claim_generator_info": [{"name": "MySpinBot", "version": __version__}],
            "assertions": [{"label": "c2pa.actions", "data": {"actions": [action]}}],
        }
        context = self._c2pa.Context(self._c2pa.Settings.from_dict(_STREAMING))
        return self._c2pa.Builder(manifest, context=context)


def _private_key(path: Path) -> tuple[str, bytes]:
    """Name of the algorithm that a key signs with, and the key as PKCS#8, which c2pa wants."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    key = form.load_pem_private_key(path.read_bytes(), password=None)
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        algorithm = _CURVES[key.curve.name]
    elif isinstance(key, rsa.RSAPrivateKey):
        algorithm = "ps256"
    elif isinstance(key, ed25519.Ed25519PrivateKey):
        algorithm = "ed25519"
    else:
        raise ValueError("the key is neither EC (P-256, P-384, P-521) nor RSA nor Ed25519")
    plain = form.NoEncryption()
    return algorithm, key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, plain)
