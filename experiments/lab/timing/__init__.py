"""How exact sessions are on this machine: onsets, reaction times, durations, frames, memory."""
