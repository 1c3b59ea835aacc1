"""Strategies of our own, as subclasses of Flower's: what `fedsoft.federation.strategies` builds."""
