"""Pure: bytes to entries, HTML to article text, versions and their differences."""
