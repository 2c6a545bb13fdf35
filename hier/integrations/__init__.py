"""Adapters to the frameworks people already run."""
