"""When a run validates."""

import pytest
from ignite.engine import Engine

from lungmonai.errors import SettingsError
from lungmonai.training.validate import Validate


class Noted:
    """Stands in for an evaluator."""

    def __init__(self) -> None:
        self.epochs: list[int] = []

    def run(self, epoch: int) -> None:
        self.epochs.append(epoch)


@pytest.mark.parametrize(
    ("every", "epochs", "wanted"), [(5, 12, [1, 5, 10, 12]), (1, 3, [1, 2, 3]), (5, 1, [1])]
)
def test_it_validates_first_regularly_and_last(every: int, epochs: int, wanted: list[int]) -> None:
    noted, engine = Noted(), Engine(lambda *_: None)
    Validate(noted, every).attach(engine)
    engine.run([0], max_epochs=epochs)
    assert noted.epochs == wanted


def test_less_than_every_epoch_is_refused() -> None:
    with pytest.raises(SettingsError, match="validation every 0 epochs"):
        Validate(Noted(), 0)
