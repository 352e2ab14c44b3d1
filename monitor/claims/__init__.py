"""Pure: article text to claims, by lexicon-driven rules."""

from monitor.claims.compiled import prefer_compiled

prefer_compiled(__path__)
