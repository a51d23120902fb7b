"""Where natural pictures come from: R, D2 and D1. One file per prior."""
