"""Who restores the pieces of a run: processes of this machine, or of a cluster."""
