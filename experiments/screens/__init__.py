"""What each phase of a trial shows, whatever shows it: a window, or a page in a browser."""
