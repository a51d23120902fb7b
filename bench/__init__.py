"""What oneseed is worth beside its rivals. Not part of the wheel."""
