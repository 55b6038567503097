"""The verbs of `lungmonai evaluate`, one file each: `add(verbs)` names its options."""

__all__: list[str] = []
