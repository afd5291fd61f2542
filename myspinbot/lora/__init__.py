"""Images of a subject → a LoRA that shows it: dataset, recipe, training, file."""
