"""Counters, gauges and histograms for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class Metrics:
    """What one application counts. Labels are few and fixed: no client can make new ones."""

    def __init__(self) -> None:
        own = self.registry = CollectorRegistry()
        self.answers = Counter("lofivpr_answers", "Fixes given.", ["source", "answered"], registry=own)
        self.faults = Counter("lofivpr_faults", "Frames and requests without a fix.", ["source"], registry=own)
        self.skipped = Counter("lofivpr_skipped_frames", "Frames that a newer one replaced.", registry=own)
        self.received = Counter("lofivpr_received_bytes", "Bytes of queries.", ["source"], registry=own)
        self.responses = Counter("lofivpr_responses", "HTTP responses.", ["status"], registry=own)
        self.stages = Histogram(
            "lofivpr_stage_seconds", "Seconds of a frame in each stage.", ["stage"], buckets=_SECONDS, registry=own
        )
        self.batch = Histogram(
            "lofivpr_batch_pictures", "Pictures described together.", buckets=(1, 2, 4, 8, 16, 32), registry=own
        )
        self.streams = Gauge("lofivpr_open_streams", "Streams that are open.", registry=own)
        self.waiting = Gauge("lofivpr_waiting_clients", "Clients whose frame waits to be described.", registry=own)
        self.places = Gauge("lofivpr_map_places", "Places of the map that is served.", registry=own)
        self.takeovers = Counter("lofivpr_takeovers", "Maps and models that were taken over.", ["result"], registry=own)

    def text(self) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self.registry)
