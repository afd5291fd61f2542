"""The whole bot: how far each stage goes for the quality that was asked for."""
