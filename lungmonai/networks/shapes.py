"""What the networks see; here so that the analysis can ask without loading torch."""

__all__ = ["CONTEXT_SLICES", "CROP_SHAPE", "HU_LIMIT", "WINDOW_SLICES"]

# All four: Deep Learning with PyTorch, part 2.
# Slices either side of the one that is segmented.
CONTEXT_SLICES = 3
WINDOW_SLICES = 2 * CONTEXT_SLICES + 1
# Slices, rows, columns around a candidate.
CROP_SHAPE = (32, 48, 48)
# HU are clamped to ±1000, and not scaled.
HU_LIMIT = 1000
