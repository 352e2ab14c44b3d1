"""How Storywatch looks: sources, reading, stories, claims, ledger, and the service around them."""
