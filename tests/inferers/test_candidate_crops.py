"""Candidates from a table are cut where the analysis cuts them, and come back with probabilities."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from ignite.engine import Events
from monai.data import DataLoader
from monai.engines import SupervisedEvaluator
from torch import nn

from lungmonai.errors import DataError, OutputError, ScanError, SettingsError
from lungmonai.inferers import CandidateCrops, ProbabilityTable
from lungmonai.io import CTScan
from lungmonai.io.write_metaimage import write_metaimage

SHAPE = (40, 60, 56)


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> CTScan:
    """Every voxel's value tells where it is; x runs from right to left, as in some LUNA16 scans."""
    z, y, x = np.indices(SHAPE)
    affine = np.diag([-0.7, 0.7, 1.25, 1.0])
    affine[:3, 3] = (20.0, -30.0, 100.0)
    hu = (z * 10 + y * 5 + x * 3 - 900).astype(np.int16)
    path = tmp_path_factory.mktemp("scan") / "scan.mhd"
    made = CTScan(hu, affine, "scan", source=str(path))
    write_metaimage(made, path)
    return made


def write(path: Path, head: str, *rows: object) -> Path:
    path.write_text("\n".join([head, *map(str, rows)]) + "\n")
    return path


def row_of(scan: CTScan, vox: tuple[float, float, float]) -> str:
    return ",".join(f"{mm:.4f}" for mm in scan.lps_from_vox(vox))


def test_a_crop_lies_around_its_candidate_in_the_orientation_of_the_analysis(
    scan: CTScan, tmp_path: Path
) -> None:
    table = write(tmp_path / "t.csv", "coordX,coordY,coordZ", row_of(scan, (20, 30, 28)))
    crop = CandidateCrops(scan.source, table)[0]["image"]
    assert (tuple(crop.shape), crop.dtype) == ((1, 32, 48, 48), torch.float32)
    # Columns are turned to run towards the left: column 28 of 56 becomes 27, and the crop begins at 3.
    turned = scan.hu[:, :, ::-1]
    expected = turned[20 - 16 : 20 + 16, 30 - 24 : 30 + 24, 27 - 24 : 27 + 24].clip(-1000, 1000)
    assert np.array_equal(crop[0].numpy(), expected)


def test_at_the_border_the_crop_moves_inward(scan: CTScan, tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv", "coordX,coordY,coordZ", row_of(scan, (0, 0, 55)))
    crop = CandidateCrops(scan.source, table)[0]["image"]
    assert np.array_equal(crop[0].numpy(), scan.hu[:32, :48, ::-1][..., :48])


def test_values_are_clamped(tmp_path: Path) -> None:
    hu = np.full((32, 48, 48), 3000, dtype=np.int16)
    hu[0] = -1024
    write_metaimage(CTScan(hu, np.eye(4), "s"), tmp_path / "s.mhd")
    crop = CandidateCrops(tmp_path / "s.mhd", write(tmp_path / "t.csv", "x,y,z", "24,24,16"))[0]["image"]
    assert (crop.min(), crop.max()) == (-1000, 1000)


def test_a_scan_smaller_than_a_crop_is_filled_up_with_air(tmp_path: Path) -> None:
    hu = np.arange(5 * 48 * 60, dtype=np.int16).reshape(5, 48, 60) // 20 - 900
    write_metaimage(CTScan(hu, np.eye(4), "s"), tmp_path / "s.mhd")
    crop = CandidateCrops(tmp_path / "s.mhd", write(tmp_path / "t.csv", "x,y,z", "24,24,2"))[0]["image"]
    assert np.array_equal(crop[0, :5].numpy(), hu[:, :, :48])
    assert (crop[0, 5:] == -1000).all()


def test_only_the_rows_of_this_scan_count(scan: CTScan, tmp_path: Path) -> None:
    here = row_of(scan, (20, 30, 28))
    table = write(
        tmp_path / "t.csv", "seriesuid,coordX,coordY,coordZ,class", f"other,{here},0", f"scan,{here},1"
    )
    assert len(CandidateCrops(scan.source, table)) == 1


def test_both_may_be_relative_to_the_data_sets_folder(scan: CTScan) -> None:
    folder = Path(scan.source).parent
    write(folder / "t.csv", "x,y,z", row_of(scan, (20, 30, 28)))
    assert len(CandidateCrops("scan.mhd", "t.csv", str(folder))) == 1


class _Mean(nn.Module):
    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        mean = crops.mean(dim=(1, 2, 3, 4)) / 1000
        return torch.stack([torch.zeros_like(mean), mean], dim=1)


def evaluated(dataset: CandidateCrops, path: Path) -> SupervisedEvaluator:
    return SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(dataset, batch_size=2),
        network=_Mean(),
        val_handlers=[ProbabilityTable(dataset, path)],
        decollate=False,
    )


def test_the_table_holds_a_probability_for_each_candidate_in_its_order(scan: CTScan, tmp_path: Path) -> None:
    places = [(20, 30, 28), (39, 59, 0), (0, 0, 55)]
    table = write(tmp_path / "t.csv", "x,y,z", *(row_of(scan, place) for place in places))
    dataset, path = CandidateCrops(scan.source, table), tmp_path / "new" / "p.csv"
    engine = evaluated(dataset, path)
    engine.run()
    engine.run()  # a second run begins anew
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["seriesuid", "coordX", "coordY", "coordZ", "probability"]
    assert {row["seriesuid"] for row in rows} == {"scan"}
    for row, place, sample in zip(rows, places, dataset, strict=True):
        assert np.allclose(
            [float(row[f"coord{axis}"]) for axis in "XYZ"], scan.lps_from_vox(place), atol=1e-3
        )
        expected = torch.sigmoid(sample["image"].mean() / 1000)
        assert float(row["probability"]) == pytest.approx(float(expected), abs=1e-6)


def test_a_run_that_fails_leaves_no_table(scan: CTScan, tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv", "x,y,z", row_of(scan, (20, 30, 28)))
    engine = evaluated(CandidateCrops(scan.source, table), tmp_path / "p.csv")

    @engine.on(Events.ITERATION_COMPLETED)
    def fail(_: object) -> None:
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        engine.run()
    assert not (tmp_path / "p.csv").exists()


def test_a_table_that_cannot_be_written_is_named(scan: CTScan, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    table = write(tmp_path / "t.csv", "x,y,z", row_of(scan, (20, 30, 28)))
    with pytest.raises(OutputError, match="file"):
        evaluated(CandidateCrops(scan.source, table), tmp_path / "file" / "p.csv").run()


@pytest.mark.parametrize(
    ("scan_name", "table", "text"), [("", "t.csv", "scan is empty"), ("s.mhd", "", "candidates is empty")]
)
def test_both_must_be_named(scan_name: str, table: str, text: str) -> None:
    with pytest.raises(SettingsError, match=f"{text}; wanted a path. Add `--"):
        CandidateCrops(scan_name, table)


def test_a_missing_scan_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match=r"no\.mhd does not exist"):
        CandidateCrops(tmp_path / "no.mhd", tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("head", "row", "text"),
    [
        ("seriesuid,coordX,coordY,coordZ", "other,1,2,3", "has 1 rows, none of the scan scan"),
        ("a,b", "1,2", "has the columns a, b; wanted coordX, coordY, coordZ, or x, y, z"),
        ("x,y,z", "1,two,3", "has a row at 1, two, 3; wanted three numbers"),
        ("x,y,z", "1,nan,3", "has a row at 1, nan, 3; wanted three numbers"),
        ("x,y,z", "-20,30,120", r"\[-20.0, 30.0, 120.0\] lies outside .*; wanted LPS mm within the scan"),
    ],
)
def test_a_table_that_does_not_serve_is_refused(
    scan: CTScan, tmp_path: Path, head: str, row: str, text: str
) -> None:
    with pytest.raises(DataError, match=text):
        CandidateCrops(scan.source, write(tmp_path / "t.csv", head, row))
