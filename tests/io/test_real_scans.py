"""Real scans, against SimpleITK's own readers."""

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from lungmonai.io import list_series, read_ct

pytestmark = pytest.mark.shared_data


def sitk_series(folder):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def assert_same(scan, image):
    np.testing.assert_array_equal(scan.hu, sitk.GetArrayViewFromImage(image))
    for index in [(0, 0, 0), (511, 0, 0), (0, 511, 0), (0, 0, len(scan.hu) - 1), (100, 200, 30)]:
        np.testing.assert_allclose(
            scan.lps_from_vox(index[::-1]), image.TransformIndexToPhysicalPoint(index), atol=1e-3
        )


@pytest.fixture(scope="module")
def siemens(shared_data):
    return read_ct(shared_data / "ct" / "c3n-00247")


def test_siemens(siemens, shared_data):
    assert siemens.shape == (99, 512, 512)
    assert siemens.spacing_mm == pytest.approx((0.564453, 0.564453, 3.0), abs=1e-5)
    assert (siemens.hu.min(), siemens.hu.max(), siemens.notes) == (-1024, 3071, ())
    assert_same(siemens, sitk_series(shared_data / "ct" / "c3n-00247"))


def test_philips(shared_data):
    scan = read_ct(shared_data / "ct" / "lung-dx-a0001" / "dicom")
    assert scan.shape == (64, 512, 512)
    assert scan.spacing_mm == pytest.approx((0.841797, 0.841797, 5.0), abs=1e-5)
    assert_same(scan, sitk_series(shared_data / "ct" / "lung-dx-a0001" / "dicom"))


def test_nrrd(shared_data):
    path = shared_data / "ct" / "lung1_image.nrrd"
    scan = read_ct(path)
    assert scan.spacing_mm == pytest.approx((0.570313, 0.570313, 5.0), abs=1e-5)
    assert_same(scan, sitk.ReadImage(str(path)))


def test_list_series(shared_data):
    (series,) = list_series(shared_data / "ct" / "c3n-00247")
    assert (series.modality, series.slices, series.axial, series.rows) == ("CT", 99, True, 512)


@pytest.mark.parametrize("name", ["scan.mhd", "scan.mha", "scan.nii.gz", "scan.nrrd"])
def test_one_scan_in_every_format(siemens, tmp_path, name):
    image = sitk.GetImageFromArray(siemens.hu[:20])
    image.SetSpacing(siemens.spacing_mm)
    image.SetOrigin(siemens.affine_lps[:3, 3].tolist())
    sitk.WriteImage(image, str(tmp_path / name))

    scan = read_ct(tmp_path / name)

    np.testing.assert_array_equal(scan.hu, siemens.hu[:20])
    np.testing.assert_allclose(scan.affine_lps, siemens.affine_lps, atol=1e-3)
