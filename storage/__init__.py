"""What Storywatch remembers: records, tables, queries. Imports neither monitor nor alerts."""
