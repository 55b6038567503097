"""Whether a config has the properties that MONAI asks of a workflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from monai.bundle import ConfigWorkflow
from monai.utils import BundleProperty, BundlePropertyConfig

from .config import shown
from .layout import BundleFolder
from .outcome import FindingError

__all__ = ["check_properties"]

# An id that no config has: `initialize` may start process groups.
_NO_INIT = "_nothing_"


class _Unbuilt(ConfigWorkflow):
    """A workflow whose properties are read, not built: building a trainer needs data.

    MONAI's own raises at the first property that is missing, instead of listing it.
    """

    def _get_property(self, name: str, property: dict[Any, Any]) -> Any:
        try:
            return self.parser[self._get_prop_id(name, property)]
        except KeyError as error:
            raise AttributeError(str(error)) from error


def check_properties(bundle: BundleFolder, workflow: tuple[Path, ...], kind: str) -> str:
    """Whether a workflow has every required property, and the optional ones under MONAI's ids.

    Args:
        bundle: whose metadata are part of it.
        workflow: the config files, in the order in which they are merged.
        kind: "train" or "infer".

    Raises:
        FindingError: some are missing or under other ids.
    """
    made = _Unbuilt(
        config_file=[str(path) for path in workflow],
        workflow_type=kind,
        meta_file=str(bundle.metadata) if bundle.metadata.is_file() else [],
        logging_file=False,
        init_id=_NO_INIT,
    )
    made.initialize()
    try:
        wrong = made.check_properties()
    except (TypeError, KeyError) as error:
        raise FindingError(
            "train#handlers is no list of components: each needs its _target_, and @references cannot "
            "stand there, since MONAI looks for a ValidationHandler among them"
        ) from error
    except AttributeError as error:  # MONAI takes every optional property for text that refers
        raise FindingError("an optional property stands in place of a reference such as @handlers") from error
    if wrong:
        raise FindingError("\n".join(_reason(made, made.properties[name]) for name in wrong))
    return f"{len(made.properties)} properties of MONAI's {kind} workflow"


def _reason(made: ConfigWorkflow, property: dict[Any, Any]) -> str:
    key = property[BundlePropertyConfig.ID]
    refers = property.get(BundlePropertyConfig.REF_ID) or ""
    came = made.parser.get(refers) if refers else None
    if property[BundleProperty.REQUIRED] or came is None:
        return f"{shown(key)} is missing: {property[BundleProperty.DESC]}"
    return f"{shown(refers)} is {shown(came)}; wanted @{shown(key)}, or an expression"
