"""Stimulus sets: building, checking, showing, comparing, exporting."""
