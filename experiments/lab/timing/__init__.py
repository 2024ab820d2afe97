"""How exact this machine's sessions are: onsets, reaction times, durations, frames and memory."""
