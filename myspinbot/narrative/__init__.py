"""What the bot says: topic to narration and stage prompt, by an embedded model or templates."""
