"""Certificates that sign content credentials, from an authority that nobody knows."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_USES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
PKCS8 = serialization.PrivateFormat.PKCS8
OPENSSL = serialization.PrivateFormat.TraditionalOpenSSL


class Authority:
    """Issues certificates; `root` is what trusts them, PEM."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._certificate("Authority", self._key.public_key(), 30, "key_cert_sign")
        self.root = _pem(certificate).decode()

    def issue(
        self, folder: Path, key: Any = None, *, days: int = 30, form: Any = PKCS8
    ) -> tuple[Path, Path]:
        """Files with a certificate that is valid for `days`, and with its key."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        chain, private = folder / "certificate.pem", folder / "key.pem"
        chain.write_bytes(
            _pem(self._certificate("Signer", key.public_key(), days, "digital_signature"))
        )
        plain = serialization.NoEncryption()
        private.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
        return chain, private

    def _certificate(self, name: str, public: Any, days: int, use: str) -> x509.Certificate:
        now = dt.datetime.now(dt.timezone.utc)
        usage = x509.KeyUsage(**dict.fromkeys(_USES, False) | {use: True})
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        draft = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name("Authority"))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=60))
            .not_valid_after(now + dt.timedelta(days=days))
            .add_extension(x509.BasicConstraints(use == "key_cert_sign", None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(identifier, critical=False)
        )
        if use == "digital_signature":
            purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
            draft = draft.add_extension(purpose, critical=False)
        return draft.sign(self._key, hashes.SHA256())


def _name(common: str) -> x509.Name:
    attributes = ((NameOID.ORGANIZATION_NAME, "Tests"), (NameOID.COMMON_NAME, common))
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def verdict(path: Path, authority: Authority) -> tuple[str, dict[str, Any]]:
    """What C2PA's own reader, trusting `authority`, thinks of a file, and its manifest."""
    import c2pa

    settings = c2pa.Settings.from_dict({"trust": {"user_anchors": authority.root}})
    with c2pa.Reader(path, context=c2pa.Context(settings)) as reader:
        return str(reader.get_validation_state()), reader.get_active_manifest() or {}
