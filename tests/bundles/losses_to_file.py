"""A handler that a test's config names."""

import os
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events


class LossesToFile:
    """Add the loss of each step to a file; the first process does."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def attach(self, engine: Engine) -> None:
        engine.add_event_handler(Events.ITERATION_COMPLETED, self)

    def __call__(self, engine: Any) -> None:
        if os.environ.get("RANK", "0") == "0":
            with self.path.open("a") as file:
                file.write(f"{engine.state.output['loss'].item()!r}\n")
