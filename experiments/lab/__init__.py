"""What makes a lab machine trustworthy: calibration, pre-flight, live monitor, timing."""
