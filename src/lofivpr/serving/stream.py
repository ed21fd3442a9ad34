"""`WS /v1/stream`: packets of encoded video in, one answer a frame out; the newest frame when there are too many."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect, WebSocketState

from lofivpr.errors import LofiError
from lofivpr.serving.answers import answer_body
from lofivpr.serving.batching import BusyError, Job, Lane
from lofivpr.serving.buckets import Bucket
from lofivpr.serving.engine import Answer, Query
from lofivpr.serving.following import Following
from lofivpr.serving.frames import Frame, FrameReader
from lofivpr.serving.logs import log
from lofivpr.serving.problems import Problem
from lofivpr.serving.security import PROTOCOL
from lofivpr.serving.service import Service
from lofivpr.serving.wire import Hello, Where, WireError, read_hello, read_packet, read_quality

router = APIRouter()
POLICY, LATER = 1008, 1013  # close codes of RFC 6455 and its registry
_MOST_SKIPPED = 1000  # ids named in one answer; of more, the oldest are only counted


@router.websocket("/v1/stream")
async def stream(socket: WebSocket) -> None:
    """See docs/serving.md for the protocol."""
    service: Service = socket.app.state.service
    client: str = socket.scope["state"]["client"]
    if service.streams.get(client, 0) >= service.settings.limits.streams:
        problem = Problem(429, f"expected at most {service.settings.limits.streams} streams, found more. Close one.", 1)
        await socket.send_denial_response(problem.response())
        return
    service.streams[client] = service.streams.get(client, 0) + 1
    service.metrics.streams.inc()
    await socket.accept(PROTOCOL if PROTOCOL in socket.scope.get("subprotocols", []) else None)
    connection = Stream(socket, service, client)
    try:
        await connection.run()
    finally:
        service.metrics.streams.dec()
        service.streams[client] -= 1
        if not service.streams[client]:
            del service.streams[client]
        log("stream closed", client=client, counts=connection.counts)


class Stream:
    """One connection: a task that reads and decodes, and one that answers."""

    def __init__(self, socket: WebSocket, service: Service, client: str) -> None:
        self._socket, self._service, self._client = socket, service, client
        self._limits = service.settings.limits
        self._lane: Lane[Query, Answer] = Lane(newest=True)
        self._frames_budget = Bucket(self._limits.frames_per_s, 2 * self._limits.frames_per_s)
        self._decode_budget = Bucket(self._limits.decode_share, 4 * self._limits.decode_share)
        self._sending = asyncio.Lock()
        self._offered = asyncio.Event()
        self._newest: tuple[Frame, Job[Query, Answer]] | None = None
        self._skipped: list[int] = []
        self._following: Following | None = None
        self.counts = {"frames": 0, "answers": 0, "skipped": 0, "faults": 0}

    async def run(self) -> None:
        """Until the client leaves, breaks the protocol, or is silent for too long."""
        tasks: list[asyncio.Task[None]] = []
        try:
            await self._begin(await self._receive_hello())
            tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._answer())]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
        except (WebSocketDisconnect, RuntimeError) as error:
            # Starlette tells by a RuntimeError that what is sent to can no longer be sent to.
            if isinstance(error, RuntimeError) and self._socket.client_state is WebSocketState.CONNECTED:
                raise
        except TimeoutError:
            await self._close(POLICY, "expected frames, and answers to be read, in time; found neither")
        except BusyError as error:
            await self._close(LATER, str(error))
        except LofiError as error:
            await self._close(POLICY, str(error))
        finally:
            self._service.batcher.drop(self._lane)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _receive_hello(self) -> Hello:
        async with asyncio.timeout(self._limits.read_s):
            message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1006))
        if message.get("text") is None:
            raise WireError('expected a hello as text first, such as {"codec": "h264"}, found a binary message.')
        return read_hello(message["text"])

    async def _begin(self, hello: Hello) -> None:
        """Take a hello, the first one or one that changes something, and say what was agreed."""
        if hello.k > self._limits.most_k:
            raise WireError(f"expected k of at most {self._limits.most_k}, found {hello.k}.")
        engine = self._service.takeover.engine
        if engine.describer is None:
            raise WireError("expected descriptors, found a stream: this service runs no model. Use POST /v1/locate.")
        self._hello, self._quality = hello, read_quality(hello.quality)
        self._where = Where(near=hello.near, radius_m=hello.radius_m, heading=hello.heading)
        self._reader = FrameReader(hello, self._limits)
        if not hello.sequence:
            self._following = None
        elif self._following is None:
            self._following = Following(self._limits.sequence_places)
            await self._service.decode(functools.partial(self._following.begin, engine))
        agreed = {"hello": hello.model_dump(), "model": engine.query_model, "places": len(engine.map)}
        await self._send({**agreed, "calibrated": engine.is_calibrated_for(engine.query_model)})

    async def _read(self) -> None:
        """Take messages as fast as the limits allow; a client that is faster waits in its own socket."""
        while True:
            async with asyncio.timeout(self._limits.idle_s):
                message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if message.get("text") is not None:
                await self._begin(read_hello(message["text"]))
                continue
            data: bytes = message["bytes"]
            wait = max(self._frames_budget.take(1), self._service.bytes[self._client].take(len(data)))
            wait = max(wait, self._decode_budget.take(await self._take(data)))
            if wait:
                await asyncio.sleep(wait)

    async def _take(self, message: bytes) -> float:
        """Decode a frame and offer it to the batcher; returns the seconds that decoding took."""
        self.counts["frames"] += 1
        frame_id: int | None = None
        try:
            frame_id, micros, packet = read_packet(message)
            read = await self._service.decode(functools.partial(self._reader.read, packet, frame_id, micros))
        except LofiError as error:
            await self._tell_fault(frame_id, error)
            return 0.0
        for lost in read.without_picture:
            await self._tell_fault(lost, LofiError("expected a picture in this packet, found none."))
        for frame in read.frames:
            self._offer(frame)
        return read.seconds

    def _offer(self, frame: Frame) -> None:
        k = self._hello.k if self._following is None else Following.candidates(self._hello.k)
        job, replaced = self._service.batcher.offer(
            self._lane, Query(frame.picture, self._where, k, frame.decode_s, quality=self._quality)
        )
        if replaced and self._newest is not None:
            self._skipped.append(self._newest[0].frame_id)
            self.counts["skipped"] += 1
            self._service.metrics.skipped.inc()
        self._newest = frame, job
        self._offered.set()

    async def _answer(self) -> None:
        """Send the answer to each frame that was served; only then may the next one be begun."""
        while True:
            await self._offered.wait()
            self._offered.clear()
            assert self._newest is not None
            frame, job = self._newest
            await asyncio.wait([job.outcome])
            if job.outcome.cancelled():  # a newer one has taken its place, and has set `offered`
                continue
            error = job.outcome.exception()
            if error is None:
                await self._send(await self._message(frame, job))
            elif isinstance(error, LofiError):
                await self._tell_fault(frame.frame_id, error)
            else:
                log("fault", logging.ERROR, error, client=self._client, frame=frame.frame_id)
                await self._tell_fault(frame.frame_id, LofiError("expected an answer, found a fault of the server."))
            self._service.batcher.release(self._lane)

    async def _message(self, frame: Frame, job: Job[Query, Answer]) -> dict[str, Any]:
        answer = job.outcome.result()
        if self._following is not None:
            engine, k = self._service.takeover.engine, self._hello.k
            update = functools.partial(self._following.update, engine, answer.fix, frame.micros, k)
            answer = replace(answer, fix=await self._service.decode(update))
        self._service.count("stream", answer, job)
        self.counts["answers"] += 1
        return {"frame": frame.frame_id, "micros": frame.micros, **answer_body(answer, job.began - job.came)}

    async def _tell_fault(self, frame_id: int | None, error: LofiError) -> None:
        """The answer to a frame that has none."""
        self.counts["faults"] += 1
        self._service.metrics.faults.labels("stream").inc()
        await self._send({"frame": frame_id, "error": str(error)})

    async def _send(self, message: dict[str, Any]) -> None:
        """Send JSON, with the frames that were skipped since the last message. Raises TimeoutError: nobody reads."""
        async with self._sending, asyncio.timeout(self._limits.send_s):
            skipped, self._skipped = self._skipped, []
            body = {**message, "skipped": skipped[-_MOST_SKIPPED:]}
            await self._socket.send_text(json.dumps(body, allow_nan=False))

    async def _close(self, code: int, reason: str) -> None:
        """Say why, as far as a close frame has room (123 bytes), and the whole in a last message."""
        try:
            async with asyncio.timeout(1):
                await self._socket.send_text(json.dumps({"frame": None, "error": reason, "closing": True}))
                await self._socket.close(code, reason.encode()[:120].decode("utf-8", "ignore"))
        except TimeoutError:
            # Whoever reads nothing would keep the socket, and what is unsent in it, for as long as it likes.
            self._socket.scope["state"].get("abort", lambda: None)()
        except (RuntimeError, WebSocketDisconnect):
            return
