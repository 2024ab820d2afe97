"""Speed of the generator, compared with common scripts and with the machine's limit."""
