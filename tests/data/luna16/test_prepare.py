"""`lungmonai prepare luna16`, from files on disk to the datalist and the quarantine."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from luna16_folder import Luna16Folder, good_folder

from lungmonai.cli import main
from lungmonai.data.datalist import SPLITS, all_items, read_datalist
from lungmonai.data.lidc.database import LidcDatabase, LidcScan
from lungmonai.data.lidc.nodules import lidc_nodules
from lungmonai.data.luna16.prepare import prepare_luna16
from lungmonai.errors import DataError, SettingsError
from lungmonai.io import read_ct

RUN = ["prepare", "luna16", "--root"]


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Luna16Folder:
    """A folder with everything wrong that a datalist survives; prepared."""
    made = Luna16Folder(tmp_path_factory.mktemp("spoilt"))
    made.scan(0, "plain")
    made.scan(0, "packed", compress=True)
    made.scan(0, "flipped", flipped=True)
    made.scan(0, "unnamed")
    cut = made.scan(1, "cut").with_suffix(".raw")
    cut.write_bytes(cut.read_bytes()[:-1])
    torn = made.scan(1, "torn", compress=True).with_suffix(".zraw")
    content = bytearray(torn.read_bytes())
    content[len(content) // 2] ^= 0xFF
    torn.write_bytes(content)
    geometry = made.geometry["plain"]
    made.scan(1, "plain")  # the same series once more
    made.geometry["plain"] = geometry
    made.scan(0, "twice").with_suffix(".raw").unlink()  # the first copy is bad, the second good
    made.scan(1, "twice")
    _spoilt_tables(made)
    (made.root / "masks").mkdir()
    (made.root / "masks" / "plain.nii.gz").touch()
    assert main([*RUN, str(made.root), "--quiet"]) == 0
    return made


def _spoilt_tables(made: Luna16Folder) -> None:
    at = made.lps
    made.table(
        "annotations",
        [
            ("plain", *at("plain", 8, 16, 16), 4.0),
            ("plain", *at("plain", 8, 16, 16), 4.0),  # line 3
            ("plain", *at("plain", 4, 20, 9), 12.0),
            ("plain", "nan", 1, 1, 4.0),  # line 5
            ("packed", *at("packed", 8, 8, 8), 5.0),
            ("packed", *at("packed", 8, 8, 20), 0),  # line 7
            ("packed", *at("packed", 40, 8, 8), 5.0),  # line 8
            ("flipped", *at("flipped", 3, 7, 25), 6.0),
            ("cut", *at("cut", 8, 8, 8), 5.0),
            ("stranger", 1, 2, 3, 5.0),
            ("twice", *at("twice", 8, 8, 8), 7.0),
        ],
    )
    made.table(
        "candidates_V2",
        [
            ("plain", *at("plain", 8, 16, 16), 1),
            ("plain", *at("plain", 8, 17, 16), 0),  # 0.8 mm from a nodule of 4 mm
            ("plain", *at("plain", 8, 30, 30), 0),
            ("flipped", *at("flipped", 1, 2, 3), 0),
            ("flipped", *at("flipped", 99, 2, 3), 0),  # line 6
            ("flipped", *at("flipped", 9, 9, 9), 1),
            ("stranger", 1, 2, 3, 0),
        ],
        folder="candidates_V2",
    )
    made.table("annotations_excluded", [("packed", *at("packed", 2, 2, 2), -1.0)] * 2)
    box = [0] * 7
    made.table(
        "annotations_with_malignancy",
        [
            ("plain", *at("plain", 8, 16, 16), 4.0, True, "[4, 5, 1, 2]", *box),
            ("plain", *at("plain", 4, 20, 9), 12.0, False, "[3, 3, 3]", *box),
            ("packed", *at("packed", 8, 8, 12), 5.0, True, "[5, 5, 5]", *box),  # 2.8 mm away: not the same
        ],
    )
    made.table("patients", [("plain", "P1", "S1"), ("packed", "P1", "S2"), ("flipped", "P2", "S3")])


def items_of(path: Path) -> dict[str, dict]:
    return {item["seriesuid"]: dict(item) for _, item in all_items(read_datalist(path))}


def test_good_scans_are_kept_and_bad_ones_listed(spoilt: Luna16Folder) -> None:
    assert sorted(items_of(spoilt.root / "datalist.json")) == [
        "flipped", "packed", "plain", "twice", "unnamed"
    ]  # fmt: skip
    datalist = read_datalist(spoilt.root / "datalist.json")
    for split in SPLITS:
        series = [item["seriesuid"] for item in datalist.get(split, [])]
        assert series == sorted(series)
    scans = {row["path"]: row for row in spoilt.quarantine() if not row["line"]}
    wanted = {
        "subset0/twice.mhd": "twice.mhd names the data file 'twice.raw', which is not beside it",
        "subset1/cut.mhd": "cut.mhd is truncated: it holds 32,767 bytes of voxels; wanted 32,768 bytes",
        "subset1/plain.mhd": "the same series as subset0/plain.mhd",
        "subset1/torn.mhd": "torn.mhd ",
    }
    assert sorted(scans) == sorted(wanted)
    for path, reason in wanted.items():
        assert scans[path]["reason"].startswith(reason)
        assert scans[path]["seriesuid"] == Path(path).stem


def test_bad_rows_are_listed_with_their_line(spoilt: Luna16Folder) -> None:
    rows = [(row["path"], row["line"], row["seriesuid"]) for row in spoilt.quarantine() if row["line"]]
    assert rows == [
        ("annotations.csv", "3", "plain"),
        ("annotations.csv", "5", "plain"),
        ("annotations.csv", "7", "packed"),
        ("annotations.csv", "8", "packed"),
        ("candidates_V2/candidates_V2.csv", "6", "flipped"),
    ]


def test_nodules_lie_where_itk_says(spoilt: Luna16Folder) -> None:
    """The flipped scan's voxels are found again by another reader's geometry."""
    item = items_of(spoilt.root / "datalist.json")["flipped"]
    image = sitk.ReadImage(item["image"])
    assert image.GetDirection() == (-1, 0, 0, 0, -1, 0, 0, 0, 1)
    (nodule,) = item["nodules"]
    assert image.TransformPhysicalPointToIndex(nodule["lps_mm"]) == (25, 7, 3)
    assert read_ct(item["image"]).vox_from_lps(nodule["lps_mm"]).tolist() == pytest.approx([3, 7, 25])


def test_an_item_says_everything(spoilt: Luna16Folder) -> None:
    at = spoilt.lps
    first, second = list(at("plain", 8, 16, 16)), list(at("plain", 4, 20, 9))
    item = items_of(spoilt.root / "datalist.json")["plain"]
    assert item == {
        "image": str(spoilt.root / "subset0" / "plain.mhd"),
        "label": str(spoilt.root / "masks" / "plain.nii.gz"),
        "seriesuid": "plain",
        "patient": "P1",
        "studyuid": "S1",
        "subset": 0,
        "fold": 0,
        "excluded": [],
        "nodules": [
            {
                "lps_mm": first,
                "diameter_mm": 4.0,
                "malignant": True,
                "ratings": {"malignancy": [4, 5, 1, 2]},
            },
            {"lps_mm": second, "diameter_mm": 12.0, "malignant": False, "ratings": {"malignancy": [3, 3, 3]}},
        ],
        "candidates": [
            [*first, 1],
            [*second, 1],
            [*(pytest.approx(x, abs=5e-4) for x in at("plain", 8, 30, 30)), 0],
        ],
    }


def test_what_is_not_known_stays_open(spoilt: Luna16Folder) -> None:
    items = items_of(spoilt.root / "datalist.json")
    assert [nodule["malignant"] for nodule in items["packed"]["nodules"]] == [None]
    assert items["packed"]["excluded"] == [[*spoilt.lps("packed", 2, 2, 2), -1.0]]
    assert items["unnamed"]["patient"] == "unnamed"
    assert (items["unnamed"]["nodules"], items["unnamed"]["candidates"]) == ([], [])
    assert (items["twice"]["subset"], items["twice"]["fold"]) == (1, 1)
    assert "label" not in items["packed"]
    assert "studyuid" not in items["unnamed"]


def test_the_facts_add_up(spoilt: Luna16Folder) -> None:
    facts = read_datalist(spoilt.root / "datalist.json")
    assert facts["counts"] == {
        "scans": 5,
        "scans_with_nodules": 4,
        "patients": 4,
        "nodules": 5,
        "malignant": 1,
        "benign": 1,
        "ambiguous": 0,
        "unknown": 3,
        "candidates": {"nodule": 5, "other": 2},
        "excluded": 1,
        "quarantined_scans": 4,
        "quarantined_rows": 5,
    }
    assert facts["split"] == {"seed": 0, "shares": [0.7, 0.15, 0.15], "by": "patient"}
    assert facts["tables"]["candidates"]["file"] == "candidates_V2/candidates_V2.csv"
    sums = subprocess.check_output(["sha256sum", spoilt.root / "annotations.csv"], text=True)
    assert facts["tables"]["annotations"]["sha256"] == sums.split()[0]


def test_the_notes_say_what_a_user_should_know(spoilt: Luna16Folder) -> None:
    notes = read_datalist(spoilt.root / "datalist.json")["notes"]
    assert notes == [
        "Rows on series that are not here, or were left out: annotations.csv 2, candidates_V2.csv 1.",
        "No table names 1 of the scans; they may hold no nodule.",
        "The patient of 2 scans is unknown; each counts as a patient of its own.",
        "2 candidates lie within a nodule's radius and were left out; the nodule itself stands for them.",
        "1 candidates of class 1 lie at no annotated nodule and were left out.",
    ]


def test_no_patient_is_in_two_lists(spoilt: Luna16Folder) -> None:
    lists = Counter()
    for split, item in all_items(read_datalist(spoilt.root / "datalist.json")):
        lists[item["patient"], split] += 1
    assert len(lists) == len({patient for patient, _ in lists})


def test_monai_loads_images_by_it(spoilt: Luna16Folder) -> None:
    from monai.data import load_decathlon_datalist
    from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged

    items = [
        item
        for split in SPLITS
        if split in read_datalist(spoilt.root / "datalist.json")
        for item in load_decathlon_datalist(spoilt.root / "datalist.json", False, split)
    ]
    assert len(items) == 5
    reader = Compose([
        LoadImaged(keys="image", reader="lungmonai.io.CTReader", dtype=np.int16), EnsureChannelFirstd("image")
    ])  # fmt: skip
    assert {reader(item)["image"].shape for item in items} == {(1, 32, 32, 16)}
    assert all(os.path.isabs(item["image"]) for item in items)  # noqa: PTH117


def test_the_same_again_is_the_same(spoilt: Luna16Folder) -> None:
    before = (spoilt.root / "datalist.json").read_bytes()
    assert main([*RUN, str(spoilt.root), "--quiet", "--workers", "3"]) == 0
    assert (spoilt.root / "datalist.json").read_bytes() == before


def test_the_summary(spoilt: Luna16Folder, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*RUN, str(spoilt.root)]) == 0
    shown = capsys.readouterr()
    assert "5 of 4 patients; 4 with nodules" in shown.out
    assert "5: 1 malignant, 1 benign, 0 ambiguous, 3 unknown" in shown.out
    assert "5 nodules, 2 others; 1 excluded findings" in shown.out
    assert "Left out: 4 scans and 5 rows of tables" in shown.out
    assert "… and 4 more" in shown.out
    assert f"Next: lungmonai audit {spoilt.root / 'datalist.json'}" in shown.out
    assert "Checking scans" in shown.err
    rows = [line.split() for line in shown.out.splitlines() if re.match("  (training|vali|test)", line)]
    totals = [sum(map(int, column)) for column in zip(*(row[1:] for row in rows), strict=True)]
    # Scans, patients; no nodule, below 6, 6 to 10, over 10 mm; malignant, benign, unknown.
    assert totals == [5, 4, 1, 1, 2, 1, 1, 1, 3]
    assert main([*RUN, str(spoilt.root), "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


# What stops it


def test_a_missing_column_names_file_and_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = good_folder(tmp_path)
    (tmp_path / "annotations.csv").write_text("seriesuid,coordX,coordY,coordZ,size\n")
    assert main([*RUN, str(tmp_path)]) == 7
    error = capsys.readouterr().err.splitlines()[-1]
    assert f"{tmp_path / 'annotations.csv'} lacks diameter_mm; its header has seriesuid, coordX" in error
    assert not (made.root / "datalist.json").exists()
    assert not (made.root / ".lungmonai").exists()  # said before the scans are checked


def test_no_good_scan(tmp_path: Path) -> None:
    good_folder(tmp_path, scans=2)
    for raw in tmp_path.rglob("*.raw"):
        raw.unlink()
    with pytest.raises(
        DataError, match=r"none of the 2 scans .* is good; wanted at least one\. .*quarantine"
    ):
        prepare_luna16(tmp_path)
    with (tmp_path / "quarantine.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 2


def test_settings_that_make_no_sense(tmp_path: Path) -> None:
    good_folder(tmp_path, scans=2)
    with pytest.raises(SettingsError, match="workers is 0; wanted 1 or more"):
        prepare_luna16(tmp_path, workers=0)
    with pytest.raises(SettingsError, match="folds by 'moon'"):
        prepare_luna16(tmp_path, folds="moon")  # type: ignore[arg-type]


def test_an_output_that_is_no_json_is_refused(tmp_path: Path) -> None:
    made = good_folder(tmp_path, scans=2)
    before = (tmp_path / "annotations.csv").read_bytes()
    for output in (tmp_path / "annotations.csv", tmp_path / "subset0"):
        with pytest.raises(SettingsError, match=r"wanted a file name in \.json"):
            prepare_luna16(tmp_path, output)
    assert (tmp_path / "annotations.csv").read_bytes() == before
    assert not (made.root / ".lungmonai").exists()


# Odd folders


def test_a_folder_named_from_below_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good_folder(tmp_path)
    wanted = prepare_luna16(tmp_path).datalist.read_bytes()
    monkeypatch.chdir(tmp_path / "subset0")
    for output in (None, Path("../datalist.json")):
        (tmp_path / "datalist.json").unlink()
        assert prepare_luna16(Path(".."), output).datalist == tmp_path / "datalist.json"
        assert (tmp_path / "datalist.json").read_bytes() == wanted


def test_a_name_that_is_no_text_is_listed(tmp_path: Path) -> None:
    made = good_folder(tmp_path, scans=3)
    name = os.path.join(os.fsencode(tmp_path / "subset0"), b"\xff.mhd")  # noqa: PTH118
    try:
        os.close(os.open(name, os.O_CREAT))
    except OSError:
        pytest.skip("this disk takes only text for names")
    assert main([*RUN, str(tmp_path)]) == 0
    (row,) = made.quarantine()
    assert row["path"] == r"subset0/\udcff.mhd"


def test_candidates_that_stand_twice_count_once(tmp_path: Path) -> None:
    made = good_folder(tmp_path, scans=2)
    before = items_of(prepare_luna16(tmp_path).datalist)
    table = made.root / "candidates_V2.csv"
    head, *rows = table.read_text().splitlines()
    table.write_text("\n".join([head, *rows, *rows, ""]))
    prepared = prepare_luna16(tmp_path)
    assert items_of(prepared.datalist) == before
    assert prepared.facts["notes"] == ["2 candidates have the position of an earlier one and were left out."]


def test_what_to_do_next_can_be_pasted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "my data"
    good_folder(root, scans=3)
    assert main([*RUN, str(root)]) == 0
    assert f"Next: lungmonai audit '{root}/datalist.json' " in capsys.readouterr().out
    shutil.rmtree(root)
    good_folder(root, scans=1)  # one list alone: nothing to audit
    assert main([*RUN, str(root)]) == 0
    said = capsys.readouterr().out
    assert "audit" not in said
    assert f"lungmonai cache warm '{root}/datalist.json' " in said


# Options


def test_only_annotations_are_needed(tmp_path: Path) -> None:
    made = good_folder(tmp_path)
    for name in ("candidates_V2", "annotations_excluded", "patients"):
        (tmp_path / f"{name}.csv").unlink()
    prepared = prepare_luna16(tmp_path)
    assert prepared.facts["counts"]["candidates"] == {"nodule": 6, "other": 0}
    assert prepared.facts["notes"] == [
        "There is no table of candidates: only nodules are candidates.",
        "There is no table of excluded findings.",
        "The patient of 6 scans is unknown; each counts as a patient of its own.",
    ]
    assert made.quarantine() == []


def test_tables_and_output_elsewhere(tmp_path: Path) -> None:
    root, out = tmp_path / "data", tmp_path / "out" / "list.json"
    made = good_folder(root)
    given = {}
    names = {"annotations": "annotations", "candidates": "candidates_V2", "excluded": "annotations_excluded"}
    for kind, name in names.items():
        option = f"--{kind}"
        given[option] = tmp_path / f"my_{name}.csv"
        (root / f"{name}.csv").rename(given[option])
    words = [str(word) for pair in given.items() for word in pair]
    assert main([*RUN, str(root), "-o", str(out), "--quiet", *words]) == 0
    items = items_of(out)
    assert items["1.2.3"]["image"] == str(root / "subset1" / "1.2.3.mhd")
    assert len(items["1.2.3"]["candidates"]) == 2
    assert len(items["1.2.3"]["excluded"]) == 1
    assert (out.parent / "quarantine.csv").exists()
    assert made.root == root
    assert not (root / "quarantine.csv").exists()


def test_the_seed_is_used_and_written(tmp_path: Path) -> None:
    good_folder(tmp_path, scans=12)
    splits = []
    for seed in (1, 1, 2, 3):
        prepared = prepare_luna16(tmp_path, seed=seed)
        assert json.loads(prepared.datalist.read_text())["split"]["seed"] == seed
        splits.append([[item["seriesuid"] for item in prepared.lists[name]] for name in SPLITS])
    assert splits[0] == splits[1]
    assert splits[2] != splits[0] or splits[3] != splits[0]


def test_folds_and_moving_patients(tmp_path: Path) -> None:
    made = good_folder(tmp_path)
    made.table("patients", [(f"1.2.{n}", "P0" if n < 2 else f"P{n}", f"S{n}") for n in range(6)])
    stay, move = prepare_luna16(tmp_path), prepare_luna16(tmp_path, move_patients=True)
    for prepared, fold in ((stay, 1), (move, 0)):
        (note,) = [note for note in prepared.facts["notes"] if "P0" in note]
        assert "subsets 0 and 1" in note
        folds = {item["seriesuid"]: item["fold"] for own in prepared.lists.values() for item in own}
        assert folds["1.2.1"] == fold
    assert move.facts["folds"] == {"by": "subset", "patients_moved": True}
    by_patient = prepare_luna16(tmp_path, folds="patient")
    assert len({item["fold"] for own in by_patient.lists.values() for item in own}) == 5


# Restarting

KILLED = """
import os, signal, sys
from pathlib import Path
from lungmonai.data.luna16.prepare import prepare_luna16

def step(stage, done, total):
    if stage.startswith(sys.argv[2]) and done == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)

prepare_luna16(Path(sys.argv[1]), workers=1, progress=step)
"""


@pytest.mark.parametrize(("stage", "done"), [("Checking", 7), ("Collecting", 5)])
def test_a_killed_run_goes_on_to_the_same_datalist(tmp_path: Path, stage: str, done: int) -> None:
    made = good_folder(tmp_path, scans=20)
    cut = tmp_path / "subset1" / "1.2.7.raw"
    cut.write_bytes(cut.read_bytes()[:-1])
    whole = prepare_luna16(tmp_path)
    wanted = whole.datalist.read_bytes(), whole.quarantine.read_bytes()
    whole.datalist.unlink()
    whole.quarantine.unlink()
    log = tmp_path / ".lungmonai" / "checks.jsonl"
    log.unlink()
    run = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), stage, str(done)], check=False)
    assert run.returncode == -signal.SIGKILL
    assert len(log.read_text().splitlines()) == (done if stage == "Checking" else 20)
    assert not whole.datalist.exists()
    assert not list(tmp_path.glob(".partial*"))
    again = prepare_luna16(tmp_path)
    assert (again.datalist.read_bytes(), again.quarantine.read_bytes()) == wanted
    # Only the bad scan was looked at twice, if it was seen before the kill.
    assert len(log.read_text().splitlines()) in (20, 21)
    assert len(made.quarantine()) == 1


def test_scans_that_come_later_are_added(tmp_path: Path) -> None:
    made = good_folder(tmp_path, scans=4)
    before = items_of(prepare_luna16(tmp_path).datalist)
    made.scan(2, "new")
    after = items_of(prepare_luna16(tmp_path).datalist)
    assert sorted(after) == [*sorted(before), "new"]
    log = tmp_path / ".lungmonai" / "checks.jsonl"
    assert len(log.read_text().splitlines()) == 5


@pytest.mark.skipif(shutil.which("unshare") is None, reason="no unshare here, to mount in private")
def test_a_read_only_folder(tmp_path: Path) -> None:
    """In a mount namespace of its own, where that is permitted."""
    root, out = tmp_path / "data", tmp_path / "out" / "list.json"
    good_folder(root)
    script = f"mount --bind {root} {root} && mount -o remount,bind,ro {root} && exec " + " ".join(
        [sys.executable, "-m", "lungmonai.cli", *RUN, str(root), "--quiet"]
    )
    space = ["unshare", "--mount", "sh", "-c"]
    if subprocess.run([*space, "true"], check=False, capture_output=True).returncode:
        pytest.skip("mounting is not permitted here")
    done = subprocess.run([*space, f"{script} -o {out}"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(items_of(out)) == 6
    assert not (root / ".lungmonai").exists()
    refused = subprocess.run([*space, script], check=False, capture_output=True, text=True)
    assert refused.returncode == 5
    assert "choose another output folder" in refused.stderr.lower()


# Readings of phantoms, and the real tables


def test_a_phantoms_own_truth(tmp_path: Path) -> None:
    made = good_folder(tmp_path, scans=3)
    head = (
        "seriesuid,number,coordX,coordY,coordZ,diameter_mm,malignant,texture,place,ratings,source_patient_id,"
    )
    x, y, z = made.lps("1.2.1", 8, 16, 16)
    ratings = {"malignancy": [4, 5, 2], "texture": [5, 5, 4]}
    with (tmp_path / "phantom_nodules.csv").open("w", newline="") as file:
        file.write(head + "source_seriesuid,source_annotations\n")
        row = (
            "1.2.1",
            1,
            x,
            y,
            z,
            4.0,
            True,
            "solid",
            "isolated",
            json.dumps(ratings),
            "L1",
            "1.3",
            "[7, 9, 11]",
        )
        csv.writer(file).writerow(row)
    items = items_of(prepare_luna16(tmp_path).datalist)
    (nodule,) = items["1.2.1"]["nodules"]
    assert (nodule["malignant"], nodule["ratings"], nodule["lidc_annotations"]) == (True, ratings, [7, 9, 11])
    assert (nodule["source_patient"], nodule["place"]) == ("L1", "isolated")
    assert [nodule["malignant"] for nodule in items["1.2.0"]["nodules"]] == [None]
    (tmp_path / "phantom_nodules.csv").write_text("seriesuid,ratings\n1.2.1,{}\n")
    with pytest.raises(DataError, match=r"phantom_nodules\.csv lacks coordX, .* wanted the columns"):
        prepare_luna16(tmp_path)


def header_only(
    path: Path, origin: np.ndarray, spacing: tuple[float, ...], size: tuple[int, ...], turn: int = 1
) -> None:
    """A MetaImage of air in its middle and zeros elsewhere, which takes no room on the disk."""
    lists = [" ".join(map(str, values)) for values in (origin, spacing, size)]
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        "NDims = 3\nBinaryData = True\nOffset = {}\nElementSpacing = {}\nDimSize = {}\n"
        "ElementType = MET_SHORT\nTransformMatrix = {} 0 0 0 {} 0 0 0 1\nElementDataFile = {}.raw\n".format(
            *lists, turn, turn, path.stem
        )
    )
    plane = size[0] * size[1] * 2
    with path.with_suffix(".raw").open("wb") as file:
        file.truncate(plane * size[2])
        file.seek(plane * (size[2] // 2))
        file.write(np.full(100, -1000, "<i2").tobytes())


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.shared_data
def test_two_real_subsets_by_their_tables(shared_data: Path, tmp_path: Path) -> None:
    """Subsets 0 and 1, the scans stood in for by large voxels: counted once more from the CSV files."""
    luna = shared_data / "luna16"
    annotations = rows_of(luna / "annotations.csv")
    subsets = json.loads((luna / "subsets.json").read_text())
    database = LidcDatabase()
    for number in "01":
        for uid in subsets[number]:
            # 25 mm voxels around the slices of the series; LUNA16's patients lie within 500 mm in the plane.
            middle = np.median(database.scan(uid).slice_z_mm)
            header_only(tmp_path / f"subset{number}" / f"{uid}.mhd", np.array([-500, -500, middle - 400]),
                (25, 25, 25), (40, 40, 33))  # fmt: skip
    tables = {name: luna / f"annotations{rest}.csv" for name, rest in (
        ("annotations", ""), ("excluded", "_excluded"), ("malignancy", "_with_malignancy")
    )}  # fmt: skip
    prepared = prepare_luna16(tmp_path, **tables)
    here = {*subsets["0"], *subsets["1"]}
    published = [row for row in rows_of(tables["malignancy"]) if row["seriesuid"] in here]
    counts = prepared.facts["counts"]
    assert counts["scans"] == len(here)
    assert counts["nodules"] == sum(row["seriesuid"] in here for row in annotations)
    assert counts["malignant"] >= sum(row["mal_bool"] == "True" for row in published)
    calls = {nodule["lps_mm"]: nodule["malignant"] for own in prepared.lists.values() for item in own
        for nodule in item["nodules"]}  # fmt: skip
    for row in published:
        center = np.array([float(row[axis]) for axis in ("coordX", "coordY", "coordZ")])
        nearest = min(calls, key=lambda at: float(np.linalg.norm(center - at)))
        assert calls[nearest] is (row["mal_bool"] == "True")
    excluded = {tuple(row.values()) for row in rows_of(tables["excluded"]) if row["seriesuid"] in here}
    assert counts["excluded"] == len(excluded)
    assert all(
        item["patient"].startswith("LIDC-IDRI-") and item["fold"] == item["subset"]
        for own in prepared.lists.values()
        for item in own
    )
    assert prepared.quarantined == ()


def turn_by(published: dict[str, str]) -> int:
    """-1 where columns and rows run the other way: then the first corner of a published box is the higher."""
    return -1 if float(published["bboxLowX"]) > float(published["bboxHighX"]) else 1


def origin_by(scan: LidcScan, annotation: dict[str, str]) -> np.ndarray:
    """Where a scan must begin if an annotation is the LIDC nodule most like it."""
    x, y, z, mm = (float(annotation[name]) for name in ("coordX", "coordY", "coordZ", "diameter_mm"))
    nodule = min(lidc_nodules(scan), key=lambda n: abs(n.center_z_mm - z) + abs(n.diameter_mm - mm))
    _, row, column = nodule.center_vox
    step = scan.pixel_spacing_mm * turn_by(annotation)
    return np.array([x - step * column, y - step * row, scan.slice_z_mm[0]])


@pytest.mark.shared_data
def test_readings_of_lidc_agree_with_the_published_ones(shared_data: Path, tmp_path: Path) -> None:
    """A scan's place is taken from its first nodule; its other nodules are then known by it."""
    published = rows_of(shared_data / "luna16" / "annotations_with_malignancy.csv")
    turns = {row["seriesuid"]: turn_by(row) for row in published}
    several = [uid for uid, count in Counter(row["seriesuid"] for row in published).items() if count > 1]
    # All that are turned, and some that are not.
    series = sorted(several, key=turns.__getitem__)[:30]
    assert Counter(turns[uid] for uid in series) == {-1: 3, 1: 27}
    database = LidcDatabase()
    others = []
    for uid in series:
        scan = database.scan(uid)
        first, *rest = [row for row in published if row["seriesuid"] == uid]
        step, size = scan.pixel_spacing_mm, (512, 512, len(scan.slice_z_mm))
        header_only(
            tmp_path / "subset0" / f"{uid}.mhd",
            origin_by(scan, first),
            (step, step, scan.slice_spacing_mm),
            size,
            turns[uid],
        )
        others += rest
    prepared = prepare_luna16(tmp_path, annotations=shared_data / "luna16" / "annotations.csv")
    known = {nodule["lps_mm"]: nodule for own in prepared.lists.values() for item in own
        for nodule in item["nodules"] if "ratings" in nodule}  # fmt: skip
    agreed = 0
    for row in others:
        center = np.array([float(row[axis]) for axis in ("coordX", "coordY", "coordZ")])
        nearest = min(known, key=lambda at: float(np.linalg.norm(center - at)))
        if np.linalg.norm(center - nearest) < 0.01:
            assert known[nearest]["malignant"] is (row["mal_bool"] == "True")
            assert sorted(known[nearest]["ratings"]["malignancy"]) == sorted(json.loads(row["mal_details"]))
            agreed += 1
    assert agreed == len(others) > 60
