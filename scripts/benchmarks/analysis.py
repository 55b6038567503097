"""The whole analysis of one scan: the reference project's behaviour and ours, stage by stage.

Runs take turns, each in a fresh process, so that peak memory and the state of malloc are its own.
Times are medians; imports are reported apart and are not part of the whole. OpenVINO's models are
converted before the first run, as they are once per weights file in use. Candidates are partners when
they lie within half a millimetre.
"""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import tempfile
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ._common import BenchError, in_fresh_process, machine_line, say, shared_data, table, versions_line

__all__ = ["main"]

STAGES = ("load", "prepare", "segment", "group", "classify", "other")
# The reference times erosion apart; here it belongs to grouping.
_STAGE_OF = {"erode": "group", **{stage: stage for stage in STAGES}}
# Candidates nearer than this are the same one.
_SAME_MM = 0.5
_THRESHOLD_PROB = 0.5
# Voxels in, voxels out: int16 read and written; a mask read, its erosion written.
_LOAD_BYTES, _GROUP_BYTES = 4, 2


@dataclass(frozen=True)
class Variant:
    """One way to analyse the scan.

    Args:
        name: as the table shows it and --variants matches it.
        kind: "reference" or "ours".
        engine: what runs our networks.
        precision: `AnalysisSettings.precision`.
        keep_memory: whether freed memory is kept in the process.
    """

    name: str
    kind: str
    engine: str = "torch"
    precision: str = "float32"
    keep_memory: bool = True


@dataclass(frozen=True)
class Agreement:
    """How a variant's answer differs from the reference's.

    Args:
        candidates: how many it found.
        unmatched: candidates of either side without a partner.
        max_mm: largest distance of partners.
        max_prob: largest difference of their probabilities.
        bit_equal: centroids are the same numbers in the same order.
        crossed: (LPS mm, the reference's probability, ours) of nodules that only one side has.
    """

    candidates: int
    unmatched: int
    max_mm: float
    max_prob: float
    bit_equal: bool
    crossed: tuple[tuple[list[float], float, float], ...]


def main(argv: list[str]) -> int:
    """Run the benchmark; 1 if a variant failed."""
    options = _parser().parse_args(argv)
    if not options.scan.exists():
        raise SystemExit(f"bench: {options.scan} does not exist; name a scan with --scan")
    variants = _variants(options.engines, options.device)
    variants = [v for v in variants if any(fnmatch(v.name, pattern) for pattern in options.variants)]
    say(f"machine:  {machine_line()}")
    say(f"versions: {versions_line()}")
    say(f"command:  scripts/bench analysis {shlex.join(argv)}")
    with tempfile.TemporaryDirectory() as folder:
        job, cache = _common_job(options, Path(folder))
        runs, errors = _run_all(job, variants, options.repeats, cache)
        machine = _measure_machine(job, runs, cache)
    report = _report(variants, runs, errors, machine)
    if options.json:
        raw = {"machine": machine_line(), "versions": versions_line(), "argv": argv, **report, "runs": runs}
        options.json.write_text(json.dumps(raw))
    return 1 if errors else 0


def _parser() -> argparse.ArgumentParser:
    data = shared_data()
    parser = argparse.ArgumentParser(prog="scripts/bench analysis", description=__doc__)
    parser.add_argument("--scan", type=Path, default=data / "ct" / "c3n-00247", help="DICOM folder or file")
    parser.add_argument("--seg", type=Path, help="weights of ours; default: the published ones, imported")
    parser.add_argument("--nodule", type=Path, help="weights of ours; default: the published ones, imported")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, ...")
    parser.add_argument("--engines", nargs="+", choices=("torch", "openvino"), default=["torch", "openvino"])
    parser.add_argument("--variants", nargs="+", default=["*"], help="only these names; * and ? are wild")
    parser.add_argument("--slices", type=int, default=0, help="repeat the scan along z to this many slices")
    parser.add_argument("--json", type=Path, help="write every run here")
    return parser


def _variants(engines: list[str], device: str) -> list[Variant]:
    if device != "cpu":  # malloc and OpenVINO are the CPU's
        precisions = ("float32", "mixed", "bfloat16")
        ours = [Variant(f"torch-{precision}", "ours", precision=precision) for precision in precisions]
        return [Variant("reference", "reference", keep_memory=False), *ours]
    found = [
        Variant("reference", "reference", keep_memory=False),
        Variant("reference-kept", "reference"),
    ]
    for engine in engines:
        found += [
            Variant(f"{engine}-float32", "ours", engine),
            Variant(f"{engine}-float32-unkept", "ours", engine, keep_memory=False),
            Variant(f"{engine}-mixed", "ours", engine, "mixed"),
            Variant(f"{engine}-bfloat16", "ours", engine, "bfloat16"),
        ]
    return found


def _common_job(options: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """What every run is told; weights are imported and converted here."""
    weights = shared_data() / "dlwpt_weights"
    published = [next(iter(sorted(weights.glob(f"{name}_*.state"))), Path()) for name in ("seg", "cls")]
    job: dict[str, Any] = {
        "scan": str(options.scan),
        "device": options.device,
        "slices": options.slices,
        "seg_published": str(published[0]),
        "nodule_published": str(published[1]),
        "seg": str(options.seg or folder / "seg.pt"),
        "nodule": str(options.nodule or folder / "nodule.pt"),
    }
    if (options.seg is None) != (options.nodule is None):
        raise SystemExit("--seg and --nodule go together")
    cache = {"LUNGMONAI_CACHE": str(folder / "cache")}
    engines = options.engines if options.device == "cpu" else ["torch"]
    question = {**job, "kind": "weights", "import": options.seg is None, "engines": engines}
    try:
        made = in_fresh_process(question, environment=cache)
        say(f"convert:  {made['convert_s']:.1f} s for OpenVINO, once per weights file, not in any row below")
    except BenchError as error:
        raise SystemExit(f"bench: the weights cannot be used: {error}") from error
    return job, cache


def _run_all(
    job: dict[str, Any], variants: list[Variant], repeats: int, cache: dict[str, str]
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str]]:
    """Every variant in turn, `repeats` times; one that fails is not tried again."""
    runs: dict[str, list[dict[str, Any]]] = {}
    errors: dict[str, str] = {}
    for repeat in range(repeats):
        for variant in variants:
            if variant.name in errors:
                continue
            question = {
                **job,
                "kind": variant.kind,
                "engine": variant.engine,
                "precision": variant.precision,
                "keep_memory": variant.keep_memory,
            }
            try:
                answer = in_fresh_process(question, environment=cache)
            except BenchError as error:
                errors[variant.name] = str(error)
                say(f"run {repeat + 1}  {variant.name:<26} failed: {error}")
                continue
            runs.setdefault(variant.name, []).append(answer)
            say(f"run {repeat + 1}  {variant.name:<26} {answer['whole_s']:8.2f} s")
    return runs, errors


def _measure_machine(
    job: dict[str, Any], runs: dict[str, list[dict[str, Any]]], cache: dict[str, str]
) -> dict[str, Any]:
    """Bandwidth and peaks, with the size of the work; empty where that failed."""
    if not runs:
        return {}
    first = next(iter(runs.values()))[0]  # the reference, where it ran
    slices, rows, columns = first["shape"]
    try:
        measured = in_fresh_process({**job, "kind": "machine", "plane": [rows, columns]}, environment=cache)
    except BenchError as error:
        say(f"machine:  not measured: {error}")
        return {}
    return {**measured, "shape": [slices, rows, columns], "candidates": len(first["probability"])}


def _report(
    variants: list[Variant],
    runs: dict[str, list[dict[str, Any]]],
    errors: dict[str, str],
    machine: dict[str, Any],
) -> dict[str, Any]:
    medians = {variant.name: _median(runs[variant.name]) for variant in variants if variant.name in runs}
    floors = _floors(machine)
    say()
    if medians:
        say(table(_seconds_rows(medians, floors)))
    if machine:
        giga = {name: value / 1e9 for name, value in machine.items() if name.endswith("per_s")}
        say(
            f"floors: copies at {giga['bytes_per_s']:.1f} GB/s; matrix products at "
            f"{giga['float32_macs_per_s']:.0f} (float32) and {giga['bfloat16_macs_per_s']:.0f} (bfloat16) "
            f"G multiply-adds/s, measured now; {machine['macs_per_slice'] / 1e9:.2f} G a slice, "
            f"{machine['macs_per_crop'] / 1e9:.3f} G a crop, {machine['candidates']} crops"
        )
    agreements = {}
    if "reference" in medians:
        say()
        say(table(_ratio_rows(medians)))
        agreements = {name: _agreement(runs["reference"][0], runs[name][0]) for name in medians}
        say()
        _say_agreements(agreements)
    for name, error in errors.items():
        say(f"{name} failed: {error}")
    shown = {name: vars(agreement) for name, agreement in agreements.items()}
    return {"medians": medians, "floors_s": floors, "agreement": shown, "errors": errors, "measured": machine}


def _median(runs: list[dict[str, Any]]) -> dict[str, float]:
    """Median seconds by stage and the other numbers of one variant."""
    staged = [_by_stage(run) for run in runs]
    found = {stage: statistics.median(run[stage] for run in staged) for stage in STAGES}
    for name in ("whole_s", "import_s", "start_mb", "peak_mb", "gpu_mb"):
        found[name] = statistics.median(run[name] for run in runs)
    return found


def _by_stage(run: dict[str, Any]) -> dict[str, float]:
    """Seconds in the table's stages; "other" is the rest of the whole."""
    seconds = dict.fromkeys(STAGES, 0.0)
    for stage, value in run["timings_s"].items():
        seconds[_STAGE_OF.get(stage, "other")] += value
    seconds["other"] += run["whole_s"] - sum(seconds.values())
    return seconds


def _floors(machine: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Seconds that the bytes and multiply-adds of each stage need at the measured peaks."""
    if not machine:
        return {}
    slices, rows, columns = machine["shape"]
    voxels = slices * rows * columns
    floors = {}
    for precision in ("float32", "bfloat16"):
        peak = machine[f"{precision}_macs_per_s"]
        floors[precision] = {
            "load": voxels * _LOAD_BYTES / machine["bytes_per_s"],
            "segment": slices * machine["macs_per_slice"] / peak,
            "group": voxels * _GROUP_BYTES / machine["bytes_per_s"],
            "classify": machine["candidates"] * machine["macs_per_crop"] / peak,
        }
    return floors


def _seconds_rows(
    medians: dict[str, dict[str, float]], floors: dict[str, dict[str, float]]
) -> list[list[str]]:
    rows = [["seconds (median)", *STAGES, "whole", "import", "start MB", "peak MB", "GPU MB"]]
    for name, found in medians.items():
        seconds = [f"{found[stage]:.3f}" for stage in STAGES]
        memory = [f"{found[key]:.0f}" for key in ("start_mb", "peak_mb", "gpu_mb")]
        rows.append([name, *seconds, f"{found['whole_s']:.2f}", f"{found['import_s']:.2f}", *memory])
    for precision, floor in floors.items():
        seconds = [f"{floor[stage]:.3f}" if stage in floor else "" for stage in STAGES]
        rows.append([f"floor, {precision}", *seconds, f"{sum(floor.values()):.2f}", "", "", "", ""])
    return rows


def _ratio_rows(medians: dict[str, dict[str, float]]) -> list[list[str]]:
    """How many times quicker than the reference, and how much of its peak memory."""
    base = medians["reference"]
    shown = [stage for stage in STAGES if stage not in ("prepare", "other")]
    rows = [["times quicker", *shown, "whole", "peak memory"]]
    for name, found in medians.items():
        ratios = [f"{base[stage] / max(found[stage], 1e-9):.1f}" for stage in (*shown, "whole_s")]
        rows.append([name, *ratios, f"{found['peak_mb'] / base['peak_mb']:.2f} of it"])
    return rows


def _agreement(reference: dict[str, Any], ours: dict[str, Any]) -> Agreement:
    """Pair candidates by distance and compare what is said of them."""
    theirs_mm, theirs_prob = _positions(reference), np.array(reference["probability"])
    ours_mm, ours_prob = _positions(ours), np.array(ours["probability"])
    partner, distance = _nearest(theirs_mm, ours_mm)
    paired = distance < _SAME_MM
    _, back = _nearest(ours_mm, theirs_mm)
    alone = back >= _SAME_MM
    pairs_prob = np.where(paired, ours_prob[partner] if len(ours_prob) else 0.0, 0.0)
    differ = np.abs(theirs_prob - pairs_prob)[paired]
    crossed = np.flatnonzero((theirs_prob > _THRESHOLD_PROB) != (pairs_prob > _THRESHOLD_PROB))
    only_ours = np.flatnonzero(alone & (ours_prob > _THRESHOLD_PROB))
    listed = [(theirs_mm[i].tolist(), float(theirs_prob[i]), float(pairs_prob[i])) for i in crossed]
    listed += [(ours_mm[i].tolist(), 0.0, float(ours_prob[i])) for i in only_ours]
    return Agreement(
        candidates=len(ours_mm),
        unmatched=int((~paired).sum() + alone.sum()),
        max_mm=float(distance[paired].max(initial=0.0)),
        max_prob=float(differ.max(initial=0.0)),
        bit_equal=bool(np.array_equal(np.array(reference["com_vox"]), np.array(ours["com_vox"]))),
        crossed=tuple(listed),
    )


def _positions(run: dict[str, Any]) -> NDArray[np.float64]:
    return np.array(run["centers_lps_mm"], dtype=np.float64).reshape(-1, 3)


def _nearest(
    of: NDArray[np.float64], among: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Index and distance of the nearest of `among` to each of `of`."""
    if not len(of) or not len(among):
        return np.zeros(len(of), dtype=np.int64), np.full(len(of), np.inf)
    distance, index = cKDTree(among).query(of)
    return index, distance


def _say_agreements(agreements: dict[str, Agreement]) -> None:
    head = ["against the reference", "candidates", "unmatched", "max mm", "max probability"]
    rows = [[*head, "grouping bit-equal", "nodules that differ"]]
    for name, found in agreements.items():
        counts = [str(found.candidates), str(found.unmatched)]
        largest = [f"{found.max_mm:.1e}", f"{found.max_prob:.1e}"]
        rows.append([name, *counts, *largest, "yes" if found.bit_equal else "no", str(len(found.crossed))])
    say(table(rows))
    for name, found in agreements.items():
        for lps_mm, theirs, ours in found.crossed:
            place = ", ".join(f"{value:.1f}" for value in lps_mm)
            say(f"  {name}: nodule at LPS ({place}) mm: reference {theirs:.3f}, here {ours:.3f}")
