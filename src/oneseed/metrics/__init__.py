"""What a result is worth. One file per metric; only scoring and training may look here."""
