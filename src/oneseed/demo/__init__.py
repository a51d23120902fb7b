"""The clip that ships with the package, degraded, restored and scored."""
