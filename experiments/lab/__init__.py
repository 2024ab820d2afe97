"""The lab machine: calibration, checks before a session, live page, timing."""
