"""The schema's history, oldest first. A migration never imports live code."""
