"""Pure: article text to claims, by lexicon-driven rules."""
