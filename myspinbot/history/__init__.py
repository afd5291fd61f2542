"""The ledger of finished prompts: what ran, how it ended, and where its seconds went."""
