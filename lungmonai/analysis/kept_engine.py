"""An engine for many scans: what was prepared for one serves the next."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from .engine import Engine, Runner
from .models import ModelFile

__all__ = ["KeptEngine"]


@dataclass(frozen=True)
class KeptEngine(Engine):
    """An engine that prepares a model once for blocks of one shape, and again only for another shape.

    Of each model one shape is kept, so that scans of many sizes do not fill the memory. It serves one
    thread.
    """

    _kept: dict[str, tuple[tuple[int, ...], Runner]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def of(cls, engine: Engine) -> KeptEngine:
        """The same engine, which keeps what it prepares.

        Args:
            engine: as started.
        """
        return cls(**{one.name: getattr(engine, one.name) for one in fields(engine) if one.init})

    def prepare(self, model: ModelFile, shape: tuple[int, ...]) -> Runner:
        """A model ready for blocks of one shape.

        Args:
            model: as for `Engine.prepare`.
            shape: of every block.
        """
        kept = self._kept.get(model.sha256)
        if kept is None or kept[0] != shape:
            # What is there is let go of first: two shapes at once would need the memory of both.
            self._kept.pop(model.sha256, None)
            self._kept[model.sha256] = kept = shape, super().prepare(model, shape)
        return kept[1]
