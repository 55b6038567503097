"""An engine for many scans: what was prepared for one serves the next."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Self

from .engine import Engine, Runner
from .models import ModelFile

__all__ = ["KeptEngine"]

# Of the slices of a scan, and of the larger voxels in which masses are looked for.
_SHAPES = 2


@dataclass(frozen=True)
class KeptEngine(Engine):
    """An engine that prepares a model once for blocks of one shape, and again only for another shape.

    Of each model the last two shapes are kept, for a scan is looked at twice: scans of many sizes do not
    fill the memory. It serves one thread.
    """

    # The shape that was used last comes last.
    _kept: dict[str, dict[tuple[int, ...], Runner]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def of(cls, engine: Engine) -> Self:
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
        kept = self._kept.setdefault(model.sha256, {})
        runner = kept.pop(shape, None)
        if runner is None:
            # One is let go of first: a third at once would need the memory of all.
            for former in [*kept][: 1 - _SHAPES]:
                del kept[former]
            runner = super().prepare(model, shape)
        kept[shape] = runner
        return runner
