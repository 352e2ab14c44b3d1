"""The shapes of messages: Jinja2 templates that carry layout, no words (those are in alerts/catalogue)."""
