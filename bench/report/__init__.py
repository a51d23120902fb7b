"""Runs, shown: tables, tests of differences, plots and a page."""
