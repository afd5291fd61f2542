"""Training of LoRAs on a user's own images, free of ComfyUI."""
