"""One measured run in a process of its own: python -m benchmarks._worker JOB.json ANSWER.json."""

from __future__ import annotations

import ctypes
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["main"]

# glibc's malloc.h; as large as lungmonai sets them.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _KEPT_BYTES = -1, -3, 1 << 30
# Large enough to leave every cache, small enough to be quick.
_COPY_BYTES, _COPY_REPEATS = 512 << 20, 5
_MATMUL_SIZE, _MATMUL_REPEATS = 4096, 5


def memory_mb(which: str) -> float:
    """Resident memory of this process in MB: "VmHWM" its peak, "VmRSS" now.

    `ru_maxrss` starts from the peak of the process that started this one, so that it serves only
    where there is no /proc.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        import resource

        unit = 1e6 if sys.platform == "darwin" else 1e3
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    return int(lines[which].split()[0]) * 1024 / 1e6


def keep_freed_memory() -> None:
    """Let glibc keep large freed blocks; for the reference, which leaves this alone."""
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES)
    mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


def run_reference(job: dict[str, Any]) -> dict[str, Any]:
    """The reference's behaviour on one scan."""
    from reference import analysis as reference

    start = _ready()
    if job["keep_memory"]:
        keep_freed_memory()
    began = time.perf_counter()
    segmentation = reference.load_weights(reference.SegmentationNet(), Path(job["seg_published"]))
    nodule = reference.load_weights(reference.NoduleNet(), Path(job["nodule_published"]))
    weights_s = time.perf_counter() - began
    result = reference.analyze(
        Path(job["scan"]), segmentation, nodule, device=job["device"], slices=job["slices"]
    )
    whole_s = time.perf_counter() - began
    return {
        **start,
        "peak_mb": memory_mb("VmHWM"),
        "gpu_mb": _gpu_mb(job["device"]),
        "whole_s": whole_s,
        "timings_s": {"prepare": weights_s, **result.timings_s},
        "shape": list(result.shape),
        "centers_lps_mm": result.centers_lps_mm.tolist(),
        "com_vox": result.com_vox.tolist(),
        "probability": result.probability.tolist(),
    }


def run_ours(job: dict[str, Any]) -> dict[str, Any]:
    """lungmonai on one scan; models were converted and kept before, as after any first run."""
    import dataclasses
    import importlib

    import numpy as np

    from lungmonai.analysis import AnalysisSettings, Models, analyze_scan
    from lungmonai.io import read_ct

    importlib.import_module(f"lungmonai.analysis.engine_{job['engine']}")
    if job["engine"] == "torch":
        for module in ("weights", "segmentation", "nodule_cnn"):
            importlib.import_module(f"lungmonai.networks.{module}")
    start = _ready()
    settings = AnalysisSettings(
        engine=job["engine"],
        precision=job["precision"],
        device=job["device"],
        region="scan",
        merge=False,
        keep_thin_mm=0.0,
        masses=False,
        keep_memory=job["keep_memory"],
    )
    began = time.perf_counter()
    models = Models.load(seg=Path(job["seg"]), nodule=Path(job["nodule"]))
    opened = time.perf_counter()
    scan = read_ct(Path(job["scan"]))
    loaded = time.perf_counter()
    if job["slices"]:
        tiled = scan.hu[np.arange(job["slices"]) % len(scan.hu)]
        scan = dataclasses.replace(scan, hu=tiled)
    result = analyze_scan(scan, models, settings)
    whole_s = time.perf_counter() - began
    timings_s = dict(result.record["timings_s"])
    timings_s["prepare"] = timings_s.get("prepare", 0.0) + opened - began
    timings_s["load"] = loaded - opened
    return {
        **start,
        "peak_mb": memory_mb("VmHWM"),
        "gpu_mb": _gpu_mb(job["device"]),
        "whole_s": whole_s,
        "timings_s": timings_s,
        "engine": result.record["engine"],
        "shape": list(scan.shape),
        "centers_lps_mm": [candidate.center_lps_mm for candidate in result.candidates],
        "com_vox": [candidate.center_vox for candidate in result.candidates],
        "probability": [candidate.nodule_prob for candidate in result.candidates],
    }


def run_weights(job: dict[str, Any]) -> dict[str, Any]:
    """Import the published checkpoints as weights of ours, and convert them where OpenVINO is wanted."""
    from lungmonai.analysis import Models
    from lungmonai.networks import import_reference_weights

    seg, nodule = Path(job["seg"]), Path(job["nodule"])
    if job["import"]:
        import_reference_weights(Path(job["seg_published"]), seg)
        import_reference_weights(Path(job["nodule_published"]), nodule)
    began = time.perf_counter()
    if "openvino" in job["engines"]:
        from lungmonai.analysis.converted import converted_model

        for model in Models.load(seg=seg, nodule=nodule).by_name().values():
            converted_model(model)
    return {"convert_s": time.perf_counter() - began}


def run_machine(job: dict[str, Any]) -> dict[str, Any]:
    """Copy bandwidth, matrix peaks, and the multiply-adds of both reference networks."""
    import numpy as np
    import torch
    from reference import analysis as reference

    source = np.ones(_COPY_BYTES, dtype=np.uint8)
    target = np.zeros_like(source)
    copy_s = _best(lambda: np.copyto(target, source), _COPY_REPEATS)
    rows, columns = job["plane"]
    window = torch.zeros(1, 2 * reference.CONTEXT_SLICES + 1, rows, columns, device="meta")
    crop = torch.zeros(1, 1, *reference.CROP_WIDTHS_VOX, device="meta")
    return {
        "bytes_per_s": 2 * _COPY_BYTES / copy_s,
        "float32_macs_per_s": _matmul_macs_per_s(job["device"], torch.float32),
        "bfloat16_macs_per_s": _matmul_macs_per_s(job["device"], torch.bfloat16),
        "macs_per_slice": _macs(reference.SegmentationNet(), window),
        "macs_per_crop": _macs(reference.NoduleNet(), crop),
    }


def main(argv: list[str]) -> int:
    """Read a job, run it, write its answer."""
    question, answer = argv
    job = json.loads(Path(question).read_text())
    kinds: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
        "reference": run_reference,
        "ours": run_ours,
        "weights": run_weights,
        "machine": run_machine,
    }
    Path(answer).write_text(json.dumps(kinds[job["kind"]](job)))
    return 0


def _ready() -> dict[str, float]:
    """What the imports cost; to be called when they are done."""
    return {"import_s": time.perf_counter() - _STARTED, "start_mb": memory_mb("VmRSS")}


def _gpu_mb(device: str) -> float:
    if not device.startswith("cuda"):
        return 0.0
    import torch

    return torch.cuda.max_memory_allocated(device) / 1e6


def _best(work: Callable[[], object], repeats: int) -> float:
    """Seconds of the quickest of several runs, after one that warms up."""
    work()
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def _matmul_macs_per_s(device: str, dtype: Any) -> float:
    import torch

    left = torch.rand(_MATMUL_SIZE, _MATMUL_SIZE, device=device).to(dtype)
    right = torch.rand(_MATMUL_SIZE, _MATMUL_SIZE, device=device).to(dtype)
    out = torch.empty_like(left)

    def work() -> None:
        torch.mm(left, right, out=out)
        if device != "cpu":
            torch.cuda.synchronize()

    return float(_MATMUL_SIZE**3 / _best(work, _MATMUL_REPEATS))


def _macs(net: Any, example: Any) -> int:
    """Multiply-adds of a network's convolutions and linear layers on one input."""
    import torch
    from torch import nn

    total = 0

    def count(module: Any, inputs: tuple[Any, ...], output: Any) -> None:
        nonlocal total
        if isinstance(module, nn.ConvTranspose2d):
            total += inputs[0].numel() * module.weight.numel() // module.in_channels
        elif isinstance(module, nn.Conv2d | nn.Conv3d):
            total += output.numel() * module.weight.numel() // module.out_channels
        elif isinstance(module, nn.Linear):
            total += module.weight.numel()

    for module in net.modules():
        module.register_forward_hook(count)
    with torch.no_grad():
        net.to("meta").eval()(example)
    return total


_STARTED = time.perf_counter()

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
