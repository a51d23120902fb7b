"""What ours is compared with, one file each; `base.py` says what such a file has."""
