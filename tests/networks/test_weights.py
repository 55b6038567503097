"""Weights files: what is written is read back, and what is not ours is refused."""

import pickle
from pathlib import Path

import pytest
import torch

from lungmonai.analysis import ModelFile
from lungmonai.errors import OutputError, SettingsError, WeightsError
from lungmonai.networks import build_network, load_weights, save_weights
from lungmonai.networks.weights import crop_spacing_of


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "model.pt"
    save_weights(path, "nodule_cnn", build_network("nodule_cnn"), stand_in=True, origin="a test")
    return path


def change(path: Path, edit) -> Path:
    content = torch.load(path, weights_only=True)
    edit(content)
    torch.save(content, path)
    return path


def test_weights_come_back_as_they_went(tmp_path: Path) -> None:
    network = build_network("nodule_cnn").eval()
    save_weights(tmp_path / "m.pt", "nodule_cnn", network, stand_in=True, origin="a test")
    loaded = load_weights(tmp_path / "m.pt", task="classification")
    crops = torch.randn(2, 1, 32, 48, 48)
    torch.testing.assert_close(loaded.network(crops), network(crops), atol=0, rtol=0)
    assert (loaded.stand_in, loaded.origin, loaded.architecture.name) == (True, "a test", "nodule_cnn")
    assert "stand-in nodule_cnn" in repr(loaded)


def test_the_spacing_of_crops_goes_with_the_weights(tmp_path: Path) -> None:
    network, path = build_network("nodule_cnn"), tmp_path / "m.pt"
    about = {"stand_in": False, "origin": "a test"}
    save_weights(path, "nodule_cnn", network, **about, crop_spacing_mm=[1.25, 0.7, 0.7])
    assert load_weights(path, task="classification").crop_spacing_mm == (1.25, 0.7, 0.7)
    assert crop_spacing_of(path) == (1.25, 0.7, 0.7)
    assert ModelFile.open(path, task="classification").crop_spacing_mm == (1.25, 0.7, 0.7)
    save_weights(path, "nodule_cnn", network, **about)
    assert crop_spacing_of(path) is None
    assert ModelFile.open(path, task="classification").crop_spacing_mm is None
    with pytest.raises(SettingsError, match="spacing of crops is"):
        save_weights(path, "nodule_cnn", network, **about, crop_spacing_mm=[0, 1, 1])
    change(path, lambda content: content["lungmonai"].update(crop_spacing_mm=[1.0]))
    with pytest.raises(WeightsError, match=r"m\.pt names the crop spacing \[1\.0\]; wanted three numbers"):
        crop_spacing_of(path)


def test_monai_reads_the_same_file(saved: Path) -> None:
    from ignite.engine import Engine, Events
    from monai.handlers import CheckpointLoader

    network = build_network("nodule_cnn")
    engine = Engine(lambda engine, batch: None)
    CheckpointLoader(str(saved), {"model": network}).attach(engine)
    engine.fire_event(Events.STARTED)
    expected = load_weights(saved, task="classification").network
    assert torch.equal(network.head.weight, expected.head.weight)


def test_weights_for_another_task_are_refused(saved: Path) -> None:
    with pytest.raises(WeightsError, match="for classification; wanted weights for segmentation"):
        load_weights(saved, task="segmentation")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no\.pt does not exist"):
        load_weights(tmp_path / "no.pt", task="segmentation")


def test_a_truncated_file_is_refused(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:5000])
    with pytest.raises(WeightsError, match="refused by torch's weights_only loading"):
        load_weights(saved, task="classification")


class Hostile:
    """Makes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.target,)


def test_a_file_that_runs_code_is_refused_and_does_not_run_it(tmp_path: Path) -> None:
    bait, victim = tmp_path / "bait.pt", tmp_path / "ran"
    torch.save({"model_state": Hostile(victim)}, bait)
    with pytest.raises(WeightsError, match="refused by torch's weights_only loading"):
        load_weights(bait, task="classification")
    assert not victim.exists()
    bait.write_bytes(pickle.dumps(Hostile(victim)))
    with pytest.raises(WeightsError, match="weights_only"):
        load_weights(bait, task="classification")
    assert not victim.exists()


def test_a_bare_state_dict_says_what_to_do(tmp_path: Path) -> None:
    torch.save(build_network("nodule_cnn").state_dict(), tmp_path / "bare.pt")
    with pytest.raises(WeightsError, match="wanted the keys model and lungmonai"):
        load_weights(tmp_path / "bare.pt", task="classification")


def test_a_file_that_holds_a_list_is_refused(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(WeightsError, match="holds a list"):
        load_weights(tmp_path / "list.pt", task="classification")


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        (lambda c: c["model"].pop("head.bias"), r"lacks \['head.bias'\]"),
        (lambda c: c["model"].update(more=torch.zeros(1)), r"has \['more'\] beside"),
        (
            lambda c: c["model"].update({"head.bias": torch.zeros(3)}),
            r"head.bias of shape \(3,\) instead of \(2,\)",
        ),
        (lambda c: c["model"]["head.bias"].fill_(float("nan")), "head.bias that are not finite"),
        (lambda c: c["lungmonai"].update(architecture="vgg"), "'vgg' is not known"),
    ],
    ids=["missing", "extra", "shape", "nan", "architecture"],
)
def test_weights_that_do_not_fit_are_refused(saved: Path, edit, text: str) -> None:
    with pytest.raises(WeightsError, match=text):
        load_weights(change(saved, edit), task="classification")


def test_nothing_is_left_when_the_folder_is_missing(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="could not be written"):
        save_weights(
            tmp_path / "no" / "m.pt", "nodule_cnn", build_network("nodule_cnn"), stand_in=False, origin="x"
        )
    assert list(tmp_path.iterdir()) == []
