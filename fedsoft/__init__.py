"""fedsoft: decentralized soft-label annotation, simulated and evaluated for calibration."""

__version__ = "0.1.0"
