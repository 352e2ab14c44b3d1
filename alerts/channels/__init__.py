"""One module a channel, all behind one protocol."""
