"""float32 ONNX to int8 by ONNX Runtime: the backbone's convolutions, their ranges from calibration pictures."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from lofivpr.models.config import ModelError
from lofivpr.models.verify_onnx import Feed

QUANTIZED = ("Conv", "Clip", "Relu", "MaxPool")
"""Not sums: those that shift a quality-aware model's channels span far more than is left of them behind ReLU6."""


def quantize(float32: Path, int8: Path, calibration: Sequence[Feed]) -> None:
    """Write `int8`: weights as int8 by channel, activations as uint8 by tensor, from the least to the greatest seen.

    What aggregates stays float32: NetVLAD's assignment is a steep softmax, and residuals cancel.

    Raises:
        ModelError: no convolution to quantize, or ONNX Runtime cannot.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self.left = iter(calibration)

        def get_next(self) -> Feed | None:
            return next(self.left, None)

    prepared = int8.with_name("prepared.onnx")
    logging.disable(logging.WARNING)  # advice that does not apply: shapes are inferred, and the graph is fused
    try:
        quant_pre_process(float32, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            int8,
            Reader(),
            nodes_to_quantize=_backbone(prepared),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
    except (RuntimeError, ValueError, TypeError, KeyError) as error:
        raise ModelError(
            f"expected a graph that ONNX Runtime can quantize, found: {error}. Export to onnx instead."
        ) from error
    finally:
        logging.disable(logging.NOTSET)
        prepared.unlink(missing_ok=True)


def _backbone(path: Path) -> list[str]:
    """Convolutions, and what bounds or pools their outputs: a range before ReLU6 would waste most of its 256 steps."""
    import onnx

    nodes = [node for node in onnx.load(str(path)).graph.node if "aggregator" not in node.name]
    if not any(node.op_type == "Conv" for node in nodes):
        raise ModelError("expected convolutions to quantize, found none in the backbone. Export to onnx instead.")
    return [node.name for node in nodes if node.op_type in QUANTIZED]
