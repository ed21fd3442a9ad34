"""Where a service is, and how a client shows who it is."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from lofivpr.serving.settings import SettingsError, is_loopback


@dataclass(frozen=True)
class Address:
    """A service as its clients name it.

    Attributes:
        url: such as https://vpr.example:8000; a path in it is put before those of the service.
        key: an API key, if the service wants one.
        ca: PEM file of the authority that signed the service's certificate, where the system does not know it.
        insecure: send the key without TLS all the same.

    Raises:
        SettingsError: no such URL, a key that anyone on the way could read, or no certificate in `ca`.
    """

    url: str
    key: str | None = field(default=None, repr=False)
    ca: Path | None = None
    insecure: bool = False

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            named = parts.scheme in ("http", "https") and parts.hostname and (parts.port or True)
        except ValueError:
            named = False
        if not named or parts.query or parts.fragment or parts.username:
            raise SettingsError(
                f"expected the address of a service such as http://127.0.0.1:8000, found {self.url!r}. Name its URL."
            )
        if self.key is not None and not (self.key.isascii() and self.key.isprintable() and self.key.strip()):
            raise SettingsError("expected an API key of letters, digits and . _ ~ -, found other characters. Check it.")
        if self.key and not self.is_tls and not self.insecure and not is_loopback(parts.hostname or ""):
            raise SettingsError(
                f"expected https where an API key is sent, found {self.url}: anyone on the way could read it. Use "
                "https, or say --insecure."
            )

    @property
    def is_tls(self) -> bool:
        """Is it reached by TLS?"""
        return self.url.lower().startswith("https:")

    @property
    def base(self) -> str:
        """The URL without a slash at its end."""
        return self.url.rstrip("/")

    @property
    def stream(self) -> str:
        """Of the WebSocket."""
        return "ws" + self.base[len("http") :] + "/v1/stream"

    @property
    def headers(self) -> dict[str, str]:
        """That every request carries."""
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def context(self) -> ssl.SSLContext | None:
        """What certificates are checked by; None without TLS.

        Raises:
            SettingsError: `ca` cannot be read.
        """
        if not self.is_tls:
            return None
        try:
            return ssl.create_default_context(cafile=None if self.ca is None else str(self.ca))
        except OSError as error:  # ssl.SSLError is one
            raise SettingsError(f"expected a certificate in {self.ca}, found: {error}. Give its PEM file.") from error
