"""An S3-compatible server on this machine, for tests that really fetch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

KEYS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class Bucket:
    """A bucket, its URL, and what was asked of it."""

    def __init__(self, server: Any, endpoint: str) -> None:
        import boto3

        self._server, self.endpoint, self.url = server, endpoint, "s3://town"
        self._client = boto3.client("s3", endpoint_url=endpoint)
        self._client.create_bucket(Bucket="town")

    def put(self, folder: Path, prefix: str) -> str:
        """Put all files of a folder below a prefix; gives its URL."""
        for path in folder.rglob("*"):
            if path.is_file():
                self.write(f"{prefix}/{path.relative_to(folder).as_posix()}", path.read_bytes())
        return f"{self.url}/{prefix}"

    def write(self, key: str, data: bytes) -> None:
        self._client.put_object(Bucket="town", Key=key, Body=data)

    def delete(self, key: str) -> None:
        self._client.delete_object(Bucket="town", Key=key)


def environment(endpoint: str) -> dict[str, str]:
    """What makes any client of S3 ask this server."""
    return KEYS | {"AWS_ENDPOINT_URL": endpoint}


def serve() -> tuple[Any, str]:
    """Start the server at a free port; its address."""
    os.environ |= KEYS
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    return server, f"http://{host}:{port}"
