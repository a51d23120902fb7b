"""The simple rivals, one file each: `restore(measurement) -> Frames`, or None where the rival does not apply.

Rivals that choose by the ground truth say so (`ORACLE = True`): they are given more than any user has.
"""
