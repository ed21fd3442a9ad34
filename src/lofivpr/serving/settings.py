"""How the service is run: where it listens, who may ask, and what one client may cost."""

from __future__ import annotations

import ipaddress
import math
import re
from dataclasses import dataclass, field, fields
from pathlib import Path

from lofivpr.errors import LofiError
from lofivpr.serving.packets import DecodeLimits

SHORTEST_KEY = 16  # characters
_KEY = re.compile(r"[A-Za-z0-9._~-]+")  # such a key fits into any header, that of a WebSocket's protocol too


class SettingsError(LofiError):
    """Settings under which the service does not start."""


@dataclass(frozen=True)
class ApiKey:
    """A key, and the name under which logs and limits know its owner.

    Raises:
        SettingsError: a short key, or characters that do not fit into a header.
    """

    name: str
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < SHORTEST_KEY or not _KEY.fullmatch(self.secret):
            raise SettingsError(
                f"expected an API key of at least {SHORTEST_KEY} letters, digits and . _ ~ - for {self.name!r}, found "
                f"{len(self.secret)} characters. Make one by secrets.token_urlsafe(32) of Python."
            )


@dataclass(frozen=True)
class Limits:
    """What one client may cost; a client is an API key or, without keys, an address.

    Attributes:
        body_bytes: of a still query.
        pixels: of a still query; of a stream's picture see `decode`.
        decode: of one packet of video.
        decode_share: seconds of decoding a second that one stream may take; beyond, it is read more slowly.
        requests_per_s: of a client, on average; twenty times as many may come at once.
        frames_per_s: of one stream; beyond, it is read more slowly.
        bytes_per_s: of a client, over all its requests and streams; four seconds' worth may come at once.
        streams: of a client, open at the same time.
        refused_per_minute: wrong keys from one address, before it is not listened to for a while.
        most_k: places that one answer may hold.
        batch: pictures that are described together at most.
        batch_s: seconds that a batch may take, which decides how many it holds.
        waiting: clients that may wait at the same time.
        waiting_each: still queries of one client that may wait.
        read_s: seconds in which a request must have arrived, and a stream's hello.
        send_s: seconds in which a client must take an answer.
        sequence_places: of a map in which a stream may be followed: that costs memory and time for each place.
        idle_s: seconds without a frame after which a stream is closed.
    """

    body_bytes: int = 16 * 1024 * 1024
    pixels: int = 30_000_000
    decode: DecodeLimits = DecodeLimits()
    decode_share: float = 0.5
    requests_per_s: float = 50
    frames_per_s: float = 60
    bytes_per_s: float = 16e6
    streams: int = 64
    refused_per_minute: int = 30
    most_k: int = 100
    batch: int = 8
    batch_s: float = 0.1
    waiting: int = 256
    waiting_each: int = 16
    sequence_places: int = 200_000
    read_s: float = 15
    send_s: float = 10
    idle_s: float = 300

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if not isinstance(value, DecodeLimits) and not (math.isfinite(value) and value > 0):
                raise SettingsError(f"expected the limit {one.name} to be above 0, found {value}.")


@dataclass(frozen=True)
class Settings:
    """Where the service listens, and to whom. `check` says whether it may listen there.

    Attributes:
        host, port: the address.
        api_keys: who may ask; without any, everyone who reaches the address.
        tls_cert, tls_key: PEM files of the certificate chain and its private key.
        insecure: listen at another address than this machine's own without a key or without TLS all the same.
        hostnames: names under which clients reach the service, beside the address itself.
        origins: of web pages elsewhere that may ask, such as https://robots.example; the service's own may.
        watch_s: seconds between two looks at whether map or model have changed.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    api_keys: tuple[ApiKey, ...] = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None
    insecure: bool = False
    hostnames: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    watch_s: float = 2.0
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        self._check_files()
        names = [key.name for key in self.api_keys]
        if len(set(names)) != len(names):
            raise SettingsError(f"expected API keys of different names, found {', '.join(names)}. Rename one.")
        if not 0 <= self.port <= 65535:
            raise SettingsError(f"expected a port of 0 to 65535, found {self.port}.")
        if self.is_local or self.insecure:
            return
        missing = [] if self.api_keys else ["an API key (--api-key-file)"]
        missing += [] if self.tls_cert else ["TLS (--tls-cert and --tls-key)"]
        if missing:
            raise SettingsError(
                f"expected an API key and TLS to listen at {self.host}, which other machines reach; missing: "
                f"{' and '.join(missing)}. Give what is missing, listen at 127.0.0.1, or say --insecure."
            )

    @property
    def is_local(self) -> bool:
        """Is the address one that only this machine reaches?"""
        return is_loopback(self.host)

    def _check_files(self) -> None:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise SettingsError("expected --tls-cert and --tls-key together, found one of them. Give both or neither.")
        for path in (self.tls_cert, self.tls_key):
            if path is not None and not path.is_file():
                raise SettingsError(f"expected a PEM file at {path}, found none. Check the path.")


def is_loopback(host: str) -> bool:
    """Is this name or address that of the machine itself, whoever asks?"""
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def read_api_keys(path: str | Path) -> tuple[ApiKey, ...]:
    """The keys of a file: one a line, `name:key` or `key`; empty lines and those that begin with # do not count.

    Raises:
        SettingsError: no such file, no key in it, or a key that is too short.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"expected a file of API keys at {path}, found: {error}. Check the path.") from None
    found = []
    for number, line in enumerate(map(str.strip, lines), start=1):
        if not line or line.startswith("#"):
            continue
        name, colon, secret = line.partition(":")
        found.append(ApiKey(name.strip(), secret.strip()) if colon else ApiKey(f"key-{number}", line))
    if not found:
        raise SettingsError(f"expected at least one API key in {path}, found none. Write one a line, as name:key.")
    return tuple(found)
