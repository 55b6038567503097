"""What training needs beyond MONAI: samples, steps, and what survives a stop."""
