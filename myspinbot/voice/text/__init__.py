"""What is said: text → pieces → words → phonemes. Knows no engine and no sound."""
