"""`lofivpr serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lofivpr import serving
from lofivpr.cli.demo import OUT, is_demo, make_demo, parts_of
from lofivpr.errors import LofiError
from lofivpr.serving import Settings, read_api_keys


def serve(
    map_path: Annotated[
        Path | None, typer.Argument(metavar="[MAP]", help="A map of `lofivpr map build`, or the folder of a demo.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="The model that made the map, or its student; without it descriptors alone.")
    ] = None,
    places: Annotated[
        Path | None, typer.Option(help="The data set of the map: the page then shows its pictures and offers samples.")
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Serve out/demo, made first where it is not there, and open the page.")
    ] = False,
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 8000,
    api_key_file: Annotated[Path | None, typer.Option(help="API keys, one a line, as name:key.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="PEM file of the certificate and its chain.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM file of the private key.")] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Let other machines ask without a key, or without TLS.")
    ] = False,
    hostname: Annotated[list[str] | None, typer.Option(help="A name that clients use; may be repeated.")] = None,
    origin: Annotated[
        list[str] | None, typer.Option(help="A web page elsewhere that may ask, as https://NAME; may be repeated.")
    ] = None,
) -> None:
    """Answer queries by HTTP and streams of video by WebSocket, with a web page at /, until it is interrupted."""
    if (map_path is None) != demo:
        raise LofiError(
            f"expected a MAP or --demo, found {'both' if demo else 'neither'}. Name a map of `lofivpr map build`."
        )
    settings = Settings(
        host=host,
        port=port,
        api_keys=() if api_key_file is None else read_api_keys(api_key_file),
        tls_cert=tls_cert,
        tls_key=tls_key,
        insecure=insecure,
        hostnames=tuple(hostname or ()),
        origins=tuple(origin or ()),
    )
    run = serving.serve  # without the extra: says what to install before minutes are spent
    if map_path is None:
        make_demo()
        map_path = OUT
    if is_demo(map_path):
        served, student, town = parts_of(map_path)
        map_path, model, places = served, model or student, places or town
    run(map_path, model, settings, places, open_page=demo)
