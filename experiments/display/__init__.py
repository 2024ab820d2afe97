"""Everything that touches PsychoPy: window, keyboard, pictures, screens and the session's loop."""
