"""What the pack counts and measures, for Prometheus and for the report of each run.

Nothing here can fail a generation: every recording call swallows its own errors, and counts them.
"""

from .frame_clock import FrameClock
from .recording import Metrics
from .run import Run

__all__ = ["FrameClock", "Metrics", "Run"]
