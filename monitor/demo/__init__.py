"""A rehearsal on loopback: January 2022 played by a small news site, watched by the real service."""
