"""Re-statements of published systems that lungmonai is measured against; not part of the package."""
