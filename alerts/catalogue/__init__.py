"""The words of messages: one TOML file a language, read by alerts.words."""
