"""I/O: fetching feeds and pages politely and safely."""
