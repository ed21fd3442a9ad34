"""Run the Aligner until it is interrupted."""

from __future__ import annotations

from collections.abc import Callable

import uvicorn

from lofivpr.alignment import Job
from lofivpr.serving.aligner.app import create_aligner
from lofivpr.serving.run import listen, show_page
from lofivpr.serving.settings import Settings


def serve_aligner(job: Job, port: int = 8010, told: Callable[[str], None] = print, open_page: bool = False) -> None:
    """Serve the page at 127.0.0.1 until SIGINT or SIGTERM.

    Args:
        port: 0 takes a free one.
        told: is called with the address of the page.
        open_page: show it in this machine's browser.

    Raises:
        LofiError: the port is taken.
    """
    settings = Settings(port=port)
    app = create_aligner(job, settings)
    with listen(settings) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        told(address)
        if open_page:
            show_page(address)
        config = uvicorn.Config(app, ws="none", log_config=None, access_log=False, server_header=False)
        uvicorn.Server(config).run(sockets=[listening])
