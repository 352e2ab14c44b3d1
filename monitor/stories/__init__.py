"""Pure: seeds to stories, and which article belongs to which story."""
