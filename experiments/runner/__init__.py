"""The tasks as pure state machines, their log and their observers; no window, no PsychoPy."""
